"""The doors of the queue and their fences: who was replaced changes nothing, and is cleared up."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from gpu import rows
from gpu.rows import Request
from gpu.states import JobKind
from gpu.tiers import Tier
from tests.integration.gpu.house import House
from tests.waiting import eventually


@pytest.fixture(scope="module")
def declared(house: House) -> House:
    """A house with one card that nobody serves."""
    house.add_card()
    house.declare()
    return house


@pytest.fixture
def free(declared: House) -> Iterator[House]:
    """The card is nobody's."""
    declared.owner("UPDATE gpu_card SET lease_until = NULL, holder = ''")
    yield declared
    declared.owner("UPDATE gpu_card SET lease_until = NULL, holder = ''")
    take(declared.connect("gpu"))
    declared.calm()


def take(link: psycopg.Connection[Any], by: str = "me", dead: str = "", lease: float = 60) -> Any:
    """Take the card; the fence, or None."""
    row = link.execute("SELECT gpu.take_card('card0', %s, %s, %s)", [by, lease, dead]).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def late(free: House) -> tuple[psycopg.Connection[Any], int, UUID, int]:
    """A worker that claimed a job and was then replaced: link, card's fence, job, job's fence."""
    link = free.connect("gpu")
    fence = take(link, by="old")
    job_id = free.ask(tokens=3, publish=False)
    row = link.execute(
        "SELECT fence FROM gpu.claim_job('card0', %s, %s, 60)", [fence, job_id]
    ).fetchone()
    assert row is not None
    assert take(link, by="new", dead="old") == fence + 1
    return link, fence, job_id, row[0]


def test_what_an_old_holder_had_is_ready_again(late: tuple[Any, ...], free: House) -> None:
    assert free.job(late[2])["state"] == "ready"


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("SELECT gpu.finish_job(%(job)s, %(own)s, 'finished', '{}', '', '', 1, 1, 1)", "late"),
        ("SELECT gpu.try_again(%(job)s, %(own)s, 'x', 'y', 0, 0, '{}', 0)", "late"),
        ('SELECT gpu.put_back(%(job)s, %(own)s, \'{"text": "x"}\', 3, 1)', False),
        ("SELECT gpu.beat_card('card0', %(fence)s, 60, ARRAY[%(job)s]::uuid[])", False),
        ("SELECT gpu.show_card('card0', %(fence)s, '{\"doing\": \"running\"}')", False),
        ("SELECT gpu.begin_job(%(job)s, %(own)s, 1, true, 'd')", ""),
        ("SELECT gpu.leave_hold(%(job)s, %(own)s)", ""),
        ("SELECT gpu.leave_card('card0', %(fence)s)", ""),
    ],
)
def test_what_an_old_holder_says_changes_nothing(
    late: tuple[Any, ...], free: House, statement: str, answer: object
) -> None:
    link, fence, job_id, own = late
    before = (free.job(job_id), free.card())
    row = link.execute(statement, {"job": job_id, "own": own, "fence": fence}).fetchone()
    assert row is not None
    assert (row[0] or None) == (answer or None)
    assert (free.job(job_id), free.card()) == before


def test_an_old_holder_can_claim_nothing(late: tuple[Any, ...]) -> None:
    link, fence, job_id, _ = late
    with pytest.raises(psycopg.Error, match="is not ours") as raised:
        link.execute("SELECT * FROM gpu.claim_job('card0', %s, %s, 60)", [fence, job_id])
    assert raised.value.sqlstate == "GQ004"


def test_an_old_holder_writes_no_piece(late: tuple[Any, ...], free: House) -> None:
    link, fence, job_id, _ = late
    link.execute(
        "SELECT gpu.note_piece('card0', %s, 'run', 'ops', 'x', %s, 1, 'finished', 1)",
        [fence, job_id],
    )
    assert free.owner("SELECT 1 FROM gpu_piece WHERE job = %s", job_id) == []


def test_a_job_that_its_worker_dropped_is_freed(free: House) -> None:
    link = free.connect("gpu")
    fence = take(link)
    job_id = free.ask(publish=False)
    link.execute("SELECT 1 FROM gpu.claim_job('card0', %s, %s, 0.2)", [fence, job_id])

    def freed() -> bool:
        link.execute("SELECT gpu.beat_card('card0', %s, 60, '{}')", [fence])
        return bool(free.job(job_id)["state"] == "ready")

    assert eventually(freed)


def test_a_job_in_its_workers_hands_is_not_freed(free: House) -> None:
    link = free.connect("gpu")
    fence = take(link)
    job_id = free.ask(publish=False)
    link.execute("SELECT 1 FROM gpu.claim_job('card0', %s, %s, 9)", [fence, job_id])
    link.execute("SELECT gpu.beat_card('card0', %s, 60, %s)", [fence, [job_id]])
    (left,) = free.owner(
        "SELECT lease_until > clock_timestamp() + interval '30 seconds' FROM audit_work"
        " WHERE id = %s",
        job_id,
    )[0]
    assert left


