"""The reference page against the code."""

import re

from ethops.api.itil_metrics import ItilCollector
from ethops.env import CLONE
from ethops.figures.arithmetic import Share
from ethops.figures.report import Counts, Durations, Report, Shares
from tests.unit.figures.test_arithmetic import at

PAGE = (CLONE / "docs/reference/figures-itil.md").read_text(encoding="utf-8")


def test_every_metric_and_its_labels_are_on_the_page():
    none = Shares(Share(), Share(), Share(), Share())
    collector = ItilCollector()
    collector.last = Report(
        at(0), at(1), 30, *[False], Counts(*[0] * 8), None, Durations(None, None, None),
        Durations(None, None, None), None, none, none, none, [], [],
    )  # fmt: skip
    collector.read_at = float("inf")
    made = {metric.name: ", ".join(metric._labelnames) for metric in collector.collect()}
    said = dict(re.findall(r"^\| `(ethops_itil_\w+)` \| ([a-z, ]+) \|", PAGE, re.MULTILINE))
    assert said == made
