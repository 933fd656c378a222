"""Figures, timeline and queue of the card, from the rows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ethops.world import gpu, gpu_figures, gpu_timeline
from gpu import quoting
from gpu.models import Job
from gpu.tiers import Tier
from tests.integration.api.gpu_scene import GpuScene, ago


@pytest.fixture
def rows(role):
    return GpuScene(role)


def test_cards_say_what_they_do_and_for_whom(rows):
    rows.small()
    (card,) = gpu.cards()
    assert (card.up, card.busy, card.sick) == (True, True, False)
    assert card.job.ticket_ref == "INC-02017"
    assert [slot.name for slot in card.resident] == ["embed", "ops"]


def test_a_card_whose_lease_ran_out_is_not_up(rows):
    rows.slots()
    rows.card(up=False, doing="running")
    (card,) = gpu.cards()
    assert not card.up
    assert not card.busy


def test_figures_by_tier(rows):
    rows.small()
    now = timezone.now()
    found = gpu_figures.figures(now - timedelta(hours=1), now)
    ops, research = found.tiers[Tier.OPS], found.tiers[Tier.RESEARCH]
    assert (ops.ended, ops.wait_p50, ops.wait_max) == (2, 1.75, 3.1)
    assert (research.preemptions, research.open) == (1, 1)
    assert found.swaps_per_100 == pytest.approx(200 / 3)
    assert found.quoted == found.quotes[Tier.OPS]
    assert found.quotes[Tier.OPS].off_s == pytest.approx(2.1, abs=0.3)
    assert found.tiers[Tier.EMBEDDING].wait_p50 is None


def test_lines_count_what_waited_at_the_end_of_each_step(rows):
    rows.slots()
    end = ago(0)
    rows.job("ops", "ops", end - timedelta(seconds=95), wait=30, ran=1)
    rows.job("ops", "ops", end - timedelta(seconds=25))
    rows.job("ops", "ops", end - timedelta(seconds=500), wait=444, ran=1)
    found = gpu_figures.lines(end - timedelta(seconds=100), end, 10)
    assert found.waiting[Tier.OPS] == (2, 2, 2, 1, 0, 0, 0, 1, 1, 1)
    assert found.wait_p95[Tier.OPS][2:6] == (None, 30, 444, None)


def test_shares_split_a_piece_over_the_steps_it_spans(rows):
    start = ago(100)
    rows.piece("load", "ops", "ops", start + timedelta(seconds=5), 5)
    rows.piece("run", "ops", "ops", start + timedelta(seconds=15), 20)
    found = gpu_timeline.shares(start, start + timedelta(seconds=100), 10)["card0"]
    assert found["load"] == pytest.approx({0: 0.5})
    assert found["ops"] == pytest.approx({1: 0.5, 2: 1.0, 3: 0.5})


def test_what_goes_on_now_is_a_piece_that_ends_now(rows):
    rows.slots()
    rows.card(doing="running", doing_tier="ops", doing_slot="ops", doing_since=ago(20))
    (piece,) = gpu_timeline.pieces(ago(60), ago(0))
    assert (piece.kind, piece.tier, piece.going) == ("run", "ops", True)


def test_only_the_longest_waits_are_told(rows):
    rows.slots()
    for wait in (2, 10, 30, 20):
        rows.job("ops", "ops", ago(60), wait=wait, ran=1)
    found = gpu_timeline.waited(ago(100), ago(0), most=2, steps=25)
    assert sorted(round((one.went - one.came).total_seconds()) for one in found) == [20, 30]


def test_the_queue_has_a_quote_for_everything(rows):
    rows.small()
    found = gpu.queue()
    assert [(one.job.tier, one.quote.position) for one in found] == [
        ("embedding", 1),
        ("research", 2),
    ]
    starts = [(one.quote.start_s or 0.0, one.quote.end_s or 0.0) for one in found]
    assert starts[0] < starts[1]
    assert all(start < end for start, end in starts)


def test_nobody_knows_when_no_card_is_up(rows):
    rows.slots()
    rows.card(up=False)
    rows.job("ops", "ops", ago(5))
    (one,) = gpu.queue()
    assert (one.quote.position, one.quote.start_s, one.quote.end_s) == (1, None, None)


def test_the_first_quote_is_stored_and_stays(rows):
    rows.small()
    assert len(quoting.quote_new()) == 2
    first = Job.objects.get(pk=rows.jobs[-1]).quoted_start
    assert first is not None
    assert quoting.quote_new() == []
    assert Job.objects.get(pk=rows.jobs[-1]).quoted_start == first


def test_what_is_newest_changes_with_the_card(rows):
    rows.small()
    before = gpu.newest()[:-1]
    assert gpu.newest()[:-1] == before
    rows.run("UPDATE gpu_card SET doing = 'idle', doing_since = clock_timestamp()")
    assert gpu.newest()[:-1] != before


def test_the_queue_takes_few_queries_however_long(rows):
    rows.slots()
    rows.card()
    for _ in range(30):
        rows.job("ops", "ops", ago(5))
    with CaptureQueriesContext(connection) as caught:
        assert len(gpu.queue()) == 30
    assert len(caught) <= 6


def test_the_quote_reckons_with_the_load_and_with_what_runs(rows):
    rows.slots()
    rows.card(doing="running", doing_tier="ops", doing_slot="ops", resident=["ops"],
              doing_since=ago(1), free_at=ago(-20))  # fmt: skip
    rows.job("ops", "ops", ago(2), tokens_asked=0)
    rows.job("ops", "reason", ago(1), tokens_asked=0)
    first, second = quoting.quotes()
    assert first.start_s == pytest.approx(20, abs=2)
    assert first.end_s == pytest.approx(25, abs=3)
    assert second.start_s == pytest.approx((first.end_s or 0) + 8.8, abs=2)


def test_an_answer_with_a_bound_is_quoted_within_it(rows):
    rows.slots()
    rows.card(resident=["reason"])
    rows.job("research", "reason", ago(2), request='{"sampling": {"num_predict": 26}}')
    (quote,) = quoting.quotes()
    assert (quote.end_s or 0) - (quote.start_s or 0) < 2.5


def test_two_cards_share_what_waits(rows):
    rows.slots()
    rows.card("card0", resident=["code"])
    rows.card("card1", resident=["reason"], position=1)
    for _ in range(2):
        rows.job("research", "code", ago(3))
        rows.job("research", "reason", ago(3))
    starts = [quote.start_s for quote in quoting.quotes()]
    assert [start is not None and start < 1 for start in starts] == [True, True, False, False]


def test_a_sick_card_is_promised_nothing(rows):
    rows.slots()
    rows.card(doing="sick", fault="no answer")
    rows.job("ops", "ops", ago(3))
    (quote,) = quoting.quotes()
    assert quote.start_s is None


def test_foreign_work_is_waited_for(rows):
    rows.slots()
    job = rows.job("research", "card", ago(60), wait=1, kind="hold")
    rows.card(doing="held", doing_tier="research", doing_slot="card", doing_job=job,
              doing_since=ago(59))  # fmt: skip
    rows.job("ops", "ops", ago(3))
    rows.job("research", "card", ago(2), kind="hold")
    first, second = quoting.quotes()
    assert first.start_s == pytest.approx(541 + 5, abs=10)
    assert (second.end_s or 0) > (second.start_s or 0) + 500


@pytest.mark.parametrize("policy", ["celery", "best"])
def test_three_hundred_waiting_requests_are_all_quoted(rows, settings, policy):
    settings.ETHOPS_GPU_POLICY = policy
    rows.slots()
    rows.card("card0", resident=["ops", "embed"])
    rows.card("card1", resident=["reason"], position=1)
    for n in range(300):
        tier, slot = (("ops", "ops"), ("embedding", "embed"), ("research", "reason"),
                      ("research", "code"))[n % 4]  # fmt: skip
        rows.job(tier, slot, ago(n))
    found = quoting.quotes()
    assert [quote.position for quote in found] == list(range(1, 301))
    starts = [quote.start_s or 0.0 for quote in found]
    assert starts == sorted(starts)
