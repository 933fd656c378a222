"""The server of a card as the worker asks it, whichever API it speaks."""

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import httpx

from adapters import secret_files
from adapters.inference.errors import (
    BusyError,
    RefusedOptionError,
    UnknownModelError,
    UnreachableError,
)
from adapters.inference.ollama import Chunk, Embedded, Resident, Stop, Tag, full_name
from adapters.inference.ollama import Server as Ollama
from adapters.inference.openai import Server as OpenAI
from adapters.json_value import JSON
from gpu.errors import KeyMissingError
from gpu.models import Card

CHAT_ALONE: Final = ("raw", "template", "suffix", "images", "tools")
"""Of one prompt these say what no chat can."""


class Served:
    """A server of OpenAI's API: what it lists is resident, and nothing is ours to load or put out.

    Raises, from every method, what `openai.Server` does.
    """

    swaps_models: Final = False

    def __init__(self, server: OpenAI, models: Sequence[str]) -> None:
        self.url = server.url
        self._server = server
        self._ours = {full_name(model) for model in models}
        self._listed = self._ours

    def stream_chat(
        self,
        model: str,
        options: Mapping[str, JSON],
        body: Mapping[str, JSON],
        *,
        deadline: float,
        label: str = "",
        stop: Stop | None = None,
    ) -> Generator[Chunk, None, None]:
        """Yield the answer as it comes."""
        return self._server.stream_chat(
            model, options, body, deadline=deadline, label=label, stop=stop
        )

    def stream_generate(
        self,
        model: str,
        options: Mapping[str, JSON],
        body: Mapping[str, JSON],
        *,
        deadline: float,
        label: str = "",
        stop: Stop | None = None,
    ) -> Generator[Chunk, None, None]:
        """Like `stream_chat`, for one prompt.

        Raises:
            RefusedOptionError: the prompt is not one that a chat could say.
        """
        said = [name for name in CHAT_ALONE if body.get(name)]
        if said:
            raise RefusedOptionError(f"This server chats: it has no word for {', '.join(said)}.")
        prompts = (("system", body.get("system")), ("user", body.get("prompt")))
        messages: list[JSON] = [{"role": role, "content": text} for role, text in prompts if text]
        return self.stream_chat(
            model,
            options,
            {**body, "messages": messages},
            deadline=deadline,
            label=label,
            stop=stop,
        )

    def embed(
        self,
        model: str,
        options: Mapping[str, JSON],
        inputs: Sequence[str],
        truncate: bool | None,  # noqa: FBT001 - Ollama's own field, with three values
        dimensions: int | None,
        *,
        deadline: float,
        label: str = "",
        stop: Stop | None = None,
    ) -> Embedded:
        """Return one vector per input.

        Raises:
            RefusedOptionError: what is too long is to be cut, for which this API has no word.
        """
        del options
        if truncate:
            raise RefusedOptionError("OpenAI's API has no word for truncate.")
        return self._server.embed(
            model, inputs, deadline=deadline, dimensions=dimensions, label=label, stop=stop
        )

    def load(
        self,
        model: str,
        options: Mapping[str, JSON],
        embeds: bool,  # noqa: FBT001 - a fact of the slot, passed on as it is
        *,
        deadline: float,
        stop: Stop | None = None,
    ) -> float:
        """Refuse: what the server does not list it has not.

        Raises:
            UnknownModelError: always.
        """
        del options, embeds, deadline, stop
        words = f"{self.url} does not list {model}: it holds what it was started with."
        raise UnknownModelError(words, httpx.codes.NOT_FOUND)

    def unload(
        self,
        model: str,
        embeds: bool,  # noqa: FBT001 - as in load
        *,
        deadline: float,
        stop: Stop | None = None,
    ) -> None:
        """Leave it: its memory is the server's own."""
        del model, embeds, deadline, stop

    def resident(self, *, timeout_s: float = 10.0) -> list[Resident]:
        """Return those of our models that the server lists; one that has no list is believed.

        Raises:
            UnreachableError: its list is empty: it is not up yet, or no more.
        """
        try:
            listed = {full_name(model) for model in self._server.models(timeout_s=timeout_s)}
        except UnknownModelError:
            # A gateway may answer chats and have no list.
            listed = self._ours
        except BusyError as busy:
            if busy.status != httpx.codes.TOO_MANY_REQUESTS:
                raise
            # Who is asked too often is there, and holds what it held.
            listed = self._listed
        if not listed:
            raise UnreachableError(f"{self.url} lists no model.")
        self._listed = listed
        found = sorted(self._ours & listed)
        return [Resident(model, digest="", bytes=0, vram_bytes=0, context=0) for model in found]

    def tags(self, *, timeout_s: float = 10.0) -> list[Tag]:
        """Return nothing: this API says no digest, so that nothing can be pinned to one."""
        del timeout_s
        return []


CardServer: TypeAlias = Ollama | Served


def server_of(card: Card) -> CardServer:
    """Return the server of a card.

    Raises:
        KeyMissingError: the file with its key cannot be read, or holds none.
    """
    if not card.serves:
        return Ollama(card.url)
    names = list(dict.fromkeys(card.serves.values()))
    return Served(OpenAI(card.url, token=_key(card.key_file)), names)


def _key(file: str) -> str:
    if not file:
        return ""
    try:
        return secret_files.read(Path(file))
    except secret_files.UnfitSecretError as fault:
        raise KeyMissingError(f"{file}: {fault}") from fault
