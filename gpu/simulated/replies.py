"""What a simulated model says: counted words, JSON of a schema, or a real answer by rule."""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from adapters.inference.errors import NoAnswerError
from adapters.inference.port import Inference
from adapters.inference.rendering import SAY_LIMIT, WHY_LIMIT, WHYS, question_in
from adapters.json_value import JSON
from adapters.text import one_line

CHARACTERS_PER_TOKEN: Final = 4
SHORTEST, LONGEST = 24, 160
_DEPTH: Final = 12
_LAST_WORD: Final = re.compile(r"(?<!\w)w\d+ \Z")


class Reply(Protocol):
    """An answer token by token; `first` of its tokens are thinking."""

    @property
    def tokens(self) -> int:
        """Return how many tokens there are."""
        ...

    @property
    def first(self) -> int:
        """Return how many of them are thinking."""
        ...

    def text(self, begin: int, end: int) -> str:
        """Return the text of these tokens."""
        ...


@dataclass(frozen=True, slots=True)
class Words:
    """Counted words: a continued answer reads exactly like one that was never interrupted."""

    tokens: int
    done: int = 0
    """Words that stand in the prompt already."""
    first: int = 0

    def text(self, begin: int, end: int) -> str:
        """Return `w1 w2 ...`, thinking as `t1 t2 ...`."""
        thought = min(end, self.first)
        thinking = "".join(f"t{n + 1} " for n in range(begin, thought))
        spoken = range(max(begin, self.first), end)
        return thinking + "".join(f"w{self.done + n + 1 - self.first} " for n in spoken)


@dataclass(frozen=True, slots=True)
class Text:
    """A given text in pieces of a few characters."""

    said: str
    first: int = 0

    @property
    def tokens(self) -> int:
        """Return the number of pieces."""
        return self.first + -(-len(self.said) // CHARACTERS_PER_TOKEN)

    def text(self, begin: int, end: int) -> str:
        """Return these pieces; those of thinking as `t1 t2 ...`."""
        thinking = "".join(f"t{n + 1} " for n in range(begin, min(end, self.first)))
        start, stop = max(begin, self.first) - self.first, max(end, self.first) - self.first
        return thinking + self.said[start * CHARACTERS_PER_TOKEN : stop * CHARACTERS_PER_TOKEN]


def said_before(prompt: str) -> str:
    """Return the counted words at the end of a raw prompt: an answer that is to be continued."""
    end = len(prompt)
    while (found := _LAST_WORD.search(prompt, max(0, end - 24), end)) is not None:
        end = found.start()
    return prompt[end:]


def seeded(seed: int, *parts: str) -> int:
    """Return a number that the same seed and texts always give."""
    return zlib.crc32("\0".join([str(seed), *parts]).encode("utf-8", "replace"))


def length_of(seed: int, model: str, prompt: str) -> int:
    """Return how long an answer gets that nobody bounded."""
    return SHORTEST + seeded(seed, model, prompt) % (LONGEST - SHORTEST)


def formatted(form: JSON, prompt: str, engine: Inference) -> str:
    """Return JSON that keeps to a format; to one of our own questions, what the rules say."""
    answer = _by_rule(prompt, engine) if isinstance(form, Mapping) else None
    if answer is not None:
        return json.dumps(answer, ensure_ascii=False)
    made = instance(form) if isinstance(form, Mapping) else {"answer": "w1"}
    return json.dumps(made)


def _by_rule(prompt: str, engine: Inference) -> dict[str, JSON] | None:
    question = question_in(prompt)
    if question is None:
        return None
    try:
        answer = engine.ask(question)
    except NoAnswerError:
        return None
    why = [one_line(reason, WHY_LIMIT) for reason in answer.why if reason][:WHYS]
    return {
        "why": why or ["No fact speaks for anything else."],
        "choice": answer.choice,
        "say": one_line(answer.say, SAY_LIMIT),
        "confidence": round(answer.confidence, 1),
    }


def instance(schema: Mapping[str, JSON]) -> JSON:
    """Return the smallest value that keeps to a JSON schema of the usual kind."""
    return _instance(schema, schema, _DEPTH)


def _instance(schema: Any, root: Mapping[str, Any], depth: int) -> JSON:
    if not isinstance(schema, Mapping) or not depth:
        return None
    if "const" in schema:
        return schema["const"]  # type: ignore[no-any-return]
    if schema.get("enum"):
        return schema["enum"][0]  # type: ignore[no-any-return]
    if isinstance(schema.get("$ref"), str):
        return _instance(_referred(root, schema["$ref"]), root, depth - 1)
    for several in ("anyOf", "oneOf", "allOf"):
        if schema.get(several):
            return _instance(schema[several][0], root, depth - 1)
    kind = schema.get("type", "object" if "properties" in schema else "null")
    if isinstance(kind, Sequence) and not isinstance(kind, str):
        kind = kind[0]
    return _of_kind(str(kind), schema, root, depth)


def _of_kind(kind: str, schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> JSON:
    match kind:
        case "object":
            inner = schema.get("properties") or {}
            return {name: _instance(inner[name], root, depth - 1) for name in inner}
        case "array":
            count = min(int(schema.get("minItems", 0)), 100)
            return [_instance(schema.get("items"), root, depth - 1)] * count
        case "string":
            return "w" * min(max(int(schema.get("minLength", 1)), 1), 1000)
        case "integer" | "number":
            low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
            return low if isinstance(low, int | float) else 0
        case "boolean":
            return False
        case _:
            return None


def _referred(root: Mapping[str, Any], reference: str) -> Any:
    here: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here
