"""Streams of one request: from the channel as they come, and whole whatever becomes of it."""

import json

import pytest
import redis

from gpu.models import Job
from gpu.proxy import replying
from gpu.worker import channel
from tests.integration.gpu.proxy.parts import states
from tests.waiting import eventually


def first(worker):
    return worker.claim(eventually(worker.ready)[0])


def test_a_chat_comes_as_it_is_said(lab, worker):
    reading = lab.reading()
    held = first(worker)
    held.say("Ether")
    eventually(lambda: len(reading.lines) == 1)
    held.say("net")
    eventually(lambda: len(reading.lines) == 2)
    held.done()
    assert reading.text == "Ethernet"
    assert [line["done"] for line in reading.said] == [False, False, True]
    assert reading.response.headers["content-type"] == "application/x-ndjson"


def test_the_last_line_of_a_chat_counts(lab, worker):
    reading = lab.reading()
    held = first(worker)
    held.say("Ether")
    held.done(reason="length")
    last = reading.said[-1]
    assert last["model"] == "ops"
    assert last["done_reason"] == "length"
    assert (last["prompt_eval_count"], last["eval_count"]) == (11, 1)
    assert last["total_duration"] >= last["load_duration"] + last["eval_duration"] > 0


def test_generated_text_comes_as_it_is_said(lab, worker):
    reading = lab.reading("/api/generate", prompt="why?", messages=None)
    held = first(worker)
    held.say("Ether")
    held.say("net")
    held.done()
    assert "".join(line["response"] for line in reading.said) == "Ethernet"


