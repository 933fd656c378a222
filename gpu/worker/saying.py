"""What is sent to the server for a job, anew or continued, and what its whole answer is: pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapters.inference.ollama import Chunk
from adapters.json_value import JSON
from gpu.states import JobKind
from gpu.tiers import Tier


@dataclass(frozen=True, slots=True)
class Said:
    """What a model has said so far, in this stretch of work and in those before it."""

    text: str = ""
    thinking: str = ""
    calls: tuple[Mapping[str, JSON], ...] = ()
    before: int = 0
    """Tokens of earlier stretches."""
    stretch: int = 0
    """Tokens of this one: pieces, until the server has counted."""
    last: Chunk | None = None

    @property
    def tokens(self) -> int:
        """Tokens in all."""
        return self.before + self.stretch

    @property
    def asked(self) -> int | None:
        """Tokens of the question; a continued answer's own words are read again with it."""
        return None if self.last is None else max(self.last.tokens_in - self.before, 0)

    def plus(self, chunk: Chunk) -> "Said":
        """Return this and one chunk more."""
        pieces = 1 if (chunk.text or chunk.thinking) else 0
        return replace(
            self,
            text=self.text + chunk.text,
            thinking=self.thinking + chunk.thinking,
            calls=(*self.calls, *chunk.tool_calls),
            stretch=chunk.tokens_out or self.stretch + pieces,
            last=chunk if chunk.done else None,
        )

    def kept(self, *, told: bool) -> dict[str, JSON]:
        """Return what is stored at a preemption; `told`: a reader has some of it already."""
        return {"text": self.text, "told": told}


def may_continue(continues: str, kind: str, body: Mapping[str, Any], *, bound: bool) -> bool:
    """Tell whether a partial answer may be gone on with; a schema's or a tool call's never."""
    if bound or not continues or body.get("tools") or body.get("think"):
        return False
    if kind == JobKind.GENERATE:
        plain = not body.get("template") and not body.get("suffix") and not body.get("images")
        return plain and (bool(body.get("raw")) or continues == "assistant")
    return kind == JobKind.CHAT


def tells_live(tier: Tier, *, streams: bool, continued: bool) -> bool:
    """Tell whether tokens are passed on as they come.

    What may have to be begun anew is passed on when it is whole: nobody can take back text.
    """
    return streams and (tier == Tier.OPS or continued)


def whole_at_its_limit(body: Mapping[str, Any], said: Said) -> Said | None:
    """Return what was said as a whole answer, where no token more may come; else None."""
    limit = limit_of(body)
    if limit is None or said.tokens < limit:
        return None
    return replace(said, last=Chunk(done=True, done_reason="length"))


def continuation(kind: str, body: Mapping[str, Any], said: Said) -> tuple[str, dict[str, Any]]:
    """Return how to ask for the rest: as `chat` or `generate`, and with which body."""
    sampling = dict(body.get("sampling") or {})
    limit = limit_of(body)
    if limit is not None:
        sampling["num_predict"] = max(1, limit - said.tokens)
    rest = {**body, "sampling": sampling}
    partial = {"role": "assistant", "content": said.text}
    if kind == JobKind.CHAT:
        return "chat", {**rest, "messages": [*body.get("messages", []), partial]}
    if body.get("raw"):
        return "generate", {**rest, "prompt": str(body.get("prompt", "")) + said.text}
    system = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    prompt = {"role": "user", "content": str(body.get("prompt", ""))}
    kept: dict[str, Any] = {name: rest[name] for name in ("format", "sampling") if name in rest}
    return "chat", {**kept, "messages": [*system, prompt, partial]}


def answer(kind: str, said: Said) -> dict[str, JSON]:
    """Return the whole answer as it is stored with the job."""
    reason = (said.last.done_reason if said.last else "") or "stop"
    if kind == JobKind.GENERATE:
        whole: dict[str, JSON] = {"response": said.text, "done_reason": reason}
        return {**whole, "thinking": said.thinking} if said.thinking else whole
    message: dict[str, JSON] = {"role": "assistant", "content": said.text}
    if said.thinking:
        message["thinking"] = said.thinking
    if said.calls:
        message["tool_calls"] = [dict(call) for call in said.calls]
    return {"message": message, "done_reason": reason}


def limit_of(body: Mapping[str, Any]) -> int | None:
    """Return how many tokens the answer may have in all, None where it is not said."""
    said = (body.get("sampling") or {}).get("num_predict")
    return said if isinstance(said, int) and said > 0 else None
