"""How the state of the ledger is said: one calm line where all is well, else what and what to do.

Pure. A fault is a row of the table `FAULTS`, gravest first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.ledger import witnesses
from ethops.pages.words import Moment, count, entry, listed, span
from ethops.world.ledger_state import Standing

CHECK_LATE = timedelta(minutes=5)
"""A check runs every half minute."""
WRITE_LATE = timedelta(seconds=10)
HEAD_LATE = timedelta(minutes=1)
WITNESS_LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the ledger; `part` is where its page tells more."""

    code: str
    tone: str
    title: str
    says: str
    do: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class LedgerShown:
    """The state as the frame and the answers show it."""

    says: str
    detail: str
    tone: str
    glyph: str
    checked: str
    signed: str
    owed: str
    """Acts past the ledger that wait for a second pair of eyes; empty where there are none."""
    faults: tuple[Fault, ...]

    @property
    def loud(self) -> tuple[Fault, ...]:
        """What stands on every page: all that is broken, and the first thing that is late."""
        broken = tuple(one for one in self.faults if one.tone == "no")
        late = tuple(one for one in self.faults if one.tone != "no")
        return broken or late[:1]


def shown(standing: Standing, now: datetime) -> LedgerShown:
    """Say how the ledger stands; never well without a check."""
    found = tuple(fault for each in FAULTS if (fault := each(standing, now)) is not None)
    says, detail, tone, glyph = _headline(standing, found, now)
    whole, heads = checked(standing, now), signed(standing, now)
    return LedgerShown(says, detail, tone, glyph, whole, heads, owed(standing), found)


def _headline(
    standing: Standing, found: tuple[Fault, ...], now: datetime
) -> tuple[str, str, str, str]:
    waits = f"{standing.waiting} wait to be written" if standing.waiting else "nothing waits"
    if found and found[0].tone == "no":
        return "No", found[0].says, "no", "broken"
    if standing.seq == 0:
        return "Empty", waits, "quiet", "recorded"
    if standing.checked is None:
        detail = f"{count(standing.seq, 'entry', 'entries')}; {waits}"
        return "Not checked yet", detail, "quiet", "recorded"
    says = f"Yes, to {entry(standing.checked.to_seq)}"
    if found:
        return says, found[0].title, "doubt", "recorded"
    glyph = "proven" if standing.head else "recorded"
    return says, f"checked {_ago(standing.checked.at, now)}; {waits}", "ok", glyph


def checked(standing: Standing, now: datetime) -> str:
    """Say up to where and when the chain was last found whole."""
    if standing.checked is None:
        return "Not checked yet" if standing.seq else "Nothing is recorded yet"
    if not standing.checked.whole:
        return f"Does not verify, checked {_ago(standing.checked.at, now)}"
    return f"Whole to {entry(standing.checked.to_seq)}, checked {_ago(standing.checked.at, now)}"


def signed(standing: Standing, now: datetime) -> str:
    """Say which head was signed when, and who else has seen one."""
    if standing.head is None:
        return "no signed head yet"
    head = f"head of {entry(standing.head.size)} signed {_ago(standing.head.at, now)}"
    others = [one for one in standing.witnesses if one.independent]
    if not others:
        return f"{head}; no witness"
    with_us = [one for one in others if one.well]
    newest = max((one.signed_at for one in others if one.signed_at), default=None)
    seen = f", last {_ago(newest, now)}" if newest else ""
    return f"{head}; {len(with_us)} of {count(len(others), 'witness', 'witnesses')}{seen}"


def owed(standing: Standing) -> str:
    """Say how many acts past the ledger nobody else has looked at."""
    if not standing.debts:
        return ""
    return f"{count(standing.debts, 'act')} past it, not looked at yet"


# ---------------------------------------------------------------- what may be wrong


def broken(standing: Standing, now: datetime) -> Fault | None:
    """The bytes, the chain, the tree or a projection contradict each other."""
    damage = standing.damage
    if damage is None:
        return None
    says = f"{damage.finding}; found {_ago(damage.at, now)}"
    if damage.acknowledged_by:
        return Fault(
            "acknowledged", "doubt", "The ledger does not verify", says,
            f"{damage.acknowledged_by} knows of it, so risky actions may run.", "damage",
        )  # fmt: skip
    return Fault(
        "broken", "no", "The ledger does not verify", says,
        "No risky action runs until a named person has acknowledged it.", "damage",
    )  # fmt: skip


