"""The last screen: each ticket's timeline, the verdict, and where everything is."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from ethops.demo import facts
from ethops.demo.parts import RUN, times
from ethops.demo.scenario import Standing
from ethops.demo.timelines import Moment, timeline
from ethops.stack.layout import Layout
from ethops.stack.ports import Ports
from ethops.stack.screen import NAME_AT, Form, Screen, shown

WORDS = {0: "None of the five", 1: "One of five", 2: "Two of five", 3: "Three of five"} | {
    4: "Four of five",
    5: "All five",
}
SAID_WIDTH = 60


@dataclass(frozen=True, slots=True)
class Result:
    """How the demo ended."""

    all_five: bool
    ledger_whole: bool
    seconds: float
    keep: bool
    layout: Layout


def say(screen: Screen, standings: Sequence[Standing], result: Result) -> None:
    """Say everything."""
    for standing in standings:
        _ticket(screen, standing)
    count = sum(standing.took is not None for standing in standings)
    minutes, seconds = divmod(round(result.seconds), 60)
    took = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    after = "Everything below keeps running until Ctrl-C." if result.keep else "All is stopped now."
    if not result.ledger_whole:
        after = f"The ledger is broken. {after}"
    screen.verdict(f"{WORDS[count]} happened.", f"{took}. {after}")
    _places(screen, result)
    screen.event(
        "demo",
        happened=result.all_five and result.ledger_whole,
        ledger_whole=result.ledger_whole,
        seconds=round(result.seconds, 1),
        parts=[_as_data(standing) for standing in standings],
    )


def _ticket(screen: Screen, standing: Standing) -> None:
    ticket = standing.look.ticket if standing.look else None
    if ticket is None:
        return
    moments = timeline(ticket.ref)
    if screen.form is Form.JSON:
        return
    screen.gap()
    title = f"{ticket.ref} {ticket.priority} {ticket.title}"
    state = "".join(f"   {fact}" for fact in (ticket.state, *_spans(standing)))
    if screen.form is Form.PLAIN:
        screen.note(f"{title}{state}")
        for moment in moments:
            screen.note(f"{_clock(moment)} {moment.who}: {moment.said}{_entry(moment)}")
        return
    screen.console.print(Text.assemble(" " * NAME_AT, (title, "bold"), (state, "dim")))
    for moment in moments:
        screen.console.print(_moment(moment))


def _times(standing: Standing) -> tuple[float | None, float | None]:
    ticket = standing.look.ticket if standing.look else None
    if ticket is None:
        return None, None
    act = next((act for act in facts.acts(ticket.ref) if act.verb == RUN), None)
    return times(ticket, act)


def _spans(standing: Standing) -> list[str]:
    named = zip(("detect", "restore"), _times(standing), strict=True)
    return [f"{name} {span:.1f} s" for name, span in named if span is not None]


def _moment(moment: Moment) -> Text:
    said = textwrap.shorten(moment.said, SAID_WIDTH, placeholder="...")
    return Text.assemble(
        " " * NAME_AT,
        (_clock(moment), "green"),
        (f"  {moment.who[:19]:<20}", "dim"),
        f"{said:<{SAID_WIDTH}}",
        (_entry(moment), "cyan"),
    )


def _clock(moment: Moment) -> str:
    return moment.at.strftime("%H:%M:%S")


def _entry(moment: Moment) -> str:
    return f"  #{moment.entry}" if moment.entry else ""


def _places(screen: Screen, result: Result) -> None:
    layout = result.layout
    state = shown(layout.state)
    files = [
        ("inbox", f"{state}/site/inbox.jsonl", "every notice that was delivered"),
        ("proof", "manage.py ledger verify", f"with {_settings(layout)}; needs nothing running"),
    ]
    faces = [
        ("desk", f"{layout.web_url}/", f"login admin, password in {state}/admin.txt"),
        ("API", f"{layout.web_url}/everything/api/", "all of it as a page of the desk"),
        ("Flower", f"{layout.flower_url}/", "same login as the desk"),
    ]
    # What is stopped is not named as a place to go to.
    again = [
        (
            "again",
            "make demo ARGS=--keep",
            f"leaves it running: desk, API at {layout.web_url}/, Flower at {layout.flower_url}/",
        )
    ]
    rows = [*faces, *files] if result.keep else [*files, *again]
    screen.places(rows)


def _settings(layout: Layout) -> str:
    port = layout.ports.postgres
    moved = "" if port == Ports().postgres else f" ETHOPS_PG_PORT={port}"
    return f"ETHOPS_STATE={shown(layout.state)}{moved}"


def _as_data(standing: Standing) -> dict[str, object]:
    look = standing.look
    ticket = look.ticket if look else None
    detect, restore = _times(standing)
    moments = timeline(ticket.ref) if ticket else []
    return {
        "letter": standing.part.letter,
        "name": standing.part.name,
        "happened": standing.took is not None,
        "seconds": round(standing.seconds, 1),
        "ticket": ticket.ref if ticket else None,
        "state": ticket.state if ticket else None,
        "detect_s": detect,
        "restore_s": restore,
        "proofs": [[proof.said, proof.holds] for proof in look.proofs] if look else [],
        "timeline": [
            {"at": m.at.isoformat(), "who": m.who, "said": m.said, "entry": m.entry}
            for m in moments
        ],
    }