def test_events_come_as_they_are_said(lab, worker):
    reading = lab.reading("/v1/chat/completions", stream_options={"include_usage": True})
    held = first(worker)
    held.say("Ether")
    held.say("net")
    held.done()
    *chunks, usage, end = reading.events
    assert end == "[DONE]"
    assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 13)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas == [{"role": "assistant", "content": "Ether"}, {"content": "net"}, {}]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_an_answer_of_no_words_still_begins(lab, worker):
    reading = lab.reading("/v1/chat/completions")
    first(worker).done()
    begin, finish, end = reading.events
    assert begin["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert end == "[DONE]"


def test_completions_come_as_they_are_said(lab, worker):
    reading = lab.reading("/v1/completions", prompt="why?")
    held = first(worker)
    held.say("Ether")
    held.done()
    text, finish, end = reading.events
    assert text["choices"][0]["text"] == "Ether"
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert end == "[DONE]"


def test_calls_of_tools_are_passed_on(lab, worker):
    call = {"function": {"name": "look", "arguments": {"at": "db1"}}}
    reading = lab.reading("/v1/chat/completions", tools=[{"type": "function", "function": {}}])
    held = first(worker)
    held.say("", tool_calls=[call])
    held.done({"message": {"role": "assistant", "content": "", "tool_calls": [call]}})
    events = reading.events
    made = events[0]["choices"][0]["delta"]["tool_calls"]
    assert [one["function"] for one in made] == [{"name": "look", "arguments": '{"at":"db1"}'}]
    assert events[1]["choices"][0]["finish_reason"] == "tool_calls"


def test_thoughts_are_kept_apart(lab, worker):
    reading = lab.reading(think=True)
    held = first(worker)
    held.say("", thinking="hm")
    held.say("Ether")
    held.done({"message": {"content": "Ether", "thinking": "hm"}})
    said = [line["message"] for line in reading.said]
    assert said[0] == {"role": "assistant", "content": "", "thinking": "hm"}
    assert said[1] == {"role": "assistant", "content": "Ether"}


# ---------------------------------------------------------------- a channel that loses


def test_what_the_channel_lost_comes_from_the_row(lab, worker, redis_url):
    reading = lab.reading()
    held = first(worker)
    held.say("one ", at=0)
    eventually(lambda: reading.lines)
    with redis.Redis.from_url(redis_url) as line:
        held.say("two ", at=4)
        line.flushdb()
    held.say("three ", at=8)
    held.say("four", at=14)
    held.done()
    assert reading.text == "one two three four"


def test_an_answer_whose_channel_is_gone_comes_whole(lab, worker, redis_url):
    reading = lab.reading()
    held = first(worker)
    held.say("one ")
    held.say("two")
    eventually(lambda: reading.lines)
    with redis.Redis.from_url(redis_url) as line:
        line.delete(channel.key(held.id))
        held.done(tell=False)
    assert reading.text == "one two"


def test_an_end_that_nobody_told_is_seen_in_the_row(pager, worker):
    reading = pager.reading()
    held = first(worker)
    held.done({"message": {"content": "Ethernet"}}, tell=False)
    assert reading.text == "Ethernet"


def test_an_answer_without_any_channel_comes_from_the_row(lab, worker, settings):
    settings.ETHOPS_GPU_REDIS_URL = "redis://127.0.0.1:1/0"
    reading = lab.reading()
    held = first(worker)
    held.said.append("Ethernet")
    held.done(tell=False)
    assert reading.text == "Ethernet"


def test_a_job_that_begins_anew_before_its_first_word_is_whole(lab, worker):
    reading = lab.reading()
    held = first(worker)
    held.tell({"t": "again"})
    held.say("Ethernet")
    held.done()
    assert reading.text == "Ethernet"


def test_a_job_that_begins_anew_and_says_the_same_is_whole(lab, worker):
    reading = lab.reading()
    held = first(worker)
    held.say("Ether", at=0)
    eventually(lambda: reading.lines)
    held.tell({"t": "again"})
    held.say("Ether", at=0)
    held.say("net", at=5)
    held.done({"message": {"content": "Ethernet"}})
    assert reading.text == "Ethernet"


def test_a_job_that_begins_anew_and_says_something_else_is_a_failure(lab, worker):
    reading = lab.reading()
    held = first(worker)
    held.say("Ether")
    eventually(lambda: reading.lines)
    held.tell({"t": "again"})
    held.done({"message": {"content": "Token ring"}})
    assert "began anew" in reading.said[-1]["error"]


def test_an_end_before_the_row_has_one_is_not_the_end(lab, worker):
    reading = lab.reading()
    held = first(worker)
    held.tell({"t": "end"})
    held.put_back()
    again = first(worker)
    again.say("Ethernet")
    again.done()
    assert reading.text == "Ethernet"


def test_garbage_on_the_channel_is_lost_and_no_more(lab, worker):
    reading = lab.reading()
    held = first(worker)
    held.line.xadd(channel.key(held.id), {"d": "{"})
    held.line.xadd(channel.key(held.id), {"x": "1"})
    held.say("Ethernet")
    held.done()
    assert reading.text == "Ethernet"


# ---------------------------------------------------------------- failures


@pytest.mark.parametrize("stream", [True, False])
def test_a_job_that_fails_before_its_first_word_is_a_status(lab, worker, stream):
    reading = lab.reading(stream=stream)
    first(worker).fail("inference.unreachable", "http://10.1.1.1 is away")
    assert reading.said == [{"error": "the model server cannot be reached"}]
    assert reading.response.status_code == 502


def test_a_job_that_fails_after_its_first_word_is_a_line(lab, worker):
    reading = lab.reading()
    held = first(worker)
    held.say("Ether")
    eventually(lambda: reading.lines)
    held.fail("inference.cut_stream")
    assert reading.said[-1] == {"error": "the model server cut its answer off"}
    assert reading.response.status_code == 200


def test_a_job_that_fails_after_its_first_event_is_an_event(lab, worker):
    reading = lab.reading("/v1/chat/completions")
    held = first(worker)
    held.say("Ether")
    eventually(lambda: reading.lines)
    held.fail("inference.over_deadline")
    error = reading.events[-1]["error"]
    assert error["type"] == "api_error"
    assert error["code"] == "inference.over_deadline"


def test_a_failure_of_a_job_is_not_tried_again_by_clients(lab, worker):
    reading = lab.reading("/v1/chat/completions", stream=False)
    first(worker).fail("inference.cut_stream")
    assert json.loads(reading.whole()[0])["error"]["code"] == "inference.cut_stream"
    assert reading.response.headers["x-should-retry"] == "false"


# ---------------------------------------------------------------- clients that leave, or are slow


def test_who_leaves_while_waiting_leaves_the_queue(lab, worker):
    with lab.leaving():
        eventually(lambda: states() == ["ready"])
    eventually(lambda: states() == ["cancelled"])
    assert Job.objects.get().error_code == "gpu.cancelled"


def test_who_leaves_without_a_stream_leaves_the_queue_too(lab, worker):
    with lab.leaving(stream=False):
        eventually(lambda: states() == ["ready"])
    eventually(lambda: states() == ["cancelled"])


def test_who_leaves_while_it_streams_stops_the_job(lab, worker):
    with lab.leaving() as link:
        held = first(worker)
        held.say("Ether")
        assert b"Ether" in link.getresponse().readline()
        assert not held.cancelled()
    eventually(held.cancelled)


def test_who_does_not_read_for_long_has_left(lab, worker, monkeypatch):
    monkeypatch.setattr(replying, "SLOWEST_SECONDS", 0.3)
    with lab.leaving():
        held = worker.claim(eventually(worker.ready)[0])
        for _ in range(300):
            held.say("x" * 100_000)
        eventually(held.cancelled)


def test_a_slow_reader_misses_nothing_and_holds_nobody_up(lab, worker):
    words = [f"{number} ".ljust(9000, ".") for number in range(1500)]
    with lab.leaving() as link:
        held = first(worker)
        held.say(words[0])
        response = link.getresponse()
        for word in words[1:]:
            held.say(word)
        held.done()
        assert states() == ["done"]
        said = [json.loads(line) for line in response.read().splitlines()]
    assert "".join(line["message"]["content"] for line in said) == "".join(words)
