"""Notices reach the declared target, and nobody else."""

import json
import socketserver
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import httpx
import pytest

from ethops.env import CLONE
from ethops.executor import registry, targets
from ethops.executor.errors import StoppedError
from ethops.executor.notices import Notify
from tests.doubles.anchors import served
from tests.waiting import eventually


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

    eventually(answers)
    yield box
    process.kill()
    process.wait()


@contextmanager
def serving(handler):
    """A server of this process with this handler; yields its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def answering(bench, settings):
    """`answering([503, 200])` is the declared target that answers so, one after the other."""
    with ExitStack() as stack:

        def begin(statuses):
            waiting = iter(statuses)
            url = stack.enter_context(served(lambda _path, _body: (next(waiting), b"")))
            bench.inbox = f"{url}/ops"
            declared = {"notify": {"kind": "http", "url": bench.inbox}}
            settings.ETHOPS_SITE.write_text(json.dumps(declared))

        yield begin


@pytest.fixture
def mailing(settings):
    """`mailing("451 later")` is the mail server, which answers so to every recipient."""
    with ExitStack() as stack:

        def begin(answer):
            class Mail(socketserver.StreamRequestHandler):
                def handle(self):
                    said = {b"RCPT": answer, b"DATA": "354 go on", b"QUIT": "221 bye"}
                    self.say("220 here")
                    body = False
                    for line in self.rfile:
                        word = said.get(line[:4].upper(), "250 ok")
                        if body and line != b".\r\n":
                            continue
                        body = word.startswith("354")
                        if not word:
                            return
                        self.say(word)

                def say(self, word):
                    self.wfile.write(f"{word}\r\n".encode())

            settings.ETHOPS_SMTP_URL = f"smtp://127.0.0.1:{stack.enter_context(serving(Mail))}"
            declared = {"notify": {"kind": "mail", "to": "ops@example.org"}}
            settings.ETHOPS_SITE.write_text(json.dumps(declared))

        yield begin


def order(bench, target, title="P1 INC-00001: Größe", kind="http"):
    args = {"kind": kind, "target": target, "title": title, "text": "Look.\nNow."}
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


def test_a_target_where_nobody_answers_is_tried_again_soon(bench):
    action = order(bench, bench.inbox)
    bench.worker().drain("executor.light")
    row = bench.ask(
        "owner", "SELECT state, lease_until - now() AS left FROM audit_work WHERE id = %s", action
    )
    assert (row["state"], row["left"] < timedelta(seconds=6)) == ("leased", True)


def test_a_target_where_nobody_ever_answers_is_a_failure_that_says_so(bench):
    action, found = order(bench, bench.inbox), bench.worker()
    for _ in range(3):
        found.drain("executor.light")
        bench.lose_lease(action)
    found.drain("executor.light")
    row = bench.action(action)
    assert (row["outcome"], row["attempts"], row["result"]["code"]) == (
        "failed",
        3,
        "executor.undelivered",
    )
    assert row["result"]["said"].startswith(f"nobody answers at {bench.inbox}")


def test_a_target_that_is_back_is_told(bench, answering):
    answering([503, 200])
    action, found = order(bench, bench.inbox), bench.worker()
    found.drain("executor.light")
    bench.lose_lease(action)
    found.drain("executor.light")
    row = bench.action(action)
    assert (row["outcome"], row["attempts"]) == ("done", 2)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *((status, "leased") for status in (408, 429, 500, 503)),
        *((status, "failed") for status in (301, 400, 403, 404)),
    ],
)
def test_a_refusal_that_passes_is_no_failure_yet(bench, answering, status, state):
    answering([status])
    action = order(bench, bench.inbox)
    bench.worker().drain("executor.light")
    assert bench.action(action)["state"] == state, bench.action(action)["result"]


@pytest.mark.parametrize(
    ("answer", "state"),
    [("250 ok", "done"), ("451 later", "leased"), ("550 never", "failed"), ("", "leased")],
    ids=["taken", "not now", "refused", "broken off"],
)
def test_a_mail_server_says_whether_its_refusal_passes(bench, mailing, answer, state):
    mailing(answer)
    action = order(bench, "ops@example.org", kind="mail")
    bench.worker().drain("executor.light")
    assert bench.action(action)["state"] == state, bench.action(action)["result"]


def test_a_mail_server_that_is_away_is_tried_again(bench, mailing, settings, unused_tcp_port):
    mailing("250 ok")
    settings.ETHOPS_SMTP_URL = f"smtp://127.0.0.1:{unused_tcp_port}"
    action = order(bench, "ops@example.org", kind="mail")
    bench.worker().drain("executor.light")
    assert bench.action(action)["state"] == "leased"


def test_a_notice_in_doubt_is_told_again_and_arrives_once(bench, inbox, monkeypatch):
    from ethops.executor import worker

    action = order(bench, bench.inbox)
    with monkeypatch.context() as crash:
        crash.setattr(worker, "_settlement", lambda *_: None)
        bench.worker().drain("executor.light")
    bench.lose_lease(action)
    bench.worker().drain("executor.light")
    assert (bench.action(action)["outcome"], len(inbox.read_text().splitlines())) == ("done", 1)


@pytest.mark.parametrize("kind", ["http", "mail"])
def test_a_stop_while_the_database_says_whom_to_tell_stops_the_telling(
    bench, answering, mailing, monkeypatch, kind
):
    answering([]) if kind == "http" else mailing("250 ok")
    slow = targets.declared

    def press():
        (bench.folder / "state" / "STOP").touch()
        return slow()

    notify = Notify(press, targets.is_party, targets.shape)
    monkeypatch.setitem(registry.EFFECTS, "notify", notify)
    to = bench.inbox if kind == "http" else "ops@example.org"
    action = order(bench, to, kind=kind)
    bench.worker().drain("executor.light")
    assert bench.action(action)["result"]["code"] == StoppedError.code
