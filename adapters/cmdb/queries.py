"""What is said of a CI, by whom and since when: the owner's words, and those of other systems."""

from typing import Any, Final

from django.db import connection

from adapters.cmdb import models, precedence
from adapters.cmdb.precedence import ATTRIBUTE, Claim, Stand
from adapters.json_value import JSON

DESK: Final = "desk"
"""The source of what people say at the desk."""


def said_at_desk(ref: str) -> dict[str, JSON]:
    """Return what people say of a CI at the desk by now."""
    found = models.Claim.objects.filter(ref=ref, source=DESK)
    return {one.field: one.value for one in found}


def words_digest(ref: str) -> str:
    """Return in one word what is said of a CI, whether there is one or not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cmdb.words_digest(%s)", [ref])
        return str(cursor.fetchone()[0])


def hosts() -> list[str]:
    """Return the hosts that there are."""
    found = models.Host.objects.filter(retired=False).order_by("name")
    return list(found.values_list("name", flat=True))


def stands_of(ref: str, *, without: str = "") -> tuple[Stand, ...]:
    """Return whose word counts for each field of a CI, and what the others say."""
    owners = models.Claim.objects.filter(ref=ref).exclude(source=without)
    said = [Claim(one.field, one.source, one.value, one.since) for one in owners]
    for known in models.Known.objects.filter(ci_ref=ref, gone=False).order_by("ref"):
        words: dict[str, Any] = {"name": known.name, "ci_class": known.ci_class}
        words |= {f"{ATTRIBUTE}{name}": value for name, value in known.said.items()}
        source = f"{known.source}:{known.their_class}:{known.their_id}"
        said += [Claim(name, source, value, known.changed_at) for name, value in words.items()]
    return precedence.stands(said)
