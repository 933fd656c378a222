"""Which things that were seen are CIs already."""

import pytest

from adapters.cmdb.already import Ground, differs
from adapters.cmdb.port import CI
from adapters.cmdb.proposals import Thing


def ci(ref, *, name="", host="", retired=False, **attributes):
    return CI(
        ref=ref,
        name=name or ref,
        ci_class="server",
        attributes=attributes,
        impact=2,
        urgency=2,
        user_facing=False,
        lifeline=False,
        host=host,
        source="site",
        managed_by="declaration",
        retired=retired,
    )


GROUND = Ground(
    [
        ci("web-01", name="The web", host="inv-01", hostname="web-01.example", os="Debian 11"),
        ci("old-01", retired=True),
        ci("pve", addresses=["10.0.0.5", "10.0.0.6"]),
        ci("shop", runs_on=["web-01"], unit="shop.service"),
        ci("db-01", unit="postgresql.service"),
        ci("app", host="inv-01", listens=["gunicorn:8000"]),
    ]
)


def host(name):
    return Thing("host", name, "server", attributes={"hostname": name})


def service(name, about="web-01", **attributes):
    return Thing("service", name, "service", about, {"runs_on": [about], **attributes})


@pytest.mark.parametrize(
    "name", ["web-01", "the web", "inv-01", "web-01.example", "10.0.0.6", "pve.anywhere.example"]
)
def test_a_ci_is_known_by_whatever_it_is_called(name):
    assert GROUND.is_one(host(name))


@pytest.mark.parametrize("name", ["web-02", "old-01", "10.0.0.7", "10.0.0", "web-01.example.org.x"])
def test_another_is_none(name):
    known = name.startswith("web-01.")
    assert GROUND.is_one(host(name)) is known


def test_an_address_is_not_known_by_its_first_number():
    assert not Ground([ci("10")]).is_one(host("10.0.0.5"))


@pytest.mark.parametrize(
    ("thing", "known"),
    [
        (service("shop.service"), True),
        (service("Shop.service", "web-01"), True),
        (service("other.service"), False),
        (service("shop.service", "pve"), False),
        (service("postgresql.service", "db-01"), True),
        (service("gone.service", "nowhere"), True),
    ],
    ids=["by its unit", "in capitals", "another", "on another host", "of the host itself", "no CI"],
)
def test_a_service_is_known_where_it_runs(thing, known):
    assert GROUND.is_one(thing) is known


JAVA = service("java:8080/tcp", listens="8080/tcp", process="java")


@pytest.mark.parametrize(
    ("declared", "known"),
    [
        ({"listens": "8080/tcp", "process": "java"}, True),
        ({"listens": "9090/tcp", "process": "java"}, False),
        ({"process": "java"}, False),
        ({"name": "java:8080/tcp"}, True),
        ({"listens": ["10.0.0.5:22", "10.0.0.5:8080"]}, True),
        ({"listens": 8080}, True),
        ({"listens": "8080/udp"}, False),
    ],
    ids=[
        "itself", "its sibling", "a process alone", "by its name", "by address and port", "a port",
        "another protocol",
    ],
)  # fmt: skip
def test_a_listener_is_known_by_its_port_and_never_by_its_process(declared, known):
    assert Ground([ci("web-01"), ci("x", runs_on=["web-01"], **declared)]).is_one(JAVA) is known


def test_what_depends_on_a_host_does_not_run_there():
    ground = Ground([ci("web-01"), ci("x", depends_on=["web-01"], listens="8080/tcp")])
    assert not ground.is_one(JAVA)


@pytest.mark.parametrize(
    ("said", "seen", "otherwise"),
    [
        ("Debian 11", "Debian 12", True),
        ("debian 12 ", "Debian 12", False),
        ("Debian 12", "Debian GNU/Linux 12.5", False),
        ("Debian 1", "Debian GNU/Linux 12.5", True),
        ("6.1.0", "6.1.0-18-amd64", False),
        (None, "Debian 12", False),
        (4, "4", False),
        (["a"], "b", False),
    ],
    ids=[
        "another",
        "written otherwise",
        "less",
        "half a number",
        "a version",
        "nothing said",
        "a number",
        "several",
    ],
)
def test_only_what_is_said_is_contradicted(said, seen, otherwise):
    assert differs(said, seen) is otherwise


def test_an_attribute_is_proposed_where_the_cmdb_says_otherwise():
    seen = Thing("attribute", "os", "", "web-01", {"os": "Debian 12"})
    same = Thing("attribute", "os", "", "web-01", {"os": "Debian 11"})
    unsaid = Thing("attribute", "kernel", "", "web-01", {"kernel": "6.1"})
    gone = Thing("attribute", "os", "", "old-01", {"os": "x"})
    assert [GROUND.is_one(one) for one in (seen, same, unsaid, gone)] == [False, True, True, True]
