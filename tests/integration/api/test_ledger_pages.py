"""The ledger on the desk: one entry with its proof, and what is said when it does not verify."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from django.test import Client

from audit.ledger import breakglass, pending
from audit.models import Acknowledgement, Entry
from ethops.env import CLONE
from ethops.pages.words import NARROW
from tests.integration.api.conftest import api_of

SEEN = re.compile('name="seen" value="([0-9a-f]{64})"')


def page(desk, path, status=200):
    answer = desk.get(path)
    assert answer.status_code == status
    return answer.content.decode()


@pytest.fixture
def signed(scene, state):
    """A ledger whose every entry is in a head that one independent witness has signed."""
    scene.keys = scene.sign(state)
    scene.north = scene.witness("north", "university")
    return scene


def entry_of(kind):
    return Entry.objects.filter(kind=kind).order_by("seq").first()


def test_a_proven_entry_shows_each_step_of_its_proof(desk, signed):
    text = page(desk, "/ledger/2/")
    for words in (
        "Its bytes give its hash",
        "It follows #1",
        "It is in the tree",
        "The head is signed",
        "1 witness saw the same head",
        "of university",
        ">proven<",
    ):
        assert words in text, words


def test_an_entry_beyond_the_head_is_recorded_and_says_how_far_the_head_goes(desk, signed):
    size = Entry.objects.count()
    pending.note(kind="person.noted", subject="later", body={})
    signed.record()
    newest = Entry.objects.first().seq
    text = page(desk, f"/ledger/{newest}/")
    assert "No signed head covers it yet" in text
    assert f"the newest is of #{size}" in text
    assert ">recorded<" in text


def test_what_no_witness_has_signed_yet_is_not_called_proven_in_the_list(desk, signed, state):
    pending.note(kind="person.noted", subject="later", body={})
    signed.record()
    signed.sign(state)
    assert page(desk, "/ledger/?kind=person.noted").count(">recorded<") == 1
    signed.cosign(signed.north)
    assert page(desk, "/ledger/?kind=person.noted").count(">recorded<") == 0


def test_what_no_witness_has_signed_yet_is_not_called_proven_of_an_action(desk, scene, state):
    scene.sign(state)
    scene.witness("ours", "us")
    path = f"/actions/{scene.actions['done']}/"
    assert page(desk, path).count("proven as entry") == 0
    scene.witness("north", "university")
    stations, _, why = page(desk, path).partition('id="why"')
    assert (stations.count("proven as entry"), why.count("proven as entry") > 0) == (2, True)


def test_a_ticket_names_who_stands_behind_its_proof_and_nobody_else(desk, signed, state):
    assert "Behind it: 1 independent administrator." in page(desk, f"/tickets/{signed.ticket}/")
    pending.note(kind="person.noted", subject="later", body={}, ticket_ref=signed.ticket)
    signed.record()
    signed.sign(state)
    assert "Behind it: nobody outside yet." in page(desk, f"/tickets/{signed.ticket}/")


def test_one_administrator_is_one_however_he_is_spelt(desk, signed):
    signed.witness("south", "University")
    assert "Behind it: 1 independent administrator." in page(desk, f"/tickets/{signed.ticket}/")


def test_a_head_that_only_our_own_witness_signed_has_been_seen_by_nobody_else(desk, scene, state):
    scene.sign(state)
    scene.witness("ours", "us", quorum=0)
    text = page(desk, "/ledger/2/")
    assert "Nobody else has signed this head" in text
    assert "a witness of our own administrator counts as none" in text


def test_a_head_with_a_forged_line_has_not_been_seen(desk, signed, evil):
    evil("UPDATE audit_cosignature SET line = replace(line, 'A', 'B')", "audit_cosignature")
    assert "Nobody else has signed this head" in page(desk, "/ledger/2/")


def test_an_entry_that_is_not_the_one_in_the_tree_is_broken(desk, signed, evil):
    evil("UPDATE audit_entry SET body = body || ' '::bytea WHERE seq = 2")
    text = page(desk, "/ledger/2/")
    assert "It is not in the tree" in text
    assert ">broken<" in text


def test_an_entry_that_is_shown_otherwise_than_it_says_is_broken_and_no_other(
    desk, signed, evil, verify
):
    evil("UPDATE audit_entry SET ticket_ref = 'INC-9' WHERE seq = 2")
    verify()
    text = page(desk, "/ledger/2/")
    assert "It is shown otherwise than it says" in text
    assert ">broken<" in text
    assert ">proven<" in page(desk, "/ledger/3/")
    assert page(desk, "/ledger/").count(">broken<") == 1


def test_the_permit_leads_to_its_outcome_and_back(desk, scene):
    permit = Entry.objects.get(kind="action.authorised", subject=str(scene.actions["done"]))
    outcome = Entry.objects.get(kind="action.outcome", subject=str(scene.actions["done"]))
    assert f'/ledger/{outcome.seq}/">' in page(desk, f"/ledger/{permit.seq}/")
    assert f'/ledger/{permit.seq}/">' in page(desk, f"/ledger/{outcome.seq}/")


def test_what_an_incarnation_signed_is_checked_again(desk, scene):
    permit = entry_of("action.authorised")
    text = page(desk, f"/ledger/{permit.seq}/")
    assert "Signed by who asked" in text
    assert f"of run {str(scene.run)[:4]}, step 1" in text


def test_a_signature_over_something_else_does_not_hold(desk, scene, evil):
    permit = entry_of("action.authorised")
    said = json.loads(bytes(permit.body))
    said["body"]["target"] = "db-01"
    forged = json.dumps(said, sort_keys=True, separators=(",", ":")).encode().hex()
    evil(f"UPDATE audit_entry SET body = '\\x{forged}'::bytea WHERE seq = {permit.seq}")
    assert "Its signature does not hold" in page(desk, f"/ledger/{permit.seq}/")


def test_a_redacted_value_says_who_took_it_away_and_why(desk, scene, role):
    permit = entry_of("action.authorised")
    digest = json.loads(bytes(permit.body))["body"]["values"]["args"]
    role("owner").execute("SELECT audit.redact(%s, 'ada', 'it held a name')", [digest])
    scene.record()
    text = page(desk, f"/ledger/{permit.seq}/")
    assert "redacted by ada: it held a name" in text
    stone = Entry.objects.get(kind="ledger.redacted")
    assert f'/ledger/{stone.seq}/">entry</a>' in text


def test_a_value_that_is_gone_without_a_word_is_said_to_be(desk, scene, evil):
    permit = entry_of("action.authorised")
    evil("DELETE FROM audit_value", "audit_value")
    assert "gone, and no entry says who took it away" in page(desk, f"/ledger/{permit.seq}/")


def test_lists_and_stories_say_proven_as_far_as_the_head_goes(desk, signed):
    assert page(desk, "/ledger/").count(">proven<") == min(50, Entry.objects.count())
    assert "proven as entry" in page(desk, f"/tickets/{signed.ticket}/")


def checked_offline(tmp_path, name, content, *words):
    file = tmp_path / name
    file.write_bytes(content)
    command = [sys.executable, "-I", str(CLONE / "audit/verify.py"), str(file), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_prove_this_ticket_hands_out_what_the_auditors_file_finds_whole(desk, signed, tmp_path):
    link = re.search(r'href="([^"]+)" download>Prove this ticket', ticket_page(desk, signed))[1]
    answer = desk.get(link)
    name = re.search(r'filename="([^"]+)"', answer["Content-Disposition"])[1]
    assert name == f"{signed.ticket}.json"
    key, witness = signed.keys.read().key.vkey, signed.north.key.vkey
    words = ("--key", key, "--witness", witness, "--quorum", "1")
    done = checked_offline(tmp_path, name, answer.content, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"independent administrators behind the tree head of \d+: \w", done.stdout)
    assert ": none" not in done.stdout
    assert done.stdout.count("\n#") >= 5


def ticket_page(desk, signed):
    return page(desk, f"/tickets/{signed.ticket}/")


def test_an_entry_is_handed_out_in_both_forms(desk, signed, tmp_path):
    text = page(desk, "/ledger/2/")
    key = signed.keys.read().key.vkey
    for form, name in (("bundle", "e.json"), ("tlog-proof", "e.tlog-proof")):
        link = re.search(rf'href="([^"]+/{form})" download', text)[1]
        done = checked_offline(tmp_path, name, desk.get(link).content, "--key", key)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_ticket_without_a_head_cannot_be_proven_yet_and_says_so(desk, api, scene):
    text = page(desk, f"/tickets/{scene.ticket}/")
    assert "Prove this ticket" not in text
    assert "A proof can be made once a signed head covers its entries." in text
    answer = api.get(f"/api/v1/tickets/{scene.ticket}/proof")
    assert (answer.status_code, answer.json()["code"]) == (409, "ledger.no_proof")


@pytest.fixture
def broken(signed, evil, verify):
    verify()
    evil("UPDATE audit_entry SET kind = 'x' WHERE seq = 2")
    verify()
    return signed


def test_damage_is_loud_on_every_page_and_says_what_to_do(desk, broken):
    for path in ("/", "/ledger/", f"/tickets/{broken.ticket}/", "/everything/", "/gpu/"):
        text = page(desk, path)
        assert "The ledger does not verify" in text, path
        assert "No risky action runs until a named person has acknowledged it." in text, path


def test_who_acknowledges_says_what_he_knows(desk, broken):
    answer = desk.post("/ledger/", {"why": " "})
    assert answer.status_code == 422
    assert "Say what you know of it." in answer.content.decode()
    desk.post("/ledger/", {"why": "I changed it to try the alarm."})
    assert Acknowledgement.objects.get().by == "ada"
    text = page(desk, "/")
    assert "ada knows of it, so risky actions may run." in text
    assert "The ledger does not verify" in text


def found_since(role):
    role("verifier").execute(
        "SELECT audit.keep_check(0, 9, NULL, 0, '[\"#1: something else\"]', 1)"
    )


def test_what_was_found_after_the_page_was_drawn_is_not_acknowledged_with_it(desk, broken, role):
    seen = SEEN.search(page(desk, "/ledger/")).group(1)
    found_since(role)
    answer = desk.post("/ledger/", {"why": "I know.", "seen": seen})
    text = answer.content.decode()
    assert (answer.status_code, "Something else was found since." in text) == (422, True)
    assert ">I know.</textarea>" in text
    assert not Acknowledgement.objects.exists()


def test_what_the_page_shows_is_acknowledged(desk, broken):
    seen = SEEN.search(page(desk, "/ledger/")).group(1)
    desk.post("/ledger/", {"why": "I know.", "seen": seen})
    assert Acknowledgement.objects.exists()


def test_nobody_acknowledges_without_the_right(bo, broken):
    client = Client()
    client.force_login(bo)
    assert client.post("/ledger/", {"why": "fine"}).status_code == 403
    assert "You may not acknowledge it" in page(client, "/ledger/")
    answer = api_of(bo).post("/api/v1/ledger/acknowledge", {"why": "fine"}, format="json")
    assert answer.json()["code"] == "request.forbidden"
    assert not Acknowledgement.objects.exists()


def test_damage_is_acknowledged_over_the_api_too(api, broken):
    said = api.post("/api/v1/ledger/acknowledge", {"why": "I know."}, format="json").json()
    assert (said["whole"], said["damage"]["acknowledged_by"]) == (False, "ada")


def test_what_was_found_since_is_not_acknowledged_over_the_api_either(api, broken, role):
    seen = api.get("/api/v1/ledger").json()["damage"]["digest"]
    found_since(role)
    said = {"why": "I know.", "seen": seen}
    answer = api.post("/api/v1/ledger/acknowledge", said, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["seen"])
    assert not Acknowledgement.objects.exists()


def test_there_is_nothing_to_acknowledge_in_a_whole_ledger(api, signed):
    answer = api.post("/api/v1/ledger/acknowledge", {"why": "I know."}, format="json")
    assert answer.status_code == 404


def test_a_whole_ledger_is_one_calm_line(desk, signed, verify):
    verify()
    text = page(desk, "/")
    assert text.count("The ledger does not verify") == 0
    assert "1 of 1 witness" in text


def test_a_witness_that_has_seen_more_than_we_have_is_loud(desk, signed, role):
    role("witness").execute("SELECT audit.witness_stands('north', 'ahead', 'it knows 999 entries')")
    text = page(desk, "/")
    assert "A witness has seen another ledger" in text
    assert "it knows 999 entries" in text


def test_a_silent_witness_is_said_with_what_waits_for_it(desk, signed, role):
    role("witness").execute("SELECT audit.witness_stands('north', 'away', 'it does not answer')")
    assert "Risky actions wait for it." in page(desk, "/")


@pytest.fixture
def debt(scene):
    """What bob did past the ledger, and nobody else has looked at."""
    deed = breakglass.Deed(
        "bob", "Restarted <b>PostgreSQL</b>.", datetime(2026, 1, 2, tzinfo=UTC), "ab" * 32
    )
    return breakglass.bring_in(deed, by="bob", single_operator=False)


@pytest.mark.parametrize("path", ["/", "/ledger/", "/everything/"])
def test_acts_past_the_ledger_are_said_on_every_page(desk, debt, path):
    assert "1 act past it, not looked at yet" in page(desk, path).replace(NARROW, " ")


def test_the_page_of_the_ledger_tells_each_act_and_what_to_do(desk, debt):
    text = page(desk, "/ledger/")
    assert "Restarted &lt;b&gt;PostgreSQL" in text
    assert f"manage.py ledger break-glass acknowledge {debt}" in text


def test_what_somebody_has_looked_at_is_no_longer_said(desk, debt):
    breakglass.acknowledge(debt, by="ada", why="looked at it", single_operator=False)
    for path in ("/", "/ledger/"):
        text = page(desk, path)
        assert "past it" not in text
        assert "Done past the ledger" not in text
