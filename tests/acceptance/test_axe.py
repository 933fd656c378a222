"""Every page before axe: no rule of it finds anything, light and dark, at a desk and on a phone."""

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.acceptance.test_pages import Visit, browser, visit  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(600)]

SEEN: tuple[tuple[Literal["light", "dark"], int], ...] = (
    ("light", 1440), ("light", 390), ("dark", 1440), ("dark", 390),
)  # fmt: skip
OF_COLOUR = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What a dark page may do otherwise than the same page in the light."""
SETTLED = "Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null)))"
"""Colours that still fade from one scheme to the other are those of neither."""
OPEN = {"log in": "/login/", "portal, log in": "/portal/login/", "no such page": "/nothing/"}
"""What whoever has not logged in sees."""


def found(page: Page) -> Iterator[str]:
    """Name each node that a rule finds, and the rule, however the page is looked at."""
    for scheme, width in SEEN:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(SETTLED)
        options = OF_COLOUR if scheme == "dark" else None
        for rule in Axe().run(page, options=options).response["violations"]:
            for node in rule["nodes"]:
                yield f"{scheme} {width} {rule['id']} {node['target']}: {node['html'][:160]}"


def test_axe_finds_nothing_on_any_page(visit: Visit) -> None:  # noqa: F811
    page = visit.person().new_page()
    stranger = visit.browser.new_context().new_page()
    wrong: list[str] = []
    for who, pages in ((page, {**visit.own_pages(), **visit.lists()}), (stranger, OPEN)):
        for name, path in pages.items():
            who.goto(visit.address + path)
            wrong += [f"{name}: {node}" for node in found(who)]
    assert not wrong, "\n".join(wrong)


def test_axe_finds_a_button_that_says_nothing(visit: Visit) -> None:  # noqa: F811
    page = visit.person().new_page()
    page.goto(f"{visit.address}/portal/")
    page.evaluate(
        "document.querySelector('h1').insertAdjacentHTML('afterend', '<button></button>')"
    )
    assert any("button-name" in node for node in found(page))


def test_axe_finds_dark_words_on_a_dark_page(visit: Visit) -> None:  # noqa: F811
    page = visit.person().new_page()
    page.goto(f"{visit.address}/portal/")
    page.evaluate("document.querySelector('h1').style.color = '#333'")
    wrong = [node for node in found(page) if "color-contrast" in node]
    assert [node.split()[0] for node in wrong] == ["dark", "dark"]
