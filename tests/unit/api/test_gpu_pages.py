"""The GPU page's arithmetic: spans, columns, lanes, and how things are said."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethops.pages import gpu_drawing, gpu_window, gpu_words
from ethops.pages.gpu_window import CELLS, window
from ethops.world.gpu_timeline import Spent, Waited
from gpu.models import Card, Slot

NOW = datetime(2026, 11, 21, 3, 4, 7, tzinfo=UTC)
NARROW = "\u202f"


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def spent(began: float, seconds: float, **more: str) -> Spent:
    said = {"card": "card0", "kind": "run", "tier": "ops", "slot": "ops", "ending": "finished"}
    return Spent(
        **{**said, **more}, job=None, began=at(began), ended=at(began + seconds), tokens=0,
        going=False,
    )  # fmt: skip


def strokes(path: str) -> list[tuple[float, float]]:
    """The pieces of a lane's path: where they begin, and how long they are."""
    return [(float(x), float(w)) for x, w in re.findall(r"M([\d.]+) [\d.]+h([\d.]+)", path)]


# ---------------------------------------------------------------- spans


def test_the_usual_window_is_the_last_four_hours_and_quarter():
    found = window({}, NOW)
    assert found.live
    assert found.length == timedelta(minutes=15)
    assert found.last - found.first == timedelta(hours=4)
    assert timedelta() <= found.end - NOW < timedelta(seconds=5)


@pytest.mark.parametrize(("span", "minutes"), [("1", 3.75), ("4", 15), ("24", 90)])
def test_a_scale_keeps_following_the_clock(span, minutes):
    found = window({"span": span}, NOW)
    assert found.live
    assert found.length == timedelta(minutes=minutes)


def test_a_named_span_is_shown_within_what_lies_around_it():
    found = window({"from": "2026-11-21T01:00:00Z", "to": "2026-11-21T01:15:00Z"}, NOW)
    assert not found.live
    assert found.first <= found.start < found.end <= found.last <= NOW
    assert found.query == "from=2026-11-21T01:00:00Z&to=2026-11-21T01:15:00Z"


@pytest.mark.parametrize(
    "said",
    [
        {"from": "x", "to": "y"},
        {"from": "2026-11-21T01:00:00Z"},
        {"from": "2026-11-21T01:15:00Z", "to": "2026-11-21T01:00:00Z"},
        {"from": "2026-11-20T01:00:00Z", "to": "2026-11-21T01:00:00Z"},
        {"from": "2026-11-21T03:00:00Z", "to": "2026-11-21T03:15:00Z"},
        {"from": "0001-01-01T00:00:00+23:59", "to": "0001-01-01T00:05:00"},
        {"from": "\x00", "to": "9" * 400},
    ],
)
def test_a_span_that_cannot_be_shown_is_said_and_now_is_shown(said):
    found = window(said, NOW)
    assert found.live
    assert found.fault


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 11, 20)),  # noqa: DTZ001 - made aware below
    st.integers(60, 6 * 3600),
)
def test_the_close_span_is_always_one_cell_of_the_whole(start, seconds):
    begins = start.replace(tzinfo=UTC, microsecond=0)
    query = {
        "from": gpu_window.stamp(begins),
        "to": gpu_window.stamp(begins + timedelta(seconds=seconds)),
    }
    found = window(query, NOW)
    cells = found.cells()
    assert len(cells) == CELLS
    assert [cell.here for cell in cells].count(True) == 1
    assert (cells[0].start, cells[-1].end) == (found.first, found.last)
    assert found.last <= NOW


def test_earlier_and_later_lead_to_the_neighbours():
    found = window({"from": "2026-11-21T01:00:00Z", "to": "2026-11-21T01:15:00Z"}, NOW)
    assert found.moved(-1, NOW) == "from=2026-11-21T00:45:00Z&to=2026-11-21T01:00:00Z"
    assert found.moved(1, NOW) == "from=2026-11-21T01:15:00Z&to=2026-11-21T01:30:00Z"
    assert found.moved(9, NOW) == ""


# ---------------------------------------------------------------- drawings


def test_columns_are_stacked_and_never_higher_than_the_strip():
    drawn = gpu_drawing.strip({"ops": {0: 0.5}, "research": {0: 0.8}}, 240)
    assert [one.kind for one in drawn] == ["ops", "research"]
    assert drawn[0].path == "M2.5 64V32"
    assert drawn[1].path == "M2.5 32V0"


