"""The queue over the API: what is told, what is refused, what a cancellation does."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from audit.models import Pending
from ethops.api import metrics
from ethops.env import CLONE
from ethops.world.gpu_totals import Totals
from tests.integration.api.conftest import api_of
from tests.integration.api.gpu_scene import GpuScene, ago


@pytest.fixture
def rows(role):
    made = GpuScene(role)
    made.small()
    return made


@pytest.fixture(autouse=True)
def _just_started(monkeypatch):
    """A process that has counted nothing yet, whatever other tests have asked it."""
    monkeypatch.setattr(metrics.COLLECTOR, "totals", Totals())


@pytest.fixture
def scrape(api):
    """Samples of one scrape: (name, labels) -> value."""

    def read():
        answer = api.get("/api/v1/metrics")
        assert answer.status_code == 200
        return {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(answer.content.decode())
            for sample in family.samples
        }

    return read


def test_everything_at_once(api, rows):
    said = api.get("/api/v1/gpu").json()
    (card,) = said["cards"]
    assert (card["doing"], card["slot"], card["up"]) == ("running", "ops", True)
    assert [one["position"] for one in said["queue"]] == [1, 2]
    assert all(one["start_s"] < one["end_s"] for one in said["queue"])
    tiers = {one["tier"]: one for one in said["figures"]["tiers"]}
    assert tiers["ops"]["ended"] == 2
    assert tiers["research"]["waiting"] == 1
    assert said["figures"]["quotes"]["quotes"] == 1


def test_without_a_card_it_is_empty_and_no_fault(api):
    said = api.get("/api/v1/gpu").json()
    assert (said["cards"], said["queue"], said["figures"]["quotes"]) == ([], [], None)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 6),
        ("?tier=ops", 3),
        ("?slot=reason", 1),
        ("?state=ready", 2),
        ("?state=done&tier=ops", 2),
        ("?ticket=INC-02017", 1),
        ("?client=lab", 3),
        ("?kind=embed", 1),
        ("?card=card0", 4),
        ("?run=00000000-0000-0000-0000-000000000000", 0),
    ],
)
def test_requests_are_filtered(api, rows, query, count):
    assert api.get(f"/api/v1/gpu/jobs{query}").json()["count"] == count


def test_a_filter_that_does_not_exist_is_refused(api, rows):
    assert api.get("/api/v1/gpu/jobs?prompt=x").status_code == 400
    assert api.get("/api/v1/gpu/jobs?tier=batch").status_code == 400


def test_one_request_shows_its_cost_and_not_its_words(api, rows):
    said = api.get(f"/api/v1/gpu/jobs/{rows.jobs[2]}").json()
    assert (said["state"], said["wait_s"], said["tokens_out"]) == ("done", 3.1, 200)
    assert not {"request", "answer", "partial"} & set(said)


def test_what_is_not_there_is_a_404(api, rows):
    for path in ("00000000-0000-0000-0000-000000000000", "-" * 36, "x"):
        assert api.get(f"/api/v1/gpu/jobs/{path}").status_code == 404
        assert api.post(f"/api/v1/gpu/jobs/{path}/cancel").status_code == 404


def test_who_cancels_is_on_record(api, rows):
    waiting = rows.jobs[-1]
    answer = api.post(f"/api/v1/gpu/jobs/{waiting}/cancel", {"why": "not needed"}, format="json")
    said = answer.json()
    assert (answer.status_code, said["state"]) == (200, "cancelled")
    assert said["error"] == "cancelled by ada: not needed"
    assert Pending.objects.filter(kind="inference.cancelled", subject=str(waiting)).exists()


def test_cancelling_twice_changes_nothing(api, rows):
    path = f"/api/v1/gpu/jobs/{rows.jobs[-1]}/cancel"
    assert [api.post(path).status_code for _ in range(2)] == [200, 200]


def test_what_is_on_the_card_is_asked_to_stop(api, rows):
    said = api.post(f"/api/v1/gpu/jobs/{rows.jobs[0]}/cancel").json()
    assert (said["state"], said["cancel_asked"]) == ("leased", True)


def test_what_is_over_is_not_cancelled(api, rows):
    answer = api.post(f"/api/v1/gpu/jobs/{rows.jobs[1]}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "gpu.job_over")


@pytest.mark.parametrize("path", ["gpu", "gpu/jobs", "metrics"])
def test_strangers_learn_nothing(cy, rows, path):
    assert APIClient().get(f"/api/v1/{path}").status_code == 401
    refused = api_of(cy).get(f"/api/v1/{path}")
    assert (refused.status_code, refused.json()["code"]) == (403, "request.forbidden")


def test_prometheus_reads_the_queue(scrape, rows):
    said = scrape()
    assert said["ethops_gpu_waiting_jobs", "embed", "embedding"] == 1
    assert said["ethops_gpu_oldest_wait_seconds", "research"] == pytest.approx(30, abs=5)
    assert said["ethops_gpu_card_up", "card0"] == 1
    assert said["ethops_gpu_card_busy", "card0"] == 1
    assert said["ethops_gpu_slot_resident", "card0", "ops"] == 1
    assert said["ethops_gpu_strangers_vram_bytes", "card0"] == 0
    assert said["ethops_gpu_jobs_total", "done", "ops", "ops"] == 2
    assert said["ethops_gpu_tokens_total", "out", "reason", "research"] == 200
    assert said["ethops_gpu_pieces_total", "card0", "load", "reason"] == 1
    assert said["ethops_gpu_seconds_total", "card0", "ops", "run"] == pytest.approx(5)
    assert said["ethops_gpu_preemptions_total", "card0", "research"] == 1
    assert said["ethops_gpu_quote_error_seconds", "ops"] == pytest.approx(2.1, abs=0.3)


def test_waits_are_a_histogram(scrape, rows):
    said = scrape()
    assert said["ethops_gpu_wait_seconds_bucket", "0.5", "ops"] == 1
    assert said["ethops_gpu_wait_seconds_bucket", "5.0", "ops"] == 2
    assert said["ethops_gpu_wait_seconds_bucket", "+Inf", "ops"] == 2
    assert said["ethops_gpu_wait_seconds_count", "research"] == 1
    assert said["ethops_gpu_wait_seconds_sum", "ops"] == pytest.approx(3.5)


def test_counters_grow_and_never_go_back(scrape, rows):
    before = scrape()
    rows.job("ops", "ops", ago(20), wait=1, ran=2)
    rows.piece("load", "ops", "ops", ago(15), 4)
    rows.job("research", "code", ago(400), wait=1, ran=2)
    after = scrape()
    assert after["ethops_gpu_jobs_total", "done", "ops", "ops"] == 3
    assert after["ethops_gpu_pieces_total", "card0", "load", "ops"] == 2
    rows.run("DELETE FROM gpu_piece WHERE ended_at < now() - interval '90 seconds'")
    rows.run("DELETE FROM gpu_job WHERE finished_at < now() - interval '90 seconds'")
    last = scrape()
    counters = [key for key in before if key[0].endswith(("_total", "_bucket", "_count", "_sum"))]
    assert counters
    assert all(before[key] <= after[key] <= last[key] for key in counters)


def test_a_card_without_worker_is_down_and_its_memory_unknown(scrape, role):
    rows = GpuScene(role)
    rows.slots()
    rows.card(up=False)
    said = scrape()
    assert said["ethops_gpu_card_up", "card0"] == 0
    assert said["ethops_gpu_card_heard_seconds", "card0"] == pytest.approx(90, abs=5)
    assert ("ethops_gpu_strangers_vram_bytes", "card0") not in said


def test_prometheus_own_accept_header_is_answered_in_its_format(api, rows):
    accept = (
        "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    )
    answer = api.get("/api/v1/metrics", HTTP_ACCEPT=accept)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")


def test_every_metric_is_on_its_page_with_its_labels(api, rows):
    text = api.get("/api/v1/metrics").content.decode()
    found = {}
    for family in text_string_to_metric_families(text):
        if not family.name.startswith("ethops_gpu_"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[name] = labels
    page = (CLONE / "docs/reference/gpu-page.md").read_text(encoding="utf-8")
    told = {
        name: set(labels.split(", "))
        for name, labels in re.findall(
            r"^\| `(ethops_gpu_\w+)` \| ([a-z, ]+) \|", page, re.MULTILINE
        )
    }
    assert told == found