def cut(standing: Standing, now: datetime) -> Fault | None:
    """A witness has signed a longer or another history than the one that is here."""
    del now
    ahead = [one for one in standing.witnesses if one.state == "ahead"]
    if not ahead:
        return None
    return Fault(
        "cut", "no", "A witness has seen another ledger",
        f"{listed([one.name for one in ahead])}: {ahead[0].said or LONGER}",
        "If an older backup was restored, declare a new epoch; if not, keep the database as it is.",
        "witnesses",
    )  # fmt: skip


LONGER = "it has signed a longer history than ours"


def unsigned(standing: Standing, now: datetime) -> Fault | None:
    """The process that signs heads refuses to, and says why."""
    del now
    if not standing.refused:
        return None
    return Fault(
        "unsigned", "no", "No tree head is signed", standing.refused,
        "Nothing new can be proven to others until this is mended.", "head",
    )  # fmt: skip


def unwritten(standing: Standing, now: datetime) -> Fault | None:
    """Facts wait for the recorder for longer than a busy second."""
    if standing.oldest is None or now - standing.oldest < WRITE_LATE:
        return None
    return Fault(
        "unwritten", "doubt", "The recorder is behind",
        f"{count(standing.waiting, 'fact')} wait, the oldest for {span(now - standing.oldest)}",
        "Nothing new is done until they are written; it goes on by itself.",
    )  # fmt: skip


def head_late(standing: Standing, now: datetime) -> Fault | None:
    """Entries are there that no signed head covers yet."""
    since = standing.unsigned_since
    if standing.refused or since is None or now - since < HEAD_LATE or standing.head is None:
        return None
    return Fault(
        "head_late", "doubt", "Tree heads are late",
        f"entries of the last {span(now - since)} are recorded, and not in a signed head",
        "Look whether the checkpointer lives.", "head",
    )  # fmt: skip


def witness_away(standing: Standing, now: datetime) -> Fault | None:
    """Somebody who should sign our heads does not."""
    away = [one for one in standing.witnesses if one.state in {"away", "refuses"}]
    if not away:
        return None
    return Fault(
        "witness_away", "doubt",
        "A witness is silent" if len(away) == 1 else f"{len(away)} witnesses are silent",
        listed([_away(one, now) for one in away]),
        "Risky actions wait for it." if standing.short else "The others are enough to go on.",
        "witnesses",
    )  # fmt: skip


def unwitnessed(standing: Standing, now: datetime) -> Fault | None:
    """Nobody else has seen a head for a while, though there were new ones."""
    since = standing.unwitnessed_since
    if since is None or now - since < WITNESS_LATE:
        return None
    return Fault(
        "unwitnessed", "doubt", f"Not witnessed for {span(now - since)}",
        "who can write our database and our keys could still change what is newer",
        "Look whether the process `witnessing` lives and its witnesses answer.", "witnesses",
    )  # fmt: skip


def check_late(standing: Standing, now: datetime) -> Fault | None:
    """The chain has not been walked for a while."""
    at = standing.checked.at if standing.checked else None
    if at is None or now - at < CHECK_LATE:
        return None
    return Fault(
        "check_late", "doubt", "Checking is behind", f"the last check was {_ago(at, now)}",
        "Look whether the verifier lives; `manage.py ledger verify` checks at once.",
    )  # fmt: skip


FAULTS: tuple[Callable[[Standing, datetime], Fault | None], ...] = (
    broken, cut, unsigned, unwritten, head_late, unwitnessed, witness_away, check_late,
)  # fmt: skip


def _away(one: witnesses.One, now: datetime) -> str:
    said = f": {one.said}" if one.said else ""
    since = f", last signed {_ago(one.signed_at, now)}" if one.signed_at else ", never signed"
    return f"{one.name}{said}{since}"


def _ago(at: datetime, now: datetime) -> str:
    return f"{Moment(at, now).ago} ago"
