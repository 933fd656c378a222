"""A model behind an Ollama answers typed questions, asked directly: without the card's queue."""

import time
from collections.abc import Mapping
from contextlib import closing

from adapters.inference import rendering
from adapters.inference.errors import MalformedAnswerError
from adapters.inference.ollama import Chunk, Server
from adapters.inference.port import Answer, Question
from adapters.json_value import JSON


class Inference:
    """A model that answers typed questions, at one server, with the options of one slot."""

    name = "ollama"

    def __init__(
        self,
        server: Server,
        model: str,
        options: Mapping[str, JSON],
        *,
        context_tokens: int,
        timeout_s: float = 120.0,
    ) -> None:
        self._server = server
        self._model = model
        self._options = options
        self._context_tokens = context_tokens
        self._timeout_s = timeout_s

    def ask(self, question: Question) -> Answer:
        """Choose one of the candidates, or raise: never an answer out of malformed text.

        Raises:
            NoAnswerError: there is nothing to choose from.
            OversizeError: the question does not fit the context.
            MalformedAnswerError: the model's text is no answer.
            ModelServerError: the server did not answer whole, or not in time.
        """
        began = time.perf_counter()
        prompt = rendering.render(question, self._context_tokens)
        text = ""
        last = Chunk()
        deadline = time.monotonic() + self._timeout_s
        stream = self._server.stream_chat(
            self._model, self._options, prompt.body(), deadline=deadline
        )
        with closing(stream):
            for last in stream:
                text += last.text
                if len(text) > rendering.LONGEST_ANSWER:
                    raise MalformedAnswerError("The model does not come to an end.")
        return rendering.parse(
            text,
            question,
            engine=self.name,
            elapsed_us=round((time.perf_counter() - began) * 1_000_000),
            tokens_in=last.tokens_in,
            tokens_out=last.tokens_out,
        )
