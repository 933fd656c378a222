"""The desk's own pages in a real browser: light, strict, narrow, and of use without script."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect, sync_playwright

from adapters.cmdb.models import Proposal
from adapters.telemetry import taken
from adapters.tickets import embedded, questions
from adapters.tickets.beside import Asking, File
from adapters.tickets.port import Note, TicketDraft
from ethops.api import acts
from ethops.desk import discovery
from tests.conftest import point_django
from tests.integration.api.gpu_scene import GpuScene, ago
from tests.integration.api.scene import Scene
from tests.integration.api.served import served
from tests.servers import Servers

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(300)]

MOST_REQUESTS = 12
MOST_BYTES = 100_000
MOST_BYTES_OF = {"gpu": 180_000}
"""A page with charts may weigh more."""
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PASSWORD = "correct horse"
PATIENCE_MS = 20_000
"""So long is waited for what a page is to show, where a test names no other time."""
FILE = {"name": "said.txt", "mimeType": "text/plain"}
ASKED = [
    {"name": "hours", "label": "How many hours", "kind": "whole", "required": True, "least": 1},
    {"name": "loud", "label": "It may be loud", "kind": "flag"},
]


def chromium() -> str:
    """Where the browser is; without one these tests say so, and fail where CI promises one."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        said = (
            "no Chromium on PATH: the pages were NOT looked at (Debian: apt-get install chromium)"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    where = chromium()
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as driver:
        # The driver keeps an event loop in this thread, and Django would refuse its database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        launched = driver.chromium.launch(executable_path=where, args=QUIET)
        expect.set_options(timeout=PATIENCE_MS)
        yield launched
        launched.close()


