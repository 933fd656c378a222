"""What a person needs to decide about a pull request, in a fixed number of questions."""

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from adapters.forge import standing
from adapters.forge.port import Change, Pull, Review, State
from adapters.forge.standing import Standing
from adapters.registry import forge_reader
from ethops.pulls import doors
from ethops.pulls.models import Followed, ForgeLook
from personas.models import Action

HIDDEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
"""Kinds of signs (Unicode) that are not seen, or reorder what stands beside them."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """A pull request with what it changes, what was said of it, and how its head stands."""

    pull: Pull
    changes: tuple[Change, ...]
    reviews: tuple[Review, ...]
    stands: Standing
    diff: str
    """What this head changes, as the executor saw it; empty where it is not kept whole."""
    sha256: str
    """Of `diff`, by which an approval says what it is of."""
    run: UUID | None
    merge: Action | None
    """The newest order to merge it."""
    here: bool
    """Whether people review it here; elsewhere they do so on the forge's own pages."""


def pulls(state: State, most: int) -> tuple[Pull, ...]:
    """Return pull requests in a state, newest first."""
    return forge_reader().pulls(state, limit=most)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What is followed at another forge, what is over last, and how the last look went."""

    followed: tuple[Followed, ...]
    look: ForgeLook | None

    @property
    def is_away(self) -> bool:
        """Tell whether the forge did not answer when it was last asked."""
        return self.look is not None and self.look.misses > 0


def elsewhere(most: int) -> Elsewhere:
    """Return what we hold open at another forge, and what has ended there lately."""
    rows = Followed.objects.exclude(url="")
    waiting = rows.filter(state="open").order_by("-number")[:most]
    over = rows.exclude(state="open").order_by("-ended_at")[:most]
    return Elsewhere((*waiting, *over), ForgeLook.objects.first())


def dossier(number: int) -> Dossier:
    """Collect it.

    Raises:
        ForgeError: there is none of this number, or the forge does not answer.
    """
    reader = forge_reader()
    pull, reviews = reader.get(number), reader.reviews(number)
    diff = (doors.shown(str(pull.key), pull.head) or "") if pull.key else ""
    asked = Action.objects.filter(pk=pull.key).first() if pull.key else None
    # What a run asked for, and was denied, has a key of its own choice.
    orders = Action.objects.filter(
        verb="pull.merge", run__isnull=True, key__startswith=f"merge:{number}:"
    )
    return Dossier(
        pull=pull,
        changes=reader.changes(number),
        reviews=reviews,
        stands=standing.standing(reviews, pull.head),
        diff=diff,
        sha256=hashlib.sha256(diff.encode()).hexdigest() if diff else "",
        run=asked.run_id if asked else None,
        merge=orders.order_by("-decided_at").first(),
        here="review" in reader.capabilities,
    )


def seen(text: str) -> str:
    """Return the text with its hidden signs written out, so that nobody is shown another order."""
    return "".join(map(_seen, text))


def _seen(sign: str) -> str:
    hidden = sign not in "\t\n" and unicodedata.category(sign) in HIDDEN
    return f"\\u{{{ord(sign):04x}}}" if hidden else sign
