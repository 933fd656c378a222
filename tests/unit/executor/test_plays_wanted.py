"""No wake-up for plays is lost, and never do more than two run at once."""

import threading
from functools import partial

import pytest

from ethops.executor import worker
from tests.waiting import PATIENCE_SECONDS, eventually


class Queue:
    """Stands for the database's queue: each drain empties it, one thing at a time."""

    def __init__(self, count):
        self.left = count
        self.running = 0
        self.most = 0
        self.lock = threading.Lock()
        self.go_on = threading.Event()

    def take(self):
        with self.lock:
            if not self.left:
                return False
            self.left -= 1
            self.running += 1
            self.most = max(self.most, self.running)
        return True

    def runs(self, number):
        return self.running == number

    def drain(self, queue):  # noqa: ARG002 - there is one
        while self.take():
            self.go_on.wait(PATIENCE_SECONDS)
            with self.lock:
                self.running -= 1


@pytest.fixture
def queue(monkeypatch):
    found = Queue(5)
    monkeypatch.setattr(worker, "worker", lambda: found)
    return found


def test_two_run_at_once_and_nothing_is_left(queue):
    threads = [threading.Thread(target=worker.drain_plays) for _ in range(6)]
    for thread in threads:
        thread.start()
    queue.go_on.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert (queue.left, queue.running, queue.most <= worker.MOST_PLAYS) == (0, 0, True)


def test_a_wake_up_that_finds_no_room_is_served_by_who_finishes(queue):
    queue.left = 2
    busy = [threading.Thread(target=worker.drain_plays) for _ in range(2)]
    for number, thread in enumerate(busy, 1):
        thread.start()
        # Whose call comes before the other looks is served by the other, who takes one at a time.
        eventually(partial(queue.runs, number))
    late = threading.Thread(target=worker.drain_plays)
    late.start()
    late.join(PATIENCE_SECONDS)
    queue.left += 1
    queue.go_on.set()
    for thread in busy:
        thread.join(PATIENCE_SECONDS)
    assert queue.left == 0
