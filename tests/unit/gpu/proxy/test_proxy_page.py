"""The reference page against the code."""

import ast
import re
from typing import Any

import pytest

from ethops.env import CLONE
from gpu.proxy import app, catalogue, headers, limits, listing, replying
from gpu.proxy.channels import key
from gpu.proxy.endings import ENDINGS
from gpu.rows import DEADLINE_SECONDS
from gpu.worker import channel
from tests.unit.gpu.proxy.made import ID

PAGE = (CLONE / "docs/reference/proxy.md").read_text(encoding="utf-8")
ADDRESSES = dict(re.findall(r"^\| `(/[^`]+)` \| ([A-Z, ]+) \|", PAGE, re.MULTILINE))
FAULTS = re.findall(r"^\| (\d+) \| `([a-z_.]+)`", PAGE, re.MULTILINE)
CODES = {code: int(status) for status, code in FAULTS}
HEADERS = set(re.findall(r"^\| `([A-Z][A-Za-z]*-[A-Za-z-]+)` \|", PAGE, re.MULTILINE))


def refusals():
    """Return code -> statuses of every refusal that is raised in the proxy."""
    found: dict[str, set[int]] = {}
    for path in (CLONE / "gpu/proxy").glob("*.py"):
        node: Any
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "id", "")
            if name != "RefusedError" or not isinstance(node.args[0], ast.Constant):
                continue
            said = {each.arg: each.value for each in node.keywords}
            kind = said.get("kind")
            code = str(kind.value) if isinstance(kind, ast.Constant) else "invalid_request"
            found.setdefault(code, set()).add(int(str(node.args[0].value)))
    return found


def test_every_address_is_on_the_page_with_its_methods():
    known = {
        route.path: (route.methods or set()) - {"HEAD"} or route.methods for route in app.routes
    }
    shown = {path: set(how.split(", ")) - {"HEAD"} for path, how in ADDRESSES.items()}
    assert shown == known


def test_every_refusal_is_on_the_page_with_its_status():
    # 499 has nobody left to read it; 404 and 405 are the router's own.
    raised = {code: seen for code, seen in refusals().items() if code != "gone"}
    assert {c: {CODES.get(c)} for c in raised} == raised
    router = {"no_such_address", "wrong_method"}
    assert set(CODES) == set(raised) | router | set(ENDINGS)


def test_every_ending_is_on_the_page_with_its_status():
    assert {code: CODES.get(code) for code in ENDINGS} == {
        code: ending.status for code, ending in ENDINGS.items()
    }


def test_every_header_is_on_the_page():
    ours = {value for value in vars(headers).values() if str(value).startswith("X-")}
    assert ours | {headers.NEVER_AGAIN[0], "Retry-After", "WWW-Authenticate"} == HEADERS


@pytest.mark.parametrize(
    "said",
    [
        f"within {catalogue.FRESH_SECONDS:.0f} seconds",
        f"over {limits.LARGEST_BODY // 2**20} MiB",
        f"{limits.MOST_INPUTS} texts at most",
        f"over {limits.DEEPEST} levels",
        f"a token for {limits.BYTES_PER_TOKEN} bytes",
        f"{limits.IMAGE_TOKENS} for an image",
        f"every {replying.WAITING_SECONDS:.0f} seconds",
        f"spoken, {listing.API_VERSION}",
        f"waits and runs {DEADLINE_SECONDS['ops']:.0f} seconds at most",
    ],
)
def test_every_figure_is_that_of_the_code(said):
    assert said in " ".join(PAGE.split())


def test_the_channel_has_one_name_on_both_sides():
    assert key(ID) == channel.key(ID)
