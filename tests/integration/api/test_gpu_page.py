"""The GPU page over its rows: what it says of cards, queue and past, and what it never does."""

import re

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from audit.models import Pending
from gpu.models import Client
from tests.integration.api.gpu_scene import GpuScene, ago

NARROW = "\u202f"


@pytest.fixture
def rows(role):
    return GpuScene(role)


@pytest.fixture
def small(rows):
    rows.small()
    return rows


def page(desk, path="/gpu/"):
    answer = desk.get(path)
    assert answer.status_code == 200
    return answer.content.decode().replace(NARROW, " ")


def test_without_a_card_it_says_how_to_declare_one(desk):
    text = page(desk)
    assert "No card is declared" in text
    assert "OLLAMA_HOST=127.0.0.1:11434 make up" in text
    assert "gpu.yaml" in text
    assert "data-live" not in text


def test_a_card_at_rest_is_calm(desk, rows):
    rows.slots()
    rows.card(doing_since=ago(260), resident=["ops"])
    text = page(desk)
    assert "<strong>Nothing</strong>" in text
    assert "idle for 4 min" in text
    assert "Nothing waits. Who asks now is served at once." in text
    assert "Nothing was on the card in these minutes." in text


def test_it_says_what_is_on_the_card_and_for_whom(desk, small):
    text = page(desk)
    assert "<strong>qwen3:8b</strong>" in text
    assert 'href="/tickets/INC-02017/">INC-02017</a>' in text
    assert "nomic-embed-text and qwen3:8b" in text
    assert "7.7 GB of 16.0 GB" in text


def test_the_queue_is_told_with_quotes_and_their_error(desk, small):
    text = page(desk)
    order = [text.index(words) for words in ("nomic-embed-text</td>", "qwen2.5-coder:14b</td>")]
    assert order == sorted(order)
    assert "1 quote of the last 4 hours came due" in text
    assert re.search(r"<strong>0 \+ 1 \+ 1</strong>", text)


def test_neighbours_of_the_queue_are_one_line(desk, small):
    for n in range(4):
        small.job("embedding", "embed", ago(8 - n), kind="embed", principal="key:lab", client="lab")
    text = page(desk)
    assert "5 requests" in text
    assert "1\u20135" in text


def test_a_sick_card_says_why(desk, rows):
    rows.slots()
    rows.card(doing="sick", fault="no answer to a one-token request", doing_since=ago(95))
    text = page(desk)
    assert "<strong>Sick</strong>" in text
    assert "sick: no answer to a one-token request" in text


def test_a_card_without_worker_says_so_and_promises_nothing(desk, rows):
    rows.slots()
    rows.card(up=False)
    rows.job("ops", "ops", ago(5))
    text = page(desk)
    assert "<strong>No worker</strong>" in text
    assert "no worker: nobody serves it" in text
    assert ">starts in about </span>unknown</td>" in text


def test_foreign_work_and_strangers_are_seen(desk, rows):
    rows.slots()
    job = rows.job("research", "card", ago(90), wait=5, kind="hold", principal="person:ada",
                   label="python train.py")  # fmt: skip
    rows.card(doing="held", doing_tier="research", doing_slot="card", doing_job=job,
              strangers_mb=2140)  # fmt: skip
    text = page(desk)
    assert "held by foreign work" in text
    assert "python train.py" in text
    assert "2.1 GB taken by others" in text


def test_a_slot_that_is_not_used_says_why(desk, small):
    small.run("UPDATE gpu_slot SET fault = 'the model has another digest' WHERE name = 'code'")
    text = page(desk)
    assert "<strong>Slot code is not used</strong>: the model has another digest" in text


def test_every_card_has_its_own_lanes(desk, small):
    small.card("card1", position=1)
    small.piece("run", "research", "code", ago(100), 30, card="card1")
    text = page(desk)
    assert text.count('class="lane-svg"') == 6
    assert "<h3>card1</h3>" in text
    assert "1 of 2 at work" in text


def test_the_drawing_and_its_table_say_the_same(desk, small):
    text = page(desk)
    lane = re.search(r'aria-label="research: ([^"]*)"', text)[1]
    assert lane.startswith("1 piece of work, 1 load, 1 preempted")
    twin = text[text.index('id="twin"') :]
    assert twin.count("<td>preempted</td>") == 1
    assert twin.count("<td>load</td>") == 2


def test_lines_have_a_row_for_each_step(desk, small):
    text = page(desk)
    assert len(re.findall(r'<tr data-t="\d+">', text)) == 48


