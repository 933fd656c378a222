"""A model behind a server answers typed questions, asked directly: without the card's queue."""

import time
from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Protocol

from adapters.inference import rendering
from adapters.inference.errors import MalformedAnswerError
from adapters.inference.ollama import Chunk
from adapters.inference.port import Answer, Question
from adapters.json_value import JSON


class Server(Protocol):
    """What is asked of a server: one chat, streamed."""

    name: str

    def stream_chat(
        self,
        model: str,
        options: Mapping[str, JSON],
        body: Mapping[str, JSON],
        *,
        deadline: float,
    ) -> Generator[Chunk, None, None]:
        """Yield the answer as it comes; the last piece is `done`."""
        ...


class Inference:
    """A model that answers typed questions, at one server, with the options of one slot."""

    def __init__(
        self,
        server: Server,
        model: str,
        options: Mapping[str, JSON],
        *,
        context_tokens: int,
        timeout_s: float = 120.0,
    ) -> None:
        self.name = server.name
        self._server = server
        self._model = model
        self._options = options
        self._context_tokens = context_tokens
        self._timeout_s = timeout_s

    def ask(self, question: Question) -> Answer:
        """Choose one of the candidates, or raise: never an answer out of malformed text.

        Malformed text is told what is wrong with it, and asked for once more.

        Raises:
            NoAnswerError: there is nothing to choose from.
            OversizeError: the question does not fit the context.
            MalformedAnswerError: the model's text is no answer.
            ModelServerError: the server did not answer whole, or not in time.
        """
        began = time.perf_counter()
        deadline = time.monotonic() + self._timeout_s
        prompt = rendering.render(question, self._context_tokens)
        text, last = self._said(prompt.body(), deadline)
        try:
            return self._read(text, last, question, began)
        except MalformedAnswerError as fault:
            again = rendering.asked_again(prompt.body(), text, str(fault))
        text, last = self._said(again, deadline)
        return self._read(text, last, question, began)

    def _said(self, body: Mapping[str, JSON], deadline: float) -> tuple[str, Chunk]:
        """Return one answer's whole text; what does not come to an end is cut, and refused so."""
        text, last = "", Chunk()
        stream = self._server.stream_chat(self._model, self._options, body, deadline=deadline)
        with closing(stream):
            for last in stream:
                text += last.text
                if len(text) > rendering.LONGEST_ANSWER:
                    break
        return text, last

    def _read(self, text: str, last: Chunk, question: Question, began: float) -> Answer:
        return rendering.parse(
            text,
            question,
            engine=self.name,
            elapsed_us=round((time.perf_counter() - began) * 1_000_000),
            tokens_in=last.tokens_in,
            tokens_out=last.tokens_out,
        )