def test_a_lane_has_one_path_for_each_kind():
    found = gpu_drawing.lane(
        "ops",
        [spent(0, 5, kind="load"), spent(5, 10), spent(20, 10), spent(40, 5, ending="preempted")],
        [],
        at(0),
        at(120),
    )
    assert {one.kind: len(strokes(one.path)) for one in found.drawn} == {"ops": 3, "load": 1}
    assert found.preempted == ("37.50%",)


def test_even_the_shortest_piece_can_be_seen():
    found = gpu_drawing.lane("ops", [spent(0, 0.01)], [], at(0), at(900))
    assert strokes(found.drawn[0].path)[0][1] >= gpu_drawing.THINNEST


def test_a_thousand_short_pieces_make_no_long_path():
    many = [spent(n, 0.2) for n in range(5000)]
    found = gpu_drawing.lane("ops", many, [], at(0), at(5000))
    assert len(found.drawn[0].path) < 20_000


def test_what_reaches_over_the_edge_is_cut():
    found = gpu_drawing.lane("ops", [spent(-100, 1000)], [], at(0), at(100))
    assert strokes(found.drawn[0].path) == [(0, gpu_drawing.WIDE - gpu_drawing.GAP)]


def test_waits_do_not_lie_on_one_another_and_the_longest_come_first():
    waits = [Waited("card0", "ops", at(n), at(n + 30 + n)) for n in range(6)]
    found = gpu_drawing.lane("ops", [], waits, at(0), at(100))
    assert found.waits.count("M") == gpu_drawing.WAIT_ROWS
    assert "M60 40v4h420v-4" in found.waits


def test_a_lane_says_in_words_what_it_shows():
    found = gpu_drawing.lane(
        "ops", [spent(0, 5, kind="load"), spent(5, 10)], [Waited("c", "ops", at(0), at(9))],
        at(0), at(60),
    )  # fmt: skip
    assert found.says == "ops: 1 piece of work, 1 load, longest wait 9 s"


def test_a_fault_has_a_lane_of_its_own():
    found = gpu_drawing.lanes([spent(0, 5, kind="fault", tier="")], [], at(0), at(60))
    assert [lane.tier for lane in found] == ["ops", "embedding", "research", "other"]


@given(st.integers(60, 400_000), st.integers(0, 100_000))
def test_ticks_lie_inside_are_round_and_few(seconds, offset):
    found = gpu_drawing.ticks(at(offset), at(offset + seconds))
    assert len(found) <= 18
    assert all(0 <= float(tick.at.rstrip("%")) <= 100 for tick in found)


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (4.4, "4 s"), (43, "45 s"), (85, "85 s"), (250, "4 min"), (4000, "1 h 05")],
)
def test_a_guess_is_no_finer_than_it_can_be(seconds, said):
    assert gpu_words.guess(seconds).replace(NARROW, " ") == said


@pytest.mark.parametrize(("start", "said"), [(None, "unknown"), (0.3, "now"), (38, "40 s")])
def test_a_start_is_said_as_far_as_it_is_known(start, said):
    assert gpu_words.starts(start).replace(NARROW, " ") == said


@pytest.mark.parametrize(
    ("mb", "said"),
    [(None, "unknown: no driver to ask"), (0, "none"), (2140, "2.1 GB taken by others")],
)
def test_the_memory_of_strangers_is_never_zero_by_ignorance(mb, said):
    assert gpu_words.strangers(mb).replace(NARROW, " ") == said


@pytest.mark.parametrize(
    ("value", "said"), [(820, "820"), (9_400, "9 400"), (12_400, "12.4 k"), (1_300_000, "1.3 M")]
)
def test_large_numbers_have_three_figures(value, said):
    assert gpu_words.short_number(value).replace("\u2009", " ") == said


def test_work_that_takes_longer_than_expected_is_said_so():
    card = Card(doing_since=at(-30), free_at=at(-10))
    said = gpu_words.left(card, NOW).replace(NARROW, " ")
    assert said == "30 s, longer than the 20 s expected"


def test_a_server_with_its_own_models_is_said_to_hold_each_once_and_to_fill_itself():
    slots = [Slot(name=name, model=f"{name}:latest", vram_mb=9000) for name in ("ops", "reason")]
    card = Card(vram_mb=16_000, serves={"ops": "Qwen/Qwen3-8B", "reason": "Qwen/Qwen3-8B"})
    assert gpu_words.held(card, slots) == ["Qwen/Qwen3-8B"]
    assert gpu_words.memory(card, slots).says == "the server's own"
    ollama = Card(vram_mb=16_000)
    assert gpu_words.held(ollama, slots) == ["ops", "reason"]
    assert gpu_words.memory(ollama, slots).says == f"17.6{NARROW}GB of 15.6{NARROW}GB"
