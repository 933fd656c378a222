"""The reference page against the code."""

import re
from pathlib import Path

import pytest
from drf_spectacular.generators import SchemaGenerator

from ethops.api import routes
from ethops.api.problems import REQUEST_CODES, STATUS_OF

REPOSITORY = Path(__file__).resolve().parents[3]
PAGE = (REPOSITORY / "docs/reference/api.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([^`]+)` \| ((?:GET|POST)[^|]*) \|", PAGE, re.MULTILINE)


def described():
    """Return path -> methods, of every path with a schema."""
    paths = SchemaGenerator(patterns=routes.urlpatterns).get_schema(public=True)["paths"]
    return {
        path.removeprefix("/v1/"): {method.upper() for method in ways}
        for path, ways in paths.items()
    }


def test_every_path_is_on_the_page_with_its_methods():
    on_the_page = {path: set(methods.split(", ")) for path, methods in ROWS}
    known = described() | {"webhooks/alertmanager": {"POST"}, "schema": {"GET"}}
    assert on_the_page == known


@pytest.mark.parametrize("name", sorted(routes.SHELVES))
def test_every_filter_is_on_the_page(name):
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    said = re.search(r"filters `([^`]*)`", row)
    assert set(said[1].split() if said else []) == set(routes.SHELVES[name].filters)


@pytest.mark.parametrize("code", sorted({*STATUS_OF, *REQUEST_CODES.values()}))
def test_every_code_is_on_the_page(code):
    assert f"| {code} | {STATUS_OF.get(code, '')}" in PAGE