@dataclass
class Visit:
    """A person at the desk, and everything the browser complained about."""

    address: str
    browser: Browser
    scene: Scene
    card: GpuScene
    complaints: list[str] = field(default_factory=list)
    session: Any = None
    own: str = ""
    """A ticket that ada has asked for."""
    asked: str = ""
    """Another of hers, about which an agent asks people; it is a major incident with a part."""
    pull: int = 0
    """A pull request that an agent has opened."""
    proposal: int = 0
    """A host that publishes and is no CI."""

    def person(self, width: int = 1440, **more: Any) -> BrowserContext:
        """A fresh browser of somebody who has logged in."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, storage_state=self._session(), **more
        )
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        context.on("console", lambda said: self._hear(said.type, said.text))
        return context

    def _session(self) -> Any:
        if self.session is None:
            context = self.browser.new_context()
            page = context.new_page()
            page.goto(f"{self.address}/login/")
            page.fill("#id_username", "ada")
            page.fill("#id_password", PASSWORD)
            page.click("input[type=submit]")
            page.wait_for_url(f"{self.address}/")
            self.session = context.storage_state()
            context.close()
        return self.session

    def _hear(self, kind: str, text: str) -> None:
        # A refused form is a 422 on purpose, and the browser reports it.
        if kind == "error" and "status of 422" not in text:
            self.complaints.append(text)

    def own_pages(self) -> dict[str, str]:
        return {
            "now": "/",
            "ticket": f"/tickets/{self.scene.ticket}/",
            "ticket, all": f"/tickets/{self.scene.ticket}/?all",
            "ticket, major": f"/tickets/{self.asked}/",
            "review": f"/tickets/{self.asked}/review/",
            "ledger": "/ledger/",
            "entry": "/ledger/2/",
            "run": f"/runs/{self.scene.run}/",
            "action": f"/actions/{self.scene.actions['done']}/",
            "denied action": f"/actions/{self.scene.actions['denied']}/",
            "approval": f"/approvals/{self.scene.actions['proposed']}/",
            "stop": "/stop/",
            "everything": "/everything/",
            "API": "/everything/api/",
            "agents": "/agents/",
            "queue": "/queue/",
            "memory": "/memory/",
            "gpu": "/gpu/",
            "gpu keys": "/gpu/keys/",
            "autonomy": "/autonomy/",
            "figures": "/figures/",
            "card": "/cards/responder/",
            "new ticket": "/tickets/new/",
            "new change": "/tickets/new/change/",
            "new CI": "/cmdb/ci/new/",
            "a CI at the desk": "/cmdb/ci/web-01/edit/",
            "proposals": "/cmdb/proposals/",
            "proposal": f"/cmdb/proposals/{self.proposal}/",
            "safeguards": "/safeguards/",
            "safeguard": "/safeguards/14.1/",
            "pull requests": "/pulls/",
            "pull request": f"/pulls/{self.pull}/",
            "handover": "/handover/",
            "portal": "/portal/",
            "portal, new": "/portal/new/",
            "portal, request": "/portal/new/gpu/",
            "portal, ticket": f"/portal/tickets/{self.own}/",
            "portal, question": f"/portal/tickets/{self.asked}/",
        }

    def lists(self) -> dict[str, str]:
        return {
            "tickets": "/tickets/ticket/",
            "runs": "/personas/run/",
            "actions": "/personas/action/",
            "approvals": "/approvals/approval/",
            "events": "/desk/event/",
            "a delivery": "/desk/delivery/1/change/",
            "a schedule": "/django_celery_beat/periodictask/add/",
            "a CI": "/cmdb/ci/web-01/change/",
            "targets": "/sla/target/",
            "a calendar": "/sla/calendar/add/",
            "requests for the card": "/gpu/job/",
            "pieces of its time": "/gpu/piece/",
        }


@pytest.fixture
def visit(
    role: Callable[[str], psycopg.Connection[Any]],
    browser: Browser,
    servers: Servers,
    database_name: str,
    tmp_path: Path,
) -> Iterator[Visit]:
    scene = Scene(role)
    scene.furnish()
    scene.history()
    scene.proposed()
    scene.queued()
    scene.alive()
    said_by_a_file(role("owner"))
    card = GpuScene(role)
    card.slots()
    card.card(resident=["embed", "reason"])
    card.busy()
    card.queue((scene.ticket,))
    # The process under test knows Django's own hashers, not the quick one of the tests.
    hashed = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)
    User.objects.create(username="ada", password=hashed, is_staff=True, is_superuser=True)
    role("owner").execute(
        "INSERT INTO tickets_requestmodel (slug, title, approver_role, impact, urgency, fields,"
        " steps) VALUES ('gpu', 'Time on the GPU', 'leads', 3, 3, %s, '[]')", [json.dumps(ASKED)],
    )  # fmt: skip
    draft = TicketDraft(
        "incident", "<img src=x onerror=alert(1)> hangs", "Since noon.", 2, 2, "ada", "person"
    )
    own = embedded.Writer().open(uuid4(), draft).ref
    asked = major_with_a_question(scene, servers, database_name)
    pull = pull_request(role, scene.ticket)
    proposal = found_host()
    with served(servers, database_name, tmp_path) as address:
        made = Visit(
            address, browser, scene, card, own=own, asked=asked, pull=pull, proposal=proposal
        )
        yield made
    for context in list(browser.contexts):
        context.close()


def said_by_a_file(owner: psycopg.Connection[Any]) -> None:
    """What the site file and an import say of a CI: the one is locked at the desk."""
    site = {"ref": True, "name": "web-01", "ci_class": "service", "impact": 1, "urgency": 2}
    other = {"attributes.os": f"<img src=x onerror=alert(2)> {'long' * 30}"}
    for source, words in (("site", site), ("import:a", other)):
        said = [{"ref": "web-01", "field": name, "value": it} for name, it in words.items()]
        owner.execute("SELECT * FROM cmdb.say(%s, %s::jsonb, NULL)", [source, json.dumps(said)])


def found_host() -> int:
    """A host that publishes under a name that the CMDB does not have, with a stranger's words."""
    taken.bury(
        raw=b"x",
        routing_key="telemetry.web-09.lines",
        message_id="x",
        why=f"<img src=x onerror=alert(9)> {'long' * 30}",
    )
    discovery.look()
    return Proposal.objects.get(key="host:web-09").pk


def pull_request(role: Callable[[str], psycopg.Connection[Any]], ticket: str) -> int:
    """A page that an agent proposes, with words that are not its reader's friends."""
    key, head = uuid4(), "c" * 40
    text = "".join(
        f"+<img src=x onerror=alert({n})> \u202egnihton {'long' * 40}\n" for n in range(9)
    )
    role("owner").execute(
        "INSERT INTO audit_work (id, kind, queue, state, subject, priority)"
        " VALUES (%s, 'effect', 'executor.light', 'done', '', 2)", [key],
    )  # fmt: skip
    role("owner").execute(
        "INSERT INTO personas_action (id, key, principal, ticket_ref, verb, verdict, work_id,"
        " outcome, result)"
        " VALUES (%s, 'k', 'run:x', %s, 'pull.open', 'authorised', %s, 'done', %s)",
        [key, ticket, key, json.dumps({"head": head, "diff": text})],
    )
    said = role("executor").execute(
        "SELECT forge.open_pull(%s, %s, 'main', %s, %s, %s, 'incident_responder', '[]', %s, %s)",
        [key, f"ethops/{key}", head, "<b>Write it down</b>", "Since it <i>hung</i>.", ticket,
         json.dumps([{"kind": "added", "path": f"incidents/{ticket}.md", "size": 400}])],
    )  # fmt: skip
    followed_elsewhere(role("owner"), ticket)
    return int(said.fetchone()[0])


