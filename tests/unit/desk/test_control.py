"""The threads beside the control worker's tasks: again after every error, and quiet about it."""

import logging
import threading

import pytest
import redis
from django.db import OperationalError

from ethops import control

AWAY = redis.ConnectionError("Connection refused.")


@pytest.fixture
def kept(monkeypatch, caplog):
    """`kept(faults)`: a body that meets these, one each time, and ends; returns what was said."""
    monkeypatch.setattr(control, "RETRY_SECONDS", 0.0)
    caplog.set_level(logging.INFO)

    def run(*faults):
        left = list(faults)

        def body(stop):
            if not left:
                stop.set()
                return
            raise left.pop(0)

        control.keep("events", body, threading.Event())
        return [
            (record.levelname, bool(record.exc_info))
            for record in caplog.records
            if record.name == control.__name__
        ]

    return run


def test_that_a_server_is_away_is_said_once_in_a_line(kept):
    assert kept(*[AWAY] * 5) == [("WARNING", False)]


def test_each_server_that_is_away_is_said(kept):
    assert kept(AWAY, AWAY, OperationalError("gone"), AWAY) == [("WARNING", False)] * 3


def test_a_fault_of_ours_is_told_whole_each_time(kept):
    assert kept(ValueError("odd"), ValueError("odd")) == [("ERROR", True)] * 2


def test_that_it_is_away_again_is_said_again(kept, monkeypatch):
    monkeypatch.setattr(control, "CALM_SECONDS", -1.0)
    assert kept(AWAY, AWAY) == [("WARNING", False)] * 2
