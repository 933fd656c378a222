"""A stop by file alone is a stop on the pages and in the API, and is lifted there too."""

import pytest


@pytest.fixture
def file(settings, tmp_path):
    settings.ETHOPS_STATE = tmp_path
    return tmp_path / "STOP"


def test_a_stop_by_file_is_told_with_its_words(api, scene, file):
    file.write_text("ada: smoke\n")
    said = api.get("/api/v1/stop").json()
    assert (said["stopped"], said["by"], said["why"]) == (True, "file", "ada: smoke")


def test_a_stop_by_file_stands_on_every_page(desk, scene, file):
    file.touch()
    for path in ("/", "/stop/", "/ledger/"):
        assert "<strong>Stopped</strong> by file" in desk.get(path).content.decode()


def test_a_page_that_waits_for_news_hears_of_the_file(desk, scene, file):
    seen = desk.get("/now/live/")["ETag"]
    file.touch()
    assert desk.get("/now/live/")["ETag"] != seen


def test_who_may_resume_removes_the_file(api, scene, file):
    file.touch()
    said = api.post("/api/v1/resume", {"why": "steam"}, format="json").json()
    assert (said["stopped"], file.exists()) == (False, False)


def test_the_pages_press_both(desk, scene, file):
    desk.post("/stop/", {"why": "smoke"})
    pressed = file.read_text()
    desk.post("/stop/", {"act": "resume", "why": "steam"})
    assert (pressed, file.exists()) == ("ada: smoke\n", False)


def test_what_is_no_file_stops_as_well(api, scene, file):
    file.mkdir()
    assert api.get("/api/v1/stop").json()["stopped"] is True
