"""Files at the portal in a real browser on a phone, without script: kept, refused, and saved."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.acceptance.test_pages import browser, visit  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(300)]

SMALL = {"name": "smoke.png", "mimeType": "image/png", "buffer": b"smoke"}
LARGE = 12 * 1024 * 1024


def test_a_requester_attaches_files_and_saves_them(visit, tmp_path):  # noqa: F811
    large = tmp_path / "film.bin"
    large.write_bytes(b"x" * LARGE)
    page = visit.person(width=390, java_script_enabled=False).new_page()
    page.goto(f"{visit.address}/portal/new/")
    page.fill("input[name=title]", "Smoke in room 4")
    page.fill("textarea[name=description]", "It began at noon.")
    page.select_option("select[name=hinders]", "slow")
    page.set_input_files("input[type=file]", large)
    page.click("text=Send it to the desk")
    expect(page.locator("#files-wrong")).to_contain_text("This is more than 10.0")
    assert page.input_value("textarea[name=description]") == "It began at noon."
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_input_files("input[type=file]", [SMALL, {**SMALL, "name": "second.png"}])
    page.click("text=Send it to the desk")
    expect(page.locator("h1")).to_have_text("Smoke in room 4")
    expect(page.locator("section[aria-labelledby=files] li")).to_have_count(2)
    page.set_input_files("input[type=file]", {**SMALL, "name": "<b>third.svg"})
    page.click("text=Send your answer")
    expect(page.locator("section[aria-labelledby=files] li")).to_have_count(3)
    expect(page.locator(".talk")).to_contain_text("Attached <b>third.svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with page.expect_download() as saved:
        page.click("section[aria-labelledby=files] a >> nth=0")
    assert Path(saved.value.path()).read_bytes() == b"smoke"
    assert visit.complaints == []
