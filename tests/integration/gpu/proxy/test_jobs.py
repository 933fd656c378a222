"""What a request becomes in the queue, and what its answer's headers say of it."""

import threading

import pytest
import redis

from gpu import conf, living
from gpu.models import Job
from gpu.proxy import hub, orphans, replying
from tests.integration.gpu.proxy.parts import WHY, states
from tests.waiting import eventually


def test_a_request_is_a_job_of_its_key(lab, worker):
    with lab.leaving(tools=[{"type": "function", "function": {"name": "look"}}]):
        held = worker.claim(eventually(worker.ready)[0])
        job = Job.objects.get()
        assert (job.tier, job.slot, job.kind) == ("research", "ops", "chat")
        assert (job.principal, job.client) == ("key:lab", "lab")
        assert (job.streams, job.bound) == (True, True)
        assert job.tokens_asked > 1
        assert held.request["messages"] == WHY
        assert held.request["sampling"] == {}


def test_options_reach_the_job_without_the_slots_own(lab, worker):
    with lab.leaving(options={"num_ctx": 4096, "seed": 3}, keep_alive="1s"):
        eventually(worker.ready)
    request = Job.objects.get().request
    assert request["sampling"] == {"seed": 3}
    assert "keep_alive" not in request


def test_a_request_is_told_to_the_workers(lab, redis_url):
    with redis.Redis.from_url(conf.redis_url()) as line, lab.leaving():
        eventually(lambda: line.llen("research.ops") == 1)


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_says_how_it_waited(lab, worker, stream):
    reading = lab.reading(stream=stream)
    held = worker.claim(eventually(worker.ready)[0])
    held.said.append("Ethernet")
    held.done()
    reading.whole()
    head = reading.response.headers
    assert head["x-ethops-job"] == str(held.id)
    assert head["x-queue-position"] in ("0", "1")
    assert "x-predicted-start" in head or head["x-queue-position"] == "1"
    assert float(head["x-wait-seconds"]) > 0
    assert float(head["x-load-seconds"]) == 0.0
    assert head["x-preemptions"] == "0"


def quoted():
    return Job.objects.filter(quoted_start__isnull=False).count()


def test_who_waits_is_told_place_and_time(lab, worker):
    with lab.leaving():
        eventually(worker.ready)
        second = lab.reading()
        eventually(lambda: quoted() == 2)
        with lab.leaving():
            # Its row knows a quote before its own request does: by the next one's, it does.
            eventually(lambda: quoted() == 3)
            held = worker.claim(worker.ready()[1])
            held.say("Ethernet")
            held.done()
            second.whole()
    head = second.response.headers
    assert head["x-queue-position"] == "2"
    assert float(head["x-predicted-start"]) > 1


def test_streams_live_while_they_wait(lab, worker, monkeypatch):
    monkeypatch.setattr(replying, "WAITING_SECONDS", 0.1)
    events, lines = lab.reading("/v1/chat/completions"), lab.reading()
    eventually(lambda: len(events.lines) > 2 and len(lines.lines) > 2)
    assert events.lines[0] == ": waiting"
    for job in worker.ready():
        held = worker.claim(job)
        held.say("Ethernet")
        held.done()
    assert lines.text == "Ethernet"
    said = [one["choices"][0]["delta"].get("content", "") for one in events.events[:-1]]
    assert "".join(said) == "Ethernet"


def test_a_failure_after_a_wait_is_told_within_the_stream(lab, worker, monkeypatch):
    monkeypatch.setattr(replying, "WAITING_SECONDS", 0.1)
    reading = lab.reading()
    eventually(lambda: reading.lines)
    worker.claim(worker.ready()[0]).fail("gpu.slot_fault", "the digest is another")
    assert reading.said[-1] == {"error": "the digest is another"}


def test_a_reader_that_lost_track_is_not_flooded_with_patience(lab, worker):
    reading = lab.reading()
    held = worker.claim(eventually(worker.ready)[0])
    held.say("a", at=0)
    for number in range(50):
        held.say("b", at=number + 2)
        eventually(lambda: reading.lines)
    held.done({"message": {"content": "abc"}})
    assert [line["message"]["content"] for line in reading.said] == ["a", "bc", ""]


def test_jobs_of_a_web_process_that_died_are_cancelled(lab, role, monkeypatch):
    looked, first = threading.Event(), hub._first

    def look():
        first()
        looked.set()

    monkeypatch.setattr(hub, "_first", look)
    with lab.leaving(), lab.leaving(), lab.leaving():
        eventually(lambda: len(states()) == 3)
        # This web process has looked for them as well, beside its first request.
        eventually(looked.is_set)
        assert orphans.cancel_orphans() == 0
        _, elsewhere, dead = Job.objects.order_by("pk")
        here = living.identity().rsplit(":", 2)[0]
        with role("owner") as owner:
            change = "UPDATE gpu_job SET request = %s WHERE id = %s"
            owner.execute(change, ['{"via": "elsewhere:1:5"}', elsewhere.pk])
            owner.execute(change, [f'{{"via": "{here}:1:5"}}', dead.pk])
        assert orphans.cancel_orphans() == 1
        assert Job.objects.get(pk=dead.pk).error_code == "gpu.cancelled"


def test_a_job_that_a_person_cancels_is_499(lab, role):
    reading = lab.reading()
    eventually(lambda: states() == ["ready"])
    with role("app") as app:
        app.execute("SELECT gpu.cancel(%s, 'enough')", [Job.objects.get().pk])
    assert reading.said == [{"error": "request canceled"}]
    assert reading.response.status_code == 499