def test_another_span_is_a_plain_link(desk, small):
    earlier = re.search(r'href="(\?from=[^"]*)">Earlier', page(desk))[1].replace("&amp;", "&")
    text = page(desk, f"/gpu/{earlier}")
    assert ">Now</a>" in text
    assert "these 4 hours" in text
    assert f'data-live="/gpu/live/{earlier.replace("&", "&amp;")}"' in text


def test_a_span_that_cannot_be_read_is_said(desk, small):
    assert "A time in the address cannot be read" in page(desk, "/gpu/?from=x&to=y")


def test_text_of_askers_is_never_markup(desk, small):
    small.run("UPDATE gpu_card SET fault = '<img src=x>', doing = 'sick'")
    small.run("UPDATE gpu_job SET label = '<img src=x>', principal = 'key:<img src=x>'")
    for path in ("/gpu/", "/gpu/live/", "/gpu/keys/", "/gpu/job/", f"/gpu/job/{small.jobs[0]}/"):
        answer = desk.get(path, follow=True)
        assert answer.status_code == 200, path
        assert "<img src=x" not in answer.content.decode(), path


def test_nothing_inline(desk, small):
    for path in ("/gpu/", "/gpu/live/", "/gpu/keys/"):
        text = page(desk, path)
        assert not re.findall(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=\"", text), path


def test_what_was_asked_and_answered_is_not_on_the_desk(desk, rows):
    rows.slots()
    job = rows.job("ops", "ops", ago(9), wait=1, ran=1, request='{"messages": ["my secret"]}',
                   answer='{"message": "your secret"}')  # fmt: skip
    text = page(desk, f"/gpu/job/{job}/change/")
    assert "secret" not in text
    assert "Tokens out" in text


def test_the_number_of_queries_does_not_grow(desk, small):
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            page(desk)
        return len(caught)

    few = queries()
    for _ in range(20):
        small.job("research", "code", ago(50), principal="key:lab")
        small.piece("run", "ops", "ops", ago(60), 5)
    assert queries() == few


def test_a_part_that_did_not_change_is_a_304(desk, small, monkeypatch):
    for name in ("change.FRESH_SECONDS", "gpu.BUSY_SECONDS"):
        monkeypatch.setattr(f"ethops.world.{name}", 10**10)
    first = desk.get("/gpu/live/")
    again = desk.get("/gpu/live/", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    small.run("UPDATE gpu_card SET doing = 'idle'")
    assert desk.get("/gpu/live/", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_304_costs_few_queries(desk, small, monkeypatch):
    for name in ("change.FRESH_SECONDS", "gpu.BUSY_SECONDS"):
        monkeypatch.setattr(f"ethops.world.{name}", 10**10)
    tag = desk.get("/gpu/live/")["ETag"]
    with CaptureQueriesContext(connection) as caught:
        desk.get("/gpu/live/", headers={"If-None-Match": tag})
    assert len(caught) == 4  # session, person, what is newest of the record and of the cards


# ---------------------------------------------------------------- keys


@pytest.fixture
def key(small):
    small.run(
        "INSERT INTO gpu_client (name, key_hash, tier, max_waiting)"
        " VALUES ('lab', repeat('a', 64), 'research', 8)"
    )


def test_keys_are_listed_without_their_hash(desk, key):
    text = page(desk, "/gpu/keys/")
    assert "<b>lab</b>" in text
    assert "2 of 8" in text
    assert "aaaaaaaa" not in text
    assert "aaaaaaaa" not in page(desk, "/gpu/client/lab/change/")


def test_a_key_is_refused_by_one_press_and_on_record(desk, key):
    text = desk.post("/gpu/keys/", {"disable": "lab"}, follow=True).content.decode()
    assert "The key lab is refused from now on." in text
    assert not Client.objects.get(name="lab").enabled
    (noted,) = Pending.objects.filter(kind="person.gpu_key")
    assert noted.body["by"] == "person:ada"


def test_nobody_refuses_a_key_without_the_right(bo, key):
    browser = Browser()
    browser.force_login(bo)
    assert "Refuse lab" not in page(browser, "/gpu/keys/")
    text = browser.post("/gpu/keys/", {"disable": "lab"}, follow=True).content.decode()
    assert "You may not switch keys off" in text
    assert Client.objects.get(name="lab").enabled


def test_a_key_that_is_not_there_is_a_404(desk, key):
    assert desk.post("/gpu/keys/", {"disable": "nobody"}).status_code == 404
    assert desk.post("/gpu/keys/", {"disable": "\0"}).status_code == 404
