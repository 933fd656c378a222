"""docs/reference/entries.md names every kind of entry and every field, and nothing else."""

import ast
import re
from collections.abc import Iterator

import pytest

from ethops.env import CLONE

DOC = (CLONE / "docs/reference/entries.md").read_text(encoding="utf-8")
ROOMS = ("adapters", "audit", "ethops", "gpu", "personas")
KINDS_OF = {
    "gate.propose": {
        *("action.authorised", "action.denied", "action.observed", "action.proposed"),
    },
    "gate.reject": {"person.rejected", "person.vetoed"},
    "gate.close_action": {"action.outcome", "action.void", "action.expired"},
    "gpu.record_end": {"inference.done", "inference.failed", "inference.cancelled"},
}
"""Where the kind is no literal."""
HELPERS = {
    "gate.asked_body(": "gate.asked_body",
    "gate.thought(": "gate.thought",
    "gate.permit_body(": "gate.permit_body",
    "gate.decided_body(": "gate.decided_body",
    "v_signed": "gate.take_statement",
}
"""What else goes into a body: the fields that these functions return."""

FUNCTION = re.compile(
    r"CREATE (?:OR REPLACE )?FUNCTION ([a-z]+\.[a-z_]+)\(.*?AS \$\$(.*?)\$\$;", re.DOTALL
)


def functions() -> dict[str, str]:
    """Every function of the database as it stands after all migrations, by name."""
    found: dict[str, str] = {}
    for room in ROOMS:
        own, inner = CLONE / room / "sql", (CLONE / room).glob("*/sql")
        # What stands in rooms within a room was migrated after its own.
        for file in [f for at in (own, *sorted(inner)) for f in sorted(at.rglob("*.sql"))]:
            found |= dict(FUNCTION.findall(file.read_text(encoding="utf-8")))
    return found


FUNCTIONS = functions()


def call(text: str, start: int) -> str:
    """The arguments of a call whose bracket opens at `start`."""
    depth = 0
    for end in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            return text[start + 1 : end]
    raise AssertionError(text[start:])


def arguments(text: str) -> list[str]:
    """The arguments of a call, commas within brackets and quotes left alone."""
    parts, depth, quoted = [""], 0, False
    for sign in text:
        quoted ^= sign == "'"
        if not quoted:
            depth += {"(": 1, ")": -1, "[": 1, "]": -1}.get(sign, 0)
        if sign == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def fields_in(text: str) -> Iterator[str]:
    """The outermost field names that a piece of SQL puts together."""
    at = 0
    while (found := text.find("jsonb_build_object(", at)) >= 0:
        inside = call(text, found + len("jsonb_build_object"))
        yield from (name.strip("'") for name in arguments(inside)[::2])
        at = found + len("jsonb_build_object") + len(inside)
    for mark, helper in HELPERS.items():
        if mark in text:
            yield from (name for name in fields_in(_returned(helper)))


def _returned(helper: str) -> str:
    body = FUNCTIONS[helper]
    return body[body.rindex("RETURN jsonb") :] if "RETURN jsonb" in body else body


def from_sql() -> dict[str, set[str]]:
    """Kind -> fields, of everything that the database's functions put on record."""
    kinds: dict[str, set[str]] = {}
    for name, body in FUNCTIONS.items():
        for match in re.finditer(r"audit\.put_pending\(", body):
            given = arguments(call(body, match.end() - 1))
            named = re.fullmatch(r"'([a-z_.]+)'", given[0])
            for kind in {named[1]} if named else KINDS_OF.get(name, set()):
                kinds.setdefault(kind, set()).update(fields_in(given[3]))
    return kinds


def from_python() -> dict[str, set[str]]:
    """Kind -> fields where the body is a literal; the fields are empty where it is not."""
    kinds: dict[str, set[str]] = {}
    for room in ("ethops", "personas", "gpu", "audit"):
        for path in (CLONE / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    for kind in _kinds_noted(node):
                        kinds.setdefault(kind, set())
    return kinds


def _kinds_noted(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = [each.value for each in node.keywords if each.arg == "kind"] if name == "note" else []
    given += node.args[:1] if name == "_record" else []
    for one in given:
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and "." in one.value:
            yield one.value


def documented() -> dict[str, set[str]]:
    """Kind -> fields, as the page's tables of kinds say."""
    rows = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|[^|]*\|([^|]*)\|$", DOC, re.MULTILINE)
    return {kind: set(re.findall(r"`([a-z0-9_]+)`", fields)) for kind, fields in rows}


def explained() -> set[str]:
    """Fields that the page's table of fields explains."""
    return {
        name
        for row in re.findall(r"^\| ((?:`[a-z0-9_]+`(?:, )?)+) \|[^|]*\|$", DOC, re.MULTILINE)
        for name in re.findall(r"`([a-z0-9_]+)`", row)
    }


SQL = from_sql()


def test_every_kind_is_documented_and_every_documented_one_exists():
    assert set(documented()) == SQL.keys() | from_python().keys()


@pytest.mark.parametrize("kind", sorted(SQL))
def test_every_field_is_documented_and_every_documented_one_exists(kind):
    assert documented()[kind] == SQL[kind]


def test_every_field_is_explained_once():
    assert explained() == set().union(*documented().values())


CAP_84 = {
    *("card", "instance", "verb", "cis", "documents", "asked_digest", "values", "risk"),
    *("approval", "guard", "reason", "level", "model_digest", "inference", "deadline", "signed"),
}


def test_a_permit_says_all_that_it_must():
    assert documented()["action.authorised"] >= CAP_84


def test_an_inference_says_what_it_cost():
    cost = {"tokens_in", "tokens_out", "wait_us", "load_us", "latency_us", "swapped", "preemptions"}
    assert documented()["inference.done"] >= cost | {"request_sha256", "answer_sha256"}