def test_a_job_that_nobody_has_to_answer_is_not_claimed(free: House) -> None:
    link = free.connect("gpu")
    fence = take(link)
    assert (
        link.execute(
            "SELECT * FROM gpu.claim_job('card0', %s, %s, 60)", [fence, uuid4()]
        ).fetchone()
        is None
    )


DEATHS = 5


def ready(house: House, job_id: UUID) -> None:
    """Wait until a job may be claimed, and let it be claimed now."""
    eventually(lambda: house.job(job_id)["state"] == "ready")
    house.owner("UPDATE audit_work SET not_before = clock_timestamp() WHERE id = %s", job_id)


def test_a_dead_job_is_told_to_whoever_waits(free: House) -> None:
    link = free.connect("gpu")
    job_id = free.ask(publish=False, tier=Tier.OPS, slot="ops-8b")
    for turn in range(DEATHS):
        fence = take(link, by=f"w{turn}", dead=f"w{turn - 1}")
        ready(free, job_id)
        link.execute("SELECT 1 FROM gpu.claim_job('card0', %s, %s, 60)", [fence, job_id])
    take(link, by="last", dead=f"w{DEATHS - 1}")
    row = free.ended(job_id)
    assert (row.state, row.error_code) == ("dead", "gpu.worker_died")
    assert row.finished_at is not None
    assert [kind for kind, _ in free.entries(job_id)][-1] == "inference.failed"


def test_who_was_there_at_several_deaths_lets_others_go_first(free: House) -> None:
    link = free.connect("gpu")
    job_id = free.ask(publish=False)
    waits = []
    for turn in range(3):
        fence = take(link, by=f"w{turn}", dead=f"w{turn - 1}")
        ready(free, job_id)
        link.execute("SELECT 1 FROM gpu.claim_job('card0', %s, %s, 60)", [fence, job_id])
        take(link, by=f"x{turn}", dead=f"w{turn}")
        ((wait,),) = free.owner(
            "SELECT extract(epoch FROM not_before - clock_timestamp())::float8 FROM audit_work"
            " WHERE id = %s",
            job_id,
        )
        waits.append(wait > 0)
        free.owner("UPDATE gpu_card SET lease_until = NULL, holder = ''")
    assert waits == [False, True, True]


def test_a_command_outlives_any_number_of_workers(free: House) -> None:
    link = free.connect("gpu")
    request = Request(Tier.RESEARCH, "card", JobKind.HOLD, "person:ada", {"command": "x"})
    job_id = free.submit(request, publish=False)
    for turn in range(DEATHS + 2):
        fence = take(link, by=f"w{turn}", dead=f"w{turn - 1}")
        link.execute("SELECT 1 FROM gpu.claim_job('card0', %s, %s, 60)", [fence, job_id])
        assert free.job(job_id)["state"] == "leased"
    rows.cancel(job_id, "the test is over")
    take(link, by="last", dead=f"w{DEATHS + 1}")


def test_a_job_whose_lease_ran_out_for_the_last_time_is_told_as_well(free: House) -> None:
    link = free.connect("gpu")
    fence = take(link)
    job_id = free.ask(publish=False)
    for _ in range(DEATHS):
        ready(free, job_id)
        link.execute("SELECT 1 FROM gpu.claim_job('card0', %s, %s, 0.05)", [fence, job_id])
    row = free.ended(job_id)
    assert row.state == "dead"
    assert eventually(lambda: free.job(job_id)["finished_at"])
    assert json.dumps(free.entries(job_id)[-1]).count("inference.failed") == 1


def test_a_server_is_asked_thrice(free: House) -> None:
    link = free.connect("gpu")
    fence = take(link)
    job_id = free.ask(publish=False)
    said = []
    for _ in range(3):
        ready(free, job_id)
        row = link.execute(
            "SELECT fence FROM gpu.claim_job('card0', %s, %s, 60)", [fence, job_id]
        ).fetchone()
        again = "SELECT gpu.try_again(%s, %s, 'x', 'y', 0, 0, '{}', 0)"
        said.append(link.execute(again, [job_id, row[0]]).fetchone()[0])
    assert said == ["ready", "ready", "dead"]


def test_who_has_failed_before_goes_alone(free: House) -> None:
    link = free.connect("gpu")
    fence = take(link)
    jobs = [free.embed(["x"], publish=False) for _ in range(3)]
    link.execute("SELECT 1 FROM gpu.claim_job('card0', %s, %s, 60)", [fence, jobs[1]])
    take(link, by="next", dead="me")
    found = link.execute("SELECT id FROM gpu.company('embedding.embed-8b', 'embed', 9)").fetchall()
    assert [row[0] for row in found] == [jobs[0], jobs[2]]
