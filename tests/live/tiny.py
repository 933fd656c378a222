"""Models of random weights, a few hundred kilobytes each: honest files for a real Ollama.

Answers are noise, but tokens, times, sizes, digests, schemas and swaps are as real as any.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

PRINTABLE = [chr(code) for code in range(0x20, 0x7F)]
SPACE = "\u2581"
"""How a SentencePiece vocabulary writes a space."""

UNKNOWN, BEGIN, END = 0, 1, 2
NEVER = -60.0
"""A bias that no logit outweighs."""

# It tells of every file that it writes.
logging.getLogger("gguf.gguf_writer").setLevel(logging.WARNING)

Matrix = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Chat:
    """A llama of random weights: 3 special tokens, 256 bytes, 95 printable characters.

    `ends` is how readily it ends an answer by itself; by default it never does, and an answer
    is as long as `num_predict` says. A grammar that is satisfied ends any answer.
    """

    seed: int
    width: int = 64
    heads: int = 4
    layers: int = 2
    context: int = 4096
    ends: float = NEVER

    def write(self, path: Path) -> Path:
        """Write the model as one GGUF file."""
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_name(f"tiny chat {self.seed}")
        writer.add_context_length(self.context)
        writer.add_embedding_length(self.width)
        writer.add_block_count(self.layers)
        writer.add_feed_forward_length(2 * self.width)
        writer.add_head_count(self.heads)
        writer.add_head_count_kv(self.heads)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_rope_dimension_count(self.width // self.heads)
        writer.add_file_type(gguf.LlamaFileType.ALL_F32)
        self._vocabulary(writer)
        for name, tensor in self._tensors():
            writer.add_tensor(name, tensor)
        return _closed(writer, path)

    def _vocabulary(self, writer: gguf.GGUFWriter) -> None:
        tokens = [
            "<unk>",
            "<s>",
            "</s>",
            *(f"<0x{byte:02X}>" for byte in range(256)),
            SPACE,
            *PRINTABLE[1:],
        ]
        kind = gguf.TokenType
        kinds = [kind.UNKNOWN, kind.CONTROL, kind.CONTROL]
        kinds += [kind.BYTE] * 256 + [kind.NORMAL] * len(PRINTABLE)
        writer.add_vocab_size(len(tokens))
        writer.add_tokenizer_model("llama")
        writer.add_token_list(tokens)
        writer.add_token_scores([0.0] * len(tokens))
        writer.add_token_types(kinds)
        writer.add_bos_token_id(BEGIN)
        writer.add_eos_token_id(END)
        writer.add_unk_token_id(UNKNOWN)
        writer.add_add_bos_token(value=True)
        writer.add_add_eos_token(value=False)
        writer.add_add_space_prefix(value=False)

    def _tensors(self) -> Iterator[tuple[str, Matrix]]:
        random = np.random.default_rng(self.seed)
        width, inner, words = self.width, 2 * self.width, 3 + 256 + len(PRINTABLE)

        def some(rows: int, columns: int, scale: float = 1.0) -> Matrix:
            drawn = random.normal(0, scale / np.sqrt(columns), (rows, columns))
            return drawn.astype(np.float32)

        # The first channel is the same for every token, no block reads or writes it, and the
        # output's first column weighs it: a bias, by which only printable characters are likely.
        embedding = some(words, width, np.sqrt(width))
        embedding[:, 0] = 8.0 * np.sqrt(self.layers)
        output = some(words, width, 8.0)
        output[:, 0] = NEVER
        output[END, 0] = self.ends
        output[3 + 256 :, 0] = 0.0
        yield "token_embd.weight", embedding
        yield "output_norm.weight", np.ones(width, np.float32)
        yield "output.weight", output
        for layer in range(self.layers):
            block = f"blk.{layer}"
            yield f"{block}.attn_norm.weight", np.ones(width, np.float32)
            yield f"{block}.ffn_norm.weight", np.ones(width, np.float32)
            for name, rows in (
                *(("attn_q", width), ("attn_k", width), ("attn_v", width)),
                *(("ffn_gate", inner), ("ffn_up", inner)),
            ):
                matrix = some(rows, width, 2.0)
                matrix[:, 0] = 0.0
                yield f"{block}.{name}.weight", matrix
            for name, columns in (("attn_output", width), ("ffn_down", inner)):
                matrix = some(width, columns, 2.0)
                matrix[0, :] = 0.0
                yield f"{block}.{name}.weight", matrix


@dataclass(frozen=True, slots=True)
class Embedder:
    """A BERT of random weights that reads one character a token and answers `width` numbers."""

    seed: int
    width: int = 32
    heads: int = 4
    layers: int = 1
    context: int = 128

    def write(self, path: Path) -> Path:
        """Write the model as one GGUF file."""
        writer = gguf.GGUFWriter(path, "bert")
        writer.add_name(f"tiny embedder {self.seed}")
        writer.add_context_length(self.context)
        writer.add_embedding_length(self.width)
        writer.add_block_count(self.layers)
        writer.add_feed_forward_length(2 * self.width)
        writer.add_head_count(self.heads)
        writer.add_layer_norm_eps(1e-12)
        writer.add_causal_attention(value=False)
        writer.add_pooling_type(gguf.PoolingType.MEAN)
        writer.add_file_type(gguf.LlamaFileType.ALL_F32)
        tokens = self._vocabulary(writer)
        for name, tensor in self._tensors(len(tokens)):
            writer.add_tensor(name, tensor)
        return _closed(writer, path)

    def _vocabulary(self, writer: gguf.GGUFWriter) -> list[str]:
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        first = [SPACE + character for character in PRINTABLE[1:]]
        tokens = [*special, *first, *PRINTABLE[1:]]
        kind = gguf.TokenType
        writer.add_vocab_size(len(tokens))
        writer.add_tokenizer_model("bert")
        writer.add_token_list(tokens)
        writer.add_token_types([kind.CONTROL] * 5 + [kind.NORMAL] * (len(tokens) - 5))
        writer.add_token_type_count(2)
        writer.add_pad_token_id(0)
        writer.add_unk_token_id(1)
        writer.add_bos_token_id(2)
        writer.add_eos_token_id(3)
        writer.add_sep_token_id(3)
        writer.add_mask_token_id(4)
        writer.add_add_bos_token(value=True)
        writer.add_add_eos_token(value=True)
        return tokens

    def _tensors(self, words: int) -> Iterator[tuple[str, Matrix]]:
        random = np.random.default_rng(self.seed)
        width, inner = self.width, 2 * self.width

        def some(rows: int, columns: int) -> Matrix:
            drawn = random.normal(0, 1 / np.sqrt(columns), (rows, columns))
            return drawn.astype(np.float32)

        def norm(name: str) -> Iterator[tuple[str, Matrix]]:
            yield f"{name}.weight", np.ones(width, np.float32)
            yield f"{name}.bias", np.zeros(width, np.float32)

        def linear(name: str, rows: int, columns: int) -> Iterator[tuple[str, Matrix]]:
            yield f"{name}.weight", some(rows, columns)
            yield f"{name}.bias", np.zeros(rows, np.float32)

        yield "token_embd.weight", some(words, width)
        yield "token_types.weight", some(2, width)
        yield "position_embd.weight", some(self.context, width)
        yield from norm("token_embd_norm")
        for layer in range(self.layers):
            block = f"blk.{layer}"
            for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
                yield from linear(f"{block}.{name}", width, width)
            yield from norm(f"{block}.attn_output_norm")
            yield from linear(f"{block}.ffn_up", inner, width)
            yield from linear(f"{block}.ffn_down", width, inner)
            yield from norm(f"{block}.layer_output_norm")


def _closed(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
