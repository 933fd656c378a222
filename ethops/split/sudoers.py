"""What the executor's account may do as root on each host, word for word: sudoers(5). Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence

from adapters.cmdb.port import CI, Host
from personas.catalogue import EntryDocument

PLACE = re.compile(r"\{([a-z0-9_]+)\}")
SPECIAL = re.compile(r"([\\,:=*?\[\]!\" ])")
"""What sudoers reads as more than itself in an argument."""


def fragment(
    host: Host, cis: Sequence[CI], catalogue: Mapping[str, EntryDocument], account: str
) -> str:
    """Return the fragment of one host: a line per entry and CI, each without any freedom."""
    lines = sorted({line for ci in cis for line in _lines(ci, catalogue, account)})
    if not lines:
        return ""
    about = f"# ethops on {host.name}: from the catalogue and the CMDB, by `manage.py split write`."
    return "\n".join([about, *lines, ""])


def _lines(ci: CI, catalogue: Mapping[str, EntryDocument], account: str) -> Iterator[str]:
    for entry in catalogue.values():
        if not entry.fits(ci.attributes):
            continue
        for command in entry.as_root:
            words = _filled(command, entry, ci)
            if words is not None:
                yield f"{account} ALL=(root) NOPASSWD: {' '.join(map(_plain, words))}"


def _filled(command: Sequence[str], entry: EntryDocument, ci: CI) -> list[str] | None:
    """Return the command for a CI; None where it lacks an attribute, or has one that is refused."""
    words: list[str] = []
    for word in command:
        place = PLACE.fullmatch(word)
        if place is None:
            words.append(word)
            continue
        parameter = entry.parameters[place[1]]
        value = ci.attributes.get(parameter.source)
        if not isinstance(value, str) or not re.fullmatch(parameter.pattern, value):
            return None
        words.append(value)
    return words


def _plain(word: str) -> str:
    return SPECIAL.sub(r"\\\1", word)
