"""Notices reach the declared target, and nobody else."""

import json
import subprocess
import sys

import httpx
import pytest

from ethops.env import CLONE
from tests.integration.executor.conftest import wait_until


@pytest.fixture
def inbox(bench, settings, unused_tcp_port):
    """The demo's inbox as the declared target; yields its box."""
    box = bench.folder / "box.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "ethops.demo.sink", "--port", str(unused_tcp_port), "--box", box],
        cwd=CLONE,
    )
    bench.inbox = f"http://127.0.0.1:{unused_tcp_port}/ops"
    declared = {"notify": {"kind": "http", "url": bench.inbox}}
    settings.ETHOPS_SITE.write_text(json.dumps(declared))

    def answers():
        try:
            return httpx.get(bench.inbox, trust_env=False).status_code
        except httpx.HTTPError:
            return 0

    wait_until(answers)
    yield box
    process.kill()
    process.wait()


def order(bench, target, title="P1 INC-00001: Größe"):
    args = {"kind": "http", "target": target, "title": title, "text": "Look.\nNow."}
    row = bench.ask("app", "SELECT gate.order_notice('test', 'k', '', %s) AS id", json.dumps(args))
    bench.record()
    return row["id"]


def test_a_notice_arrives_with_its_key_and_words(bench, inbox):
    action = order(bench, bench.inbox)
    bench.worker().drain("executor.light")
    (arrived,) = [json.loads(line) for line in inbox.read_text().splitlines()]
    assert bench.action(action)["outcome"] == "done"
    assert (arrived["key"], arrived["title"], arrived["text"]) == (
        str(action),
        "P1 INC-00001: Größe",
        "Look.\nNow.",
    )


def test_a_target_that_the_site_does_not_name_is_told_nothing(bench, inbox):
    action = order(bench, bench.inbox + "/elsewhere")
    bench.worker().drain("executor.light")
    row = bench.action(action)
    assert (row["result"]["code"], inbox.exists()) == ("executor.target_refused", False)


def test_a_target_where_nobody_answers_is_a_failure_that_says_so(bench):
    action = order(bench, bench.inbox)
    bench.worker().drain("executor.light")
    assert bench.action(action)["result"]["code"] == "executor.undelivered"


def test_a_notice_in_doubt_is_told_again_and_arrives_once(bench, inbox, monkeypatch):
    from ethops.executor import worker

    action = order(bench, bench.inbox)
    with monkeypatch.context() as crash:
        crash.setattr(worker, "_settlement", lambda *_: None)
        bench.worker().drain("executor.light")
    bench.lose_lease(action)
    bench.worker().drain("executor.light")
    assert (bench.action(action)["outcome"], len(inbox.read_text().splitlines())) == ("done", 1)
