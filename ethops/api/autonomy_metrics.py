"""What Prometheus reads of autonomy: the stop, the breaker, levels and verdicts."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ethops.world import autonomy, house
from ethops.world.autonomy import Triple


class AutonomyCollector(Collector):
    """Reads the rows whenever somebody asks."""

    def collect(self) -> Iterator[Metric]:
        """Return every metric; a dozen queries."""
        stopped = GaugeMetricFamily("ethops_stopped", "1 while the stop is pressed.")
        stopped.add_metric([], house.stop().stopped)
        yield stopped
        yield from breaker_gauges()
        yield from triple_gauges(autonomy.triples())
        yield from calibration_gauges()


def breaker_gauges() -> Iterator[Metric]:
    """Return where the breaker stands, and what went wrong lately."""
    now = autonomy.breaker()
    is_open = GaugeMetricFamily(
        "ethops_breaker_open", "1 while no agent may change anything; 0.5 while it tries."
    )
    is_open.add_metric([], {"closed": 0.0, "half_open": 0.5, "open": 1.0}[now.breaker.state])
    seen = GaugeMetricFamily(
        "ethops_breaker_anomalies", "What went wrong within its window.", labels=["rule"]
    )
    most = GaugeMetricFamily("ethops_breaker_bearable", "How much opens it.", labels=["rule"])
    for one in now.anomalies:
        seen.add_metric([one.rule], one.seen)
        most.add_metric([one.rule], one.most)
    yield from (is_open, seen, most)


def triple_gauges(triples: list[Triple]) -> Iterator[Metric]:
    """Return the level of each triple, and its verdicts."""
    labels = ["card", "entry", "ci_class"]
    level = GaugeMetricFamily("ethops_autonomy_level", "1 at its level.", labels=[*labels, "level"])
    judged = GaugeMetricFamily(
        "ethops_autonomy_verdicts", "Verdicts on changes.", labels=[*labels, "verdict"]
    )
    for one in triples:
        key = [one.card, one.entry, one.ci_class]
        level.add_metric([*key, one.level], 1)
        for name in ("right", "wrong", "unknown", "healed_alone"):
            judged.add_metric([*key, name], getattr(one.figures, name))
    yield from (level, judged)


def calibration_gauges() -> Iterator[Metric]:
    """Return each engine's figures; what nobody knows has no sample."""
    labels = ["card", "engine"]
    made = {
        "outcomes": GaugeMetricFamily(
            "ethops_calibration_outcomes", "Outcomes that count.", labels=labels
        ),
        "brier": GaugeMetricFamily("ethops_calibration_brier", "Brier score.", labels=labels),
        "ece": GaugeMetricFamily("ethops_calibration_ece", "Calibration error.", labels=labels),
        "over": GaugeMetricFamily("ethops_calibration_over", "Surer than right.", labels=labels),
    }
    for one in autonomy.calibrations():
        for name, metric in made.items():
            value = getattr(one.standing, name)
            if value is not None:
                metric.add_metric([one.card, one.engine], value)
    yield from made.values()
