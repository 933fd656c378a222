"""How things are said: numbers, times, and one mark and word per state. Pure."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

THIN = "\u2009"
NARROW = "\u202f"
LONGEST = 240


@dataclass(frozen=True, slots=True)
class State:
    """A state as shown: glyph, word and tone, and the reason after a colon."""

    word: str
    tone: str = "quiet"
    glyph: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as shown: relative, as a clock, and in full."""

    at: datetime
    now: datetime

    @property
    def iso(self) -> str:
        """For machines."""
        return self.at.astimezone(UTC).isoformat(timespec="milliseconds")

    @property
    def full(self) -> str:
        """For the title: day and time to the millisecond."""
        at = self.at.astimezone(UTC)
        return f"{at:%-d %B %Y %H:%M:%S}.{at.microsecond // 1000:03d} UTC"

    @property
    def day(self) -> str:
        """The day alone."""
        return f"{self.at.astimezone(UTC):%-d %B %Y}"

    @property
    def clock(self) -> str:
        """`03:12:04`."""
        return f"{self.at.astimezone(UTC):%H:%M:%S}"

    @property
    def ago(self) -> str:
        """`12 s`, `4 min`, `3 h 10`, `2 d 4 h`: how long it has been."""
        return span(self.now - self.at)


def span(length: timedelta) -> str:
    """Return a length in at most two units."""
    seconds = max(0, int(length.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 90:
        return f"{seconds}{NARROW}s"
    if minutes < 60:
        return f"{minutes}{NARROW}min"
    if hours < 24:
        return f"{hours}{NARROW}h {minutes % 60:02d}" if minutes % 60 else f"{hours}{NARROW}h"
    rest = hours % 24
    return f"{days}{NARROW}d {rest}{NARROW}h" if rest else f"{days}{NARROW}d"


def short_span(length: timedelta) -> str:
    """Return a short length: `24 ms`, `3.8 s`, then as `span`."""
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))}{NARROW}ms"
    return f"{seconds:.1f}{NARROW}s" if seconds < 10 else span(length)


def number(value: int) -> str:
    """Return a whole number in groups of three."""
    return f"{value:,}".replace(",", THIN)


def entry(seq: int) -> str:
    """Return the number of a ledger entry: `#48 211`."""
    return f"#{number(seq)}"


