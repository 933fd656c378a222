"""Where the graph answers from a copy: the clock keeps it, and a person hears where it cannot."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from adapters import registry
from adapters.graph.errors import GraphAwayError, GraphBusyError
from adapters.graph.port import Copied
from ethops import peers
from ethops.desk import graph_copy
from tests.integration.desk import alerts


class Copy:
    """A copy in a server, which may be away."""

    def __init__(self) -> None:
        self.kept = 0
        self.away = False
        self.busy = False

    def keep(self) -> int:
        if self.away:
            raise GraphAwayError("bolt://graph:7687: refused")
        if self.busy:
            raise GraphBusyError("bolt://graph:7687: another process is copying.")
        self.kept += 1
        return 3

    def state(self) -> Copied:
        return Copied(datetime(2026, 11, 27, tzinfo=UTC), 7, 10, 12)


@pytest.fixture
def copy(clean_db, monkeypatch) -> Copy:
    made = Copy()
    monkeypatch.setattr(registry, "copier", lambda: made)
    return made


def said(part: str) -> str:
    out = StringIO()
    call_command("graph", part, stdout=out)
    return out.getvalue()


def test_the_clock_keeps_it(copy):
    graph_copy.watch()
    assert (copy.kept, alerts.opened()) == (1, [])


def test_a_person_is_told_once_where_it_cannot_be_kept(copy):
    copy.away = True
    for _ in range(3):
        graph_copy.watch()
    (ticket,) = alerts.opened()
    assert ticket.title == "The copy of what stands on what is not brought up to date"
    assert "refused" in ticket.description


def test_the_clock_copies_to_the_neo4j_that_a_variable_names(clean_db, settings):
    named = peers.chosen({"NEO4J_URI": "bolt://127.0.0.1:9"})
    settings.ADAPTERS = {**settings.ADAPTERS, **named}
    graph_copy.watch()
    (ticket,) = alerts.opened()
    assert ticket.description.startswith("bolt://127.0.0.1:9: ")


def test_who_finds_another_at_it_leaves_it_and_nobody_is_told(copy, caplog):
    copy.busy = True
    with caplog.at_level("INFO", graph_copy.__name__):
        graph_copy.watch()
    assert "is left to who is at it" in caplog.text
    assert (copy.kept, alerts.opened()) == (0, [])
    with pytest.raises(CommandError, match="another process is copying"):
        said("copy")


def test_it_is_kept_and_seen_by_hand(copy):
    assert said("copy").startswith("differed=3  at=2026-11-27")
    assert "age_s=7  places=10  edges=12" in said("state")
    copy.away = True
    with pytest.raises(CommandError, match="refused"):
        said("copy")


@pytest.mark.usefixtures("clean_db")
def test_where_the_relations_answer_themselves_there_is_none():
    graph_copy.watch()
    assert "there is no copy" in said("state")
    assert alerts.opened() == []