def followed_elsewhere(owner: psycopg.Connection[Any], ticket: str) -> None:
    """What people did at a forge that does not answer any more, and tells hostile things."""
    said = [{"by": "<i>ben</i>", "verdict": "approved", "head": "d", "at": ""}]
    for number, url, state in (
        (7, "https://git.example.org/site/pages/pulls/7", "open"),
        (8, "javascript:alert(1)", "merged"),
    ):
        owner.execute(
            "INSERT INTO pulls_followed (key, number, ticket_ref, title, url, head, state,"
            " merged_as, ended_by, ended_at, reviews, seen_at) VALUES (%s, %s, %s, %s, %s, 'd', %s,"
            " '', %s, now(), %s, now())",
            [uuid4(), number, ticket, "<b>Write it</b> \u202enwod", url, state,
             "carla" if state == "merged" else "", json.dumps(said)],
        )  # fmt: skip
    owner.execute(
        "INSERT INTO pulls_forgelook (id, misses, away_since, said) VALUES (1, 12, now(),"
        " 'forge.unavailable: GET /pulls/7: <html>login</html>')"
    )


def major_with_a_question(scene: Scene, servers: Servers, database_name: str) -> str:
    """A major incident of ada's with everything beside it that people work together with."""
    draft = TicketDraft("incident", "All is <b>down</b>", "", 1, 1, "ada", "person", ("web-01",))
    ref = embedded.Writer().open(uuid4(), draft).ref
    point_django(servers, database_name, "ethops_executor")
    asking = Asking("is_meant", "Is <i>web-01</i> meant?", ("yes", "no"))
    note = Note("", "incident_responder", "agent")
    questions.ask(key=uuid4(), ref=ref, asking=asking, note=note)
    point_django(servers, database_name, "ethops_app")
    acts.declare_major(ref=ref, person="ada", why="All is <b>down</b>.", lead="", key=uuid4())
    acts.adopt(ref=scene.ticket, parent=ref, person="ada", key=uuid4())
    log = File("<b>log</b>.txt", "text/plain", b"one line")
    acts.attach(ref=ref, file=log, person="ada", visibility="private", key=uuid4())
    acts.watch(ref=ref, who="ada", person="ada", key=uuid4())
    acts.watch(ref=ref, who="mia@example.org", person="ada", key=uuid4())
    return ref


def test_own_pages_are_light_and_break_no_policy(visit):
    for name, path in visit.own_pages().items():
        context = visit.person()
        page = context.new_page()
        # Nothing is kept from one page to the next: each is measured as a first visit.
        page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
        answers: list[Response] = []
        page.on("response", lambda answer, kept=answers: kept.append(answer))
        page.goto(visit.address + path, wait_until="networkidle")
        answers = [answer for answer in answers if "/live/" not in answer.url]
        size = sum(answer.request.sizes()["responseBodySize"] for answer in answers)
        assert len(answers) <= MOST_REQUESTS, (name, [answer.url for answer in answers])
        assert size <= MOST_BYTES_OF.get(name, MOST_BYTES), (name, size)
        assert all(answer.url.startswith(visit.address) for answer in answers), name
        context.close()
    assert visit.complaints == []


def test_the_admins_lists_and_forms_break_no_policy(visit):
    page = visit.person().new_page()
    for name, path in visit.lists().items():
        answer = page.goto(visit.address + path)
        assert answer is not None
        assert answer.status == 200, name
    assert visit.complaints == []


def test_no_page_scrolls_sideways(visit):
    page = visit.person().new_page()
    for width in (320, 768, 1024):
        page.set_viewport_size({"width": width, "height": 800})
        for name, path in {**visit.own_pages(), "tickets": "/tickets/ticket/"}.items():
            page.goto(visit.address + path)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (name, width, wide)


