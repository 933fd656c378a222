"""What was passed on of an answer, and what is still missing of it: pure.

The token channel may lose, repeat or begin anew; the job's row is the truth. What does not
continue exactly what was passed on waits for the row, and the rest is taken from there.
"""

from collections.abc import Mapping
from typing import Any

from gpu.proxy.errors import DivergedError
from gpu.proxy.shapes import Piece


class Assembly:
    """The part of one answer that its client has."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._length = 0
        self._calls = 0
        self._lost = False

    @property
    def begun(self) -> bool:
        """True once something was passed on."""
        return bool(self._length or self._calls)

    def add(self, said: Mapping[str, Any]) -> Piece:
        """Return what a chunk adds; nothing where it does not follow what was passed on.

        `at` is the number of characters that came before it; without it, it is believed.
        """
        if self._lost or said.get("at", self._length) != self._length:
            self._lost = True
            return Piece()
        piece = Piece(
            str(said.get("text") or ""),
            str(said.get("thinking") or ""),
            tuple(said.get("tool_calls") or ()),
        )
        self._keep(piece)
        return piece

    def again(self) -> None:
        """The job begins anew: harmless before the first word, else the row has to decide."""
        self._lost = self.begun

    def rest(self, whole: Piece) -> Piece:
        """Return what is missing of the whole answer.

        Raises:
            DivergedError: what was passed on is not how the answer begins.
        """
        text, thinking = "".join(self._text), "".join(self._thinking)
        if not (
            whole.text.startswith(text)
            and whole.thinking.startswith(thinking)
            and len(whole.calls) >= self._calls
        ):
            raise DivergedError("The answer began anew after its first words had left.")
        piece = Piece(
            whole.text[len(text) :], whole.thinking[len(thinking) :], whole.calls[self._calls :]
        )
        self._keep(piece)
        return piece

    def _keep(self, piece: Piece) -> None:
        if piece.text:
            self._text.append(piece.text)
        if piece.thinking:
            self._thinking.append(piece.thinking)
        self._length += len(piece.text) + len(piece.thinking)
        self._calls += len(piece.calls)