def count(value: int, one: str, many: str = "") -> str:
    """Return `1 run`, `3 runs`."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def listed(parts: list[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def short_hash(digest: bytes) -> str:
    """Return the first and last eight digits of a hash."""
    text = digest.hex()
    return f"{text[:8]} … {text[-8:]}"


def first_sentence(text: str) -> str:
    """Return a text up to its first full stop before a space."""
    head, stop, _ = text.partition(". ")
    return f"{head}." if stop else text


def flat(value: object, path: str = "") -> list[tuple[str, str]]:
    """Return nested JSON as (dotted path, text), cut to a readable length."""
    if isinstance(value, dict) and value:
        inside = ((f"{path}.{key}" if path else str(key), item) for key, item in value.items())
        return [pair for at, item in inside for pair in flat(item, at)]
    text = plain(value)
    return [(path, text if len(text) <= LONGEST else f"{text[:LONGEST]}…")] if path else []


def plain(value: object) -> str:
    """Return a JSON value as people say it: `yes`, `none`, `a, b`."""
    if value is True or value is False:
        return "yes" if value else "no"
    if value in (None, "", [], {}):
        return NONE
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


NONE = "none"

TICKET_STATES = {
    "new": State("new", "quiet", "clock"),
    "assigned": State("assigned", "run", "clock"),
    "pending": State("waits", "doubt", "clock"),
    "escalated": State("waits for a person", "doubt", "person"),
    "resolved": State("resolved", "ok", "tick"),
    "closed": State("closed", "quiet", "tick"),
    "implementing": State("acting", "run", "clock"),
    "implemented": State("done", "ok", "tick"),
    "failed": State("failed", "no", "failed"),
    "waiting_for_approval": State("waits for approval", "doubt", "person"),
    "validated": State("validated", "run", "permit"),
    "planned": State("planned", "run", "clock"),
    "approved": State("approved", "ok", "permit"),
    "notapproved": State("not approved", "no", "denied"),
    "rejected": State("rejected", "no", "denied"),
    "monitored": State("done, being watched", "ok", "clock"),
}

DOING = {
    "triage": "says how bad it is",
    "diagnose": "looks for what is wrong",
    "verify": "looks whether it is well again",
    "inspect": "looks with commands",
    "fulfil": "does what a request asks for",
}
"""What a run does, by the question it is at."""

MOVE_WORDS = {
    "ev_assign": ("Give it to a team", "Assign"),
    "ev_pending": ("Let it wait", "Let it wait"),
    "ev_escalate": ("Ask for a person", "Ask for a person"),
    "ev_resolve": ("Resolve it", "Resolve"),
    "ev_close": ("Close it", "Close"),
    "ev_reopen": ("Open it again", "Open again"),
    "ev_cancel": ("Cancel it", "Cancel"),
    "ev_known_error": ("Name a workaround: a known error", "Make it a known error"),
    "ev_validate": ("Validate it", "Validate"),
    "ev_reject": ("Reject it", "Reject"),
    "ev_plan": ("Plan it", "Plan"),
    "ev_approve": ("Approve it", "Approve"),
    "ev_notapprove": ("Do not approve it", "Do not approve"),
    "ev_implement": ("Begin with it", "Begin"),
    "ev_finish": ("It is through", "It is through"),
    "ev_fail": ("It did not work", "It failed"),
    "ev_monitor": ("Watch it for a while", "Watch it"),
    "ev_wait_for_approval": ("Ask for approval", "Ask for approval"),
}
"""Stimulus -> what its form is called, and what its button says."""

RUN_STATES = {
    "pending": State("queued", "quiet", "clock"),
    "starting": State("starting", "quiet", "clock"),
    "running": State("reading", "run", "clock"),
    "waiting": State("waiting", "quiet", "clock"),
    "parked": State("waits for a person", "doubt", "person"),
    "paused": State("paused by a person", "doubt", "person"),
    "isolated": State("isolated by a person", "no", "person"),
    "retrying": State("trying again", "doubt", "clock"),
    "succeeded": State("done", "ok", "tick"),
    "failed": State("failed", "no", "failed"),
    "cancelled": State("ended by a person", "quiet", "person"),
    "timed_out": State("out of time", "no", "late"),
}

WORK_STATES = {
    "waiting": State("authorised", "run", "permit", "being recorded"),
    "ready": State("authorised", "run", "permit", "waits for an executor"),
    "leased": State("acting", "run", "clock"),
    "in_doubt": State("in doubt", "doubt", "doubt", "the world is asked again"),
}

APPROVAL_STATES = {
    "waiting": State("waits for a person", "doubt", "person"),
    "approved": State("approved", "ok", "permit"),
    "rejected": State("rejected", "no", "denied"),
    "vetoed": State("objected to", "no", "denied"),
    "unopposed": State("nobody objected", "ok", "permit"),
    "expired": State("expired", "quiet", "late"),
    "withdrawn": State("withdrawn", "quiet", "denied"),
    "void": State("void", "quiet", "denied"),
}

PROPOSAL_STATES = {
    "proposed": State("waits for a person", "doubt", "person"),
    "accepted": State("accepted", "ok", "tick"),
    "declined": State("declined", "quiet", "denied"),
    "withdrawn": State("withdrawn", "quiet", "would"),
}

JOB_STATES = {
    "waiting": State("queued", "quiet", "clock", "being recorded"),
    "ready": State("queued", "quiet", "clock"),
    "leased": State("running", "run", "clock"),
    "done": State("done", "ok", "tick"),
    "failed": State("failed", "no", "failed"),
    "dead": State("given up", "no", "failed"),
    "cancelled": State("cancelled", "quiet", "denied"),
}
"""Of requests for the card."""

OUTCOMES = {
    "done": State("done", "ok", "tick"),
    "failed": State("failed", "no", "failed"),
    "expired": State("expired", "quiet", "late"),
    "void": State("void", "quiet", "denied"),
}


def ticket_state(state: str) -> State:
    """Return a ticket's state as shown; one we do not know by its own name."""
    return TICKET_STATES.get(state, State(state.replace("_", " ")))


def run_state(state: str, *, asked: str = "", acting: bool = False) -> State:
    """Return a run's state as shown; a waiting run acts or verifies."""
    if state == "waiting" and acting:
        return State("acting", "run", "clock")
    if state == "waiting" and asked == "verify":
        return State("verifying", "run", "clock")
    return RUN_STATES.get(state, State(state.replace("_", " ")))


def approval_state(state: str) -> State:
    """Return what became of a proposal as shown."""
    return APPROVAL_STATES.get(state, State(state))


def proposal_state(state: str) -> State:
    """Return what became of what discovery proposes as shown."""
    return PROPOSAL_STATES.get(state, State(state))


def job_state(state: str) -> State:
    """Return the state of a request for the card as shown."""
    return JOB_STATES.get(state, State(state))


def verdict_state(verdict: str) -> State:
    """Return what the gate decided, in one word."""
    return {
        "denied": State("denied", "no", "denied"),
        "observed": State("would have", "quiet", "would"),
        "proposed": State("proposed", "doubt", "person"),
    }.get(verdict, State("authorised", "run", "permit"))


def outcome_state(outcome: str, work_state: str) -> State:
    """Return what came of an action; nothing where nothing was to be done."""
    if outcome:
        return OUTCOMES.get(outcome, State(outcome))
    return WORK_STATES.get(work_state, State(""))


def action_state(verdict: str, outcome: str, work_state: str, reason: str = "") -> State:
    """Return an action's state as shown, from its verdict, outcome and work."""
    if verdict == "denied":
        return State("denied", "no", "denied", reason)
    if verdict == "observed":
        return State("would have", "quiet", "would", reason)
    if verdict == "proposed" and not outcome:
        return State("waits for a person", "doubt", "person")
    if outcome:
        return OUTCOMES.get(outcome, State(outcome))
    return WORK_STATES.get(work_state, State(work_state.replace("_", " ")))
