"""One demo from its title to its last line."""

import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from django.db import connections

from audit.ledger import verification
from ethops.demo import ending, facts, world
from ethops.demo.parts import cast
from ethops.demo.places import DemoPorts, Places
from ethops.demo.scenario import Scenario
from ethops.demo.screen import Progress
from ethops.demo.world import World
from ethops.desk import senders
from ethops.stack.checks import refuse_faults
from ethops.stack.layout import Layout
from ethops.stack.progress import Line, Mark
from ethops.stack.screen import Screen, shown
from ethops.stack.supervisor import Supervisor

SENDER: Final = "demo alertmanager"
RECORD_SECONDS: Final = 10.0


@dataclass(slots=True)
class Demo:
    """Starts a stack and a small site, runs the scenario, and says what was proven."""

    screen: Screen
    layout: Layout
    places: Places
    ports: DemoPorts
    keep: bool
    patience_s: float
    began: float
    """On the monotonic clock."""
    _supervisor: Supervisor = field(init=False)
    _ended_early: bool = False

    def __post_init__(self) -> None:
        """Nothing is started yet."""
        self._supervisor = Supervisor(self.layout, check=refuse_faults)

    def run(self) -> bool:
        """Run it all; True if all five parts and the ledger were proven.

        Raises:
            StackError: it could not begin; nothing is left running.
        """
        facts_said = [f"state in {shown(self.layout.state)}", "stop with Ctrl-C"]
        self.screen.title("ethops demo", facts_said)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._end_early)
        site = World(self.places, self.ports)
        with ExitStack() as stack:
            keeper = site.start()
            stack.callback(keeper.wait, timeout=10)
            stack.callback(keeper.stdin.close if keeper.stdin else keeper.kill)
            stack.callback(self._stop)
            self._supervisor.start(self.screen.line)
            happened = self._perform(site)
            if self.keep and not self._ended_early:
                self._supervisor.follow(self.screen.line)
        return happened

    def _perform(self, site: World) -> bool:
        self.screen.gap()
        deliver = partial(_deliver, port=self.ports.stack.web, token=senders.create(SENDER))
        progress = Progress(self.screen, self.began)
        scenario = Scenario(cast(site, deliver), progress.show, self._is_ended, self.patience_s)
        try:
            all_five = scenario.run()
        finally:
            progress.end(scenario.standings)
        if self._ended_early:
            self.screen.verdict("Stopped before its end.", "Nothing is proven.")
            return False
        whole = self._check_ledger()
        seconds = time.monotonic() - self.began
        ending.say(
            self.screen,
            scenario.standings,
            ending.Result(all_five, whole, seconds, self.keep, self.layout),
        )
        connections.close_all()
        return all_five and whole

    def _check_ledger(self) -> bool:
        """Walk the whole chain once everything that happened stands in it."""
        end = time.monotonic() + RECORD_SECONDS
        while facts.counts().unrecorded and time.monotonic() < end:
            time.sleep(0.1)
        began = time.monotonic()
        report = verification.check()
        said = "whole" if report.whole else f"broken: {'; '.join(report.findings[:3])}"
        mark = Mark.OK if report.whole else Mark.NO
        self.screen.gap()
        fact = f"{report.entries} entries, {said}"
        self.screen.line(Line(mark, "ledger", fact, time.monotonic() - began))
        return report.whole

    def _is_ended(self) -> bool:
        return self._ended_early

    def _end_early(self, *_: object) -> None:
        self._ended_early = True
        self._supervisor.request_stop()

    def _stop(self) -> None:
        connections.close_all()
        self._supervisor.stop()


def _deliver(body: Mapping[str, Any], *, port: int, token: str) -> None:
    world.deliver(body, port=port, token=token)