CONTROLS = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), textarea,'
    + ' select, summary')].filter((one) => one.checkVisibility() && one.getClientRects().length)
    .map((one) => ({
        name: (one.getAttribute('aria-label') || one.innerText || one.title || ''
            + [...(one.labels || [])].map((l) => l.innerText).join(' ')).trim(),
        high: one.getBoundingClientRect().height,
        button: one.matches('button, .btn, .stop, .rail a'),
        html: one.outerHTML.slice(0, 120),
    }))"""


def test_every_control_has_a_name_and_a_size_to_hit(visit):
    page = visit.person(width=390).new_page()
    for name, path in visit.own_pages().items():
        page.goto(visit.address + path)
        for control in page.evaluate(CONTROLS):
            assert control["name"], (name, control["html"])
            if control["button"]:
                assert control["high"] >= 44, (name, control["html"])


def test_every_page_has_one_heading_and_a_way_past_the_frame(visit):
    page = visit.person().new_page()
    for name, path in visit.own_pages().items():
        page.goto(visit.address + path)
        assert page.locator("h1").count() == 1, name
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip-to-content-link", name


def test_a_ticket_is_worked_on_without_script(visit):
    page = visit.person(java_script_enabled=False).new_page()
    page.goto(f"{visit.address}/tickets/{visit.scene.ticket}/")
    page.fill("textarea[name=text]", "I look at it.")
    page.click("text=Add this note")
    expect(page.locator(".story")).to_contain_text("I look at it.")
    page.click("button:has-text('Assign to me')")
    expect(page.locator(".take")).to_contain_text("It is yours.")
    page.click("summary:has-text('Resolve it')")
    page.fill("textarea[name=solution]", "Power is back.")
    page.click(f"button:has-text('Resolve {visit.scene.ticket}')")
    expect(page.locator(".messagelist")).to_contain_text("is resolved")
    page.click("text=show")
    expect(page.locator(".story .routine")).not_to_have_count(0)


def test_people_work_together_without_script(visit):
    page = visit.person(java_script_enabled=False).new_page()
    page.goto(f"{visit.address}/tickets/{visit.asked}/")
    page.click("button:has-text('Answer Q1: no')")
    expect(page.locator(".messagelist")).to_contain_text("Q1 is answered: no.")
    page.click("summary:has-text('Attach a file')")
    page.set_input_files("input[name=file]", {**FILE, "buffer": b"what it said"})
    page.click("button:has-text('Attach it')")
    expect(page.locator(".messagelist")).to_contain_text(f"{visit.asked} keeps said.txt now.")
    page.click("summary:has-text('Watchers')")
    page.fill("input[type=text][name=who]", "nobody")
    page.click("button:has-text('Have them told')")
    expect(page.locator("[role=alert]")).to_contain_text("Nobody is called 'nobody'")
    expect(page.locator("input[type=text][name=who]")).to_have_value("nobody")
    page.click("button:has-text('End the major incident')")
    expect(page.locator(".messagelist")).to_contain_text("is a major incident no more")
    page.click("a:has-text('Review')")
    expect(page.locator("#timeline + a")).to_have_text("As Markdown")


def test_what_is_proposed_is_declined_without_script_and_on_a_phone(visit):
    page = visit.person(width=390, java_script_enabled=False).new_page()
    page.goto(f"{visit.address}/cmdb/ci/")
    page.click("a.btn:has-text('Proposals')")
    page.click("text=web-09")
    page.locator("textarea[name=why]").first.fill("It is ours.")
    page.fill("input[name=code]", "123456")
    page.click("text=Make it a CI")
    expect(page.locator(".wrong").first).to_contain_text("You have no second factor")
    page.fill("form.apart textarea[name=why]", "A test machine.")
    page.click("button:has-text('Decline it')")
    expect(page.locator(".messagelist")).to_contain_text("It is declined")
    expect(page.locator("section[aria-labelledby=decided]")).to_contain_text("A test machine.")


def test_a_file_is_saved_and_not_shown(visit):
    page = visit.person().new_page()
    page.goto(f"{visit.address}/tickets/{visit.asked}/")
    with page.expect_download() as saved:
        page.click("section[aria-labelledby=beside] a")
    assert Path(saved.value.path()).read_bytes() == b"one line"


def test_the_portal_is_of_use_without_script_and_on_a_phone(visit):
    page = visit.person(width=390, java_script_enabled=False).new_page()
    page.goto(f"{visit.address}/portal/")
    page.click("text=Something does not work")
    page.fill("input[name=title]", "The door jams")
    page.click("text=Send it to the desk")
    expect(page.locator("#new-hinders-wrong")).to_contain_text("Choose one")
    assert page.input_value("input[name=title]") == "The door jams"
    page.select_option("select[name=hinders]", "slow")
    page.click("text=Send it to the desk")
    expect(page.locator("h1")).to_have_text("The door jams")
    page.fill("textarea[name=text]", "It does so since noon.")
    page.click("text=Send your answer")
    expect(page.locator(".talk")).to_contain_text("since noon")
    page.click("button:has-text('Log out')")
    expect(page.locator("h1")).to_have_text("Log in")


def test_the_stop_works_without_script(visit):
    page = visit.person(java_script_enabled=False).new_page()
    page.goto(visit.address)
    page.click("a.stop")
    page.fill("textarea[name=why]", "smoke")
    page.click("button:has-text('Stop all agents')")
    expect(page.locator(".note.bad")).to_contain_text("Stopped by ada")
    page.click("button:has-text('Resume all agents')")
    expect(page.locator(".wrong").first).to_be_visible()
    page.fill("textarea[name=why]", "steam")
    page.click("button:has-text('Resume all agents')")
    expect(page.locator(".note.bad")).to_have_count(0)


def test_a_page_keeps_itself_fresh_and_what_somebody_opened_open(visit):
    page = visit.person().new_page()
    page.goto(f"{visit.address}/tickets/{visit.scene.ticket}/")
    page.fill("textarea[name=text]", "half a thou")
    other = visit.person().new_page()
    other.goto(f"{visit.address}/tickets/{visit.scene.ticket}/")
    other.fill("textarea[name=text]", "News from elsewhere.")
    other.click("text=Add this note")
    expect(page.locator(".story")).to_contain_text("News from elsewhere.", timeout=20_000)
    assert page.input_value("textarea[name=text]") == "half a thou"
    assert page.evaluate("document.activeElement.name") == "text"


def test_a_lost_server_is_said_and_nothing_is_blanked(visit):
    page = visit.person().new_page()
    page.goto(visit.address)
    expect(page.locator("#live")).to_have_text("Live")
    page.context.set_offline(True)
    expect(page.locator("#live")).to_contain_text("No contact since", timeout=20_000)
    assert page.locator(".answer").count() == 4
    page.context.set_offline(False)
    expect(page.locator("#live")).to_have_text("Live", timeout=30_000)


def test_text_of_strangers_runs_nothing(visit):
    page: Page = visit.person().new_page()
    for path in {**visit.own_pages(), **visit.lists()}.values():
        page.goto(visit.address + path)
        assert page.locator("img[src=x]").count() == 0
    assert visit.complaints == []


def test_the_lines_are_drawn_from_their_table_and_again_in_the_dark(visit):
    page = visit.person(color_scheme="light").new_page()
    page.goto(f"{visit.address}/gpu/")
    expect(page.locator(".chart canvas")).to_have_count(2)
    expect(page.locator(".chart output").first).to_contain_text("embedding 5")
    page.emulate_media(color_scheme="dark")
    expect(page.locator(".chart canvas")).to_have_count(2)
    assert visit.complaints == []


def test_the_gpu_page_keeps_itself_fresh_and_its_table_open(visit):
    page = visit.person().new_page()
    page.goto(f"{visit.address}/gpu/")
    page.click("#twin summary")
    job = visit.card.job("ops", "ops", ago(1), wait=0.5, principal="key:somebody")
    visit.card.run(
        "UPDATE gpu_card SET doing = 'running', doing_slot = 'ops', doing_tier = 'ops',"
        " doing_job = %s, doing_since = clock_timestamp()", job,
    )  # fmt: skip
    expect(page.locator(".answer").first).to_contain_text("qwen3:8b", timeout=15_000)
    assert page.locator("#twin").get_attribute("open") is not None
    expect(page.locator(".chart canvas")).to_have_count(2)


def test_the_gpu_page_is_of_use_without_script(visit):
    page = visit.person(java_script_enabled=False).new_page()
    page.goto(f"{visit.address}/gpu/")
    expect(page.get_by_text("The table says the same.")).to_be_visible()
    page.click("text=Earlier")
    expect(page.locator("#time")).to_contain_text("share of each minute")
    page.click("text=24 h")
    expect(page.locator("#tiers")).to_contain_text("24 hours")
    page.locator(".cells a").first.click()
    page.click(".moves a:has-text('Now')")
    assert page.url == f"{visit.address}/gpu/?"


def test_a_key_is_refused_without_script(visit):
    visit.card.run(
        "INSERT INTO gpu_client (name, key_hash, tier) VALUES ('lab', repeat('a', 64), 'ops')"
    )
    page = visit.person(java_script_enabled=False).new_page()
    page.goto(f"{visit.address}/gpu/keys/")
    page.click("button:has-text('Refuse lab')")
    expect(page.locator(".messagelist")).to_contain_text("The key lab is refused")
    expect(page.locator(".st.quiet")).to_contain_text("refused")
