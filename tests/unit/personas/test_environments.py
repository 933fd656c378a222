"""Which environment a run is at work in: by the CI, else by its class, else operations."""

import pytest

from adapters.environments import DeclaredEnvironment
from personas.environments import Map, one_of

BY = Map(cis={"ray-dev": "gpu", "robot": "ros"}, classes={"ray_cluster": "torch", "log": "gpu"})


@pytest.mark.parametrize(
    ("cis", "found"),
    [
        ([("ray-prod", "ray_cluster")], "torch"),
        ([("ray-dev", "ray_cluster")], "gpu"),
        ([("ray-dev", "ray_cluster"), ("syslog", "log")], "gpu"),
        ([("robot", "service"), ("web-01", "service")], "ros"),
        ([("robot", "service"), ("ray-dev", "ray_cluster")], "operations"),
        ([("web-01", "service")], "operations"),
        ([], "operations"),
    ],
    ids=["class", "ci before class", "both", "one has none", "of several", "of none", "no CI"],
)
def test_a_run_is_where_its_cis_are(cis, found):
    assert one_of(BY.of(cis)) == found


@pytest.mark.parametrize(
    ("name", "said", "bounds"),
    [
        ("torch.dev.gpu", {}, (4, 100)),
        ("operations", {}, (32, 1000)),
        ("torch.dev.gpu", {"at_once": 1}, (1, 100)),
        ("operations", {"queued": 7}, (32, 7)),
    ],
)
def test_what_is_not_said_is_usual(name, said, bounds):
    assert DeclaredEnvironment(name=name, **said).bounds == bounds
