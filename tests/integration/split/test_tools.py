"""What systemd, nft and sudo themselves say of the files, and the kernel of the packet filter."""

import multiprocessing
import os
import shutil
import subprocess
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
import pytest

from adapters.cmdb.port import Inventory
from ethops.split import egress, plan
from ethops.stack.layout import Layout
from tests.unit.split.house import HOST, RESTART, SHOP

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root parts users from each other")


def tool(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        pytest.skip(f"this machine has no {name}: what it says of our files is not known here")
    return found


@pytest.fixture
def laid(tmp_path):
    layout = Layout(
        tmp_path / "state",
        database_url="postgresql://192.0.2.1:5432/ethops",
        redis_url="redis://127.0.0.1:6379/0",
    )
    inventory = Inventory(hosts=(HOST,), cis=(SHOP,))
    for one in plan.laid(layout, inventory, {"restart": RESTART}):
        path = tmp_path / "laid" / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(one.text)
        path.chmod(one.mode)
    return tmp_path / "laid"


def said(*words: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        [*map(str, words)], check=False, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def test_systemd_takes_each_unit(laid):
    units = sorted((laid / "etc/systemd/system").glob("ethops*"))
    code, words = said(tool("systemd-analyze"), "verify", "--man=no", *units)
    ours = [line for line in words.splitlines() if "ethops" in line]
    assert (code, ours) == (0, [])


@pytest.mark.parametrize("name", ["agent", "web", "recorder"])
def test_systemd_calls_what_does_not_act_well_shut_off(laid, name):
    unit = laid / f"etc/systemd/system/ethops-{name}.service"
    words = ("security", "--offline=yes", "--threshold=30", unit)
    code, told = said(tool("systemd-analyze"), *words)
    assert code == 0, told[-300:]


@ROOT
def test_systemd_makes_the_users(laid, tmp_path):
    made = tmp_path / "made"
    (made / "etc").mkdir(parents=True)
    file = laid / "etc/sysusers.d/ethops.conf"
    code, words = said(tool("systemd-sysusers"), f"--root={made}", file)
    assert code == 0, words
    users = [line.split(":")[0] for line in (made / "etc/passwd").read_text().splitlines()]
    assert {"ethops-agent", "ethops-exec", "ethops-audit"} <= set(users)


def test_sudo_takes_each_fragment(laid):
    fragment = laid / "hosts/web-1/etc/sudoers.d/ethops"
    code, words = said(tool("visudo"), "-c", "-f", fragment)
    assert code == 0, words


REACH = """
import os, socket, sys
os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
def reach(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        try:
            out.connect((address, 53)); out.send(b"x"); out.send(b"x")
        except OSError as fault:
            return type(fault).__name__
    return "sent"
print(*map(reach, sys.argv[2:]))
"""
CLOSED, OTHER = 64123, 64124


@ROOT
def test_the_kernel_lets_an_agent_out_to_the_database_alone(tmp_path):
    rules = tmp_path / "rules.nft"
    rules.write_text(egress.ruleset(["192.0.2.1"], [str(CLOSED)]))
    script = (
        "ip link set lo up && ip link add d0 type veth peer name d1"
        " && ip addr add 192.0.2.9/24 dev d0"
        " && ip link set d0 up && ip link set d1 up && ip route add default dev d0"
        f" && {tool('nft')} -f {rules} && "
        + " && ".join(
            f"{tool('python3')} -c '{REACH}' {user} 127.0.0.1 192.0.2.1 198.51.100.1"
            for user in (CLOSED, OTHER)
        )
    )
    tool("ip")
    if said(tool("unshare"), "--net", "true")[0]:
        pytest.skip("no network namespace may be made here: the packet filter was not tried")
    code, words = said(tool("unshare"), "--net", "sh", "-c", script)
    assert code == 0, words
    closed, other = (line.split() for line in words.splitlines())
    # Nobody listens on loopback: refused there means that it got there.
    assert (closed[1:], other[1:]) == (["sent", "PermissionError"], ["sent", "sent"])


AS_USER = """
import os, sys
os.chdir(sys.argv[2])
os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
for path in sys.argv[3:]:
    try:
        open(path).read(); print("read")
    except PermissionError:
        print("refused")
"""


@ROOT
def test_no_user_reads_what_the_others_are_told(laid):
    files = [path.relative_to(laid) for path in sorted(laid.glob("etc/ethops/*.env"))]
    everybodys = "etc/sysusers.d/ethops.conf"
    code, words = said(tool("python3"), "-c", AS_USER, str(CLOSED), laid, everybodys, *files)
    assert (code, words.split()) == (0, ["read", *["refused"] * len(files)]), words


def _becomes(user: int, doors: dict[str, str], kept: Path, out: Connection) -> None:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    found = {}
    for name, dsn in doors.items():
        try:
            with psycopg.connect(dsn, connect_timeout=5) as link:
                found[name] = link.execute("SELECT current_user").fetchone()[0]
        except psycopg.OperationalError:
            found[name] = "refused"
    try:
        found["secrets"] = kept.read_text()
    except PermissionError:
        found["secrets"] = "refused"
    out.send(found)


@ROOT
@pytest.mark.parametrize("role", ["agent", "app", "executor", "gpu", "audit_writer"])
def test_a_user_of_its_own_has_its_role_and_no_other(clean_db, servers, database_name, role):
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    own = servers.dsn(f"ethops_{role}", database_name)
    doors = {
        "its role": own,
        "another's role": own.replace(f"ethops_{role}", "ethops_owner"),
        "superuser": servers.superuser_dsn(),
    }
    kept = servers.layout.state / "secrets.json"
    arguments = (CLOSED, doors, kept, theirs)
    child = context.Process(target=_becomes, args=arguments)
    child.start()
    assert ours.poll(30)
    found = ours.recv()
    child.join(10)
    refused = dict.fromkeys(("another's role", "superuser", "secrets"), "refused")
    assert found == {"its role": f"ethops_{role}", **refused}
