"""Events on the stream: each at least once, known by id, again after a loss."""

import json

import pytest
import redis

from ethops.desk import agent_stream
from personas.agentops.events import MOST_KEPT, STREAM
from personas.agentops.models import AgentEvent
from tests.integration.personas.conftest import World
from tests.integration.personas.conftest import world as _world
from tests.waiting import eventually

world = _world


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as link:
        yield link


def end_one(world: World) -> str:
    run = world.run("web-01")
    step = world.step()
    world.propose(step, "playbook.run", "restart", "web-01")
    world.finish(step, "done")
    return str(run)


def told(client):
    return [json.loads(fields[b"event"]) for _, fields in client.xrange(STREAM)]


def test_an_ended_run_is_told_once(world, client):
    run = end_one(world)
    assert agent_stream.send_once(client) == 1
    assert agent_stream.send_once(client) == 0
    assert [event["session_id"] for event in told(client)] == [run]


def test_runs_are_told_in_the_order_in_which_they_ended(world, client):
    runs = [end_one(world) for _ in range(3)]
    agent_stream.send_once(client)
    assert [event["session_id"] for event in told(client)] == runs


def test_what_redis_lost_is_told_again_under_the_same_id(world, client):
    end_one(world)
    agent_stream.send_once(client)
    before = told(client)
    client.flushdb()
    assert agent_stream.send_once(client) == 1
    assert told(client) == before


def test_after_an_interrupted_loss_nothing_is_missing(world, client):
    for _ in range(2):
        end_one(world)
    agent_stream.send_once(client)
    client.delete(STREAM)
    end_one(world)
    agent_stream.send_once(client)
    ids = {event["event_id"] for event in told(client)}
    assert ids == {str(one) for one in AgentEvent.objects.values_list("event_id", flat=True)}


def test_what_was_taken_away_is_taken_from_the_stream(world, client):
    run = world.run("web-01")
    world.propose(world.step(), "playbook.run", "restart", "web-01")
    world.record()
    claim = world.claim()
    world.value("owner", "SELECT gate.end_run(%s, 'cancelled', 'ada', '')", run)
    agent_stream.send_once(client)
    world.settle(claim)
    digest = world.value("app", "SELECT args_digest FROM personas_action WHERE run_id = %s", run)
    world.value("app", "SELECT gate.redact(%s, 'ada', 'why not')", digest)
    agent_stream.send_once(client)
    assert b"/run/web.pid" not in b"".join(fields[b"event"] for _, fields in client.xrange(STREAM))
    assert [event["revision"] for event in told(client)] == [3]


def test_the_stream_is_bounded(world, client):
    end_one(world)
    for _ in range(MOST_KEPT + 500):
        client.xadd(STREAM, {"event_id": "x"})
    agent_stream.send_once(client)
    assert client.xlen(STREAM) <= MOST_KEPT + 200


def test_without_redis_nothing_is_marked_as_sent(world, client):
    end_one(world)
    with (
        redis.Redis.from_url("redis://127.0.0.1:1/0") as away,
        pytest.raises(redis.ConnectionError),
    ):
        agent_stream.send_once(away)
    assert AgentEvent.objects.filter(published_at=None).count() == 1


@pytest.mark.processes
def test_the_control_worker_tells_within_seconds(world, client, start_process):
    start_process("control")
    run = end_one(world)
    assert eventually(lambda: told(client), seconds=60)[0]["session_id"] == run
