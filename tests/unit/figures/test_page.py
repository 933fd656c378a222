"""The reference page against the code."""

import re

from ethops.api.itil_metrics import ItilCollector
from ethops.env import CLONE
from ethops.figures.arithmetic import Share
from ethops.figures.report import Counts, Durations, Report, Shares
from tests.unit.figures.test_arithmetic import at

PAGE = (CLONE / "docs/reference/figures-itil.md").read_text(encoding="utf-8")


def test_every_metric_and_its_labels_are_on_the_page():
    none, never = Shares(Share(), Share(), Share(), Share()), Durations(None, None, None)
    collector = ItilCollector()
    collector.last = Report(
        since=at(0), until=at(1), days=30, cut=False, counts=Counts(*[0] * 8), detect=None,
        acknowledge=never, repair=never, healed_alone=None, reopened=none, came_back=none,
        changes=none, first_time_right=[], promises=[],
    )  # fmt: skip
    collector.read_at = float("inf")
    made = {one.name: ", ".join(vars(one)["_labelnames"]) for one in collector.collect()}
    said = dict(re.findall(r"^\| `(ethops_itil_\w+)` \| ([a-z, ]+) \|", PAGE, re.MULTILINE))
    assert said == made
