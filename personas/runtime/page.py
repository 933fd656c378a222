"""The page that an agent proposes about an incident that it resolved: pure.

Whatever stands in it is an agent's own words, read and merged by people or not at all. Once it is
merged the knowledge base has it: what stands before it is what docs/reference/knowledge.md asks.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from adapters.inference.port import Answer
from adapters.json_value import JSON
from adapters.text import one_line, plain

FOLDER: Final = "incidents"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,60}")
CI_REF: Final = re.compile(r"[!-~]{1,64}")


def has_name(ticket_ref: str) -> bool:
    """Tell whether a page can be called like the ticket."""
    return NAME.fullmatch(ticket_ref) is not None


def arguments(
    ticket_ref: str, ci_ref: str, owner: str, facts: Mapping[str, JSON], answer: Answer
) -> Mapping[str, str]:
    """Return the arguments of `pull.open`: one page, called like its ticket."""
    where = one_line(ci_ref, 60) or "a CI"
    title = f"What helped with {ticket_ref} on {where}"[:120]
    front = _front(ticket_ref, ci_ref, title, one_line(owner, 100) or "people")
    text = front + _text(ticket_ref, where, facts, answer)
    files = [{"path": f"{FOLDER}/{ticket_ref}.md", "content": text}]
    return {
        "title": title,
        "body": f"A page on {ticket_ref}, as it was resolved. Merge it if it is true and of use.",
        "files": json.dumps(files, ensure_ascii=True),
    }


def _front(ticket_ref: str, ci_ref: str, title: str, owner: str) -> str:
    """Return the front matter by which the page is found once it is merged."""
    keys = {
        "id": f"incident-{ticket_ref.lower()}",
        "title": _quoted(title),
        "type": "postmortem",
        "audience": "both",
        "owner": _quoted(owner),
    }
    if CI_REF.fullmatch(ci_ref):
        keys["ci_refs"] = f"[{_quoted(ci_ref)}]"
    lines = [f"{key}: {value}" for key, value in keys.items()]
    return "\n".join(["---", *lines, "---", ""])


def _quoted(text: str) -> str:
    """Return a text as YAML's double quotes hold any."""
    fit = (c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return f'"{"".join(fit)}"'


def _text(ticket_ref: str, where: str, facts: Mapping[str, JSON], answer: Answer) -> str:
    tried = facts.get("tried")
    done = ", ".join(map(str, tried)) if isinstance(tried, list) and tried else "nothing"
    lines = [
        f"# {ticket_ref} on {where}",
        f"- class of the CI: {one_line(str(facts.get('ci.class', 'unknown')), 60)}",
        f"- done: {one_line(done, 400)}",
        f"- {one_line(answer.say, 1000)}",
        *(f"- because {one_line(each, 300)}" for each in answer.why[:10]),
    ]
    return plain("\n".join([lines[0], "", *lines[1:]]), 8000) + "\n"
