import json

from hypothesis import example, given
from hypothesis import strategies as st

from adapters.forge import files as rules
from adapters.forge.port import File
from adapters.inference.port import Answer
from adapters.knowledge import documents
from personas.runtime import page
from personas.runtime.plan import Situation, close, plan

SITUATION = Situation(
    ticket_ref="INC-00001",
    ci_ref="web-01",
    impact=2,
    escalates_to="people",
    facts={"ci.class": "service", "tried": ["restart_service"]},
    may_write_page=True,
)


def answer(say="It is well again.", why=("the probe says so",)):
    return Answer("resolve", say, why, 0.9, "rules", "r1", 10)


def test_a_resolved_incident_is_told_in_a_page_first():
    proposed, resolve = plan("verify", answer(), SITUATION).proposals
    assert (proposed.verb, proposed.target, resolve.verb) == (
        "pull.open", "INC-00001", "ticket.resolve",
    )  # fmt: skip
    (file,) = json.loads(proposed.args["files"])
    assert file["path"] == "incidents/INC-00001.md"
    assert file["content"] == (
        "---\nid: incident-inc-00001\n"
        'title: "What helped with INC-00001 on web-01"\n'
        'type: postmortem\naudience: both\nowner: "people"\nci_refs: ["web-01"]\n---\n'
        "# INC-00001 on web-01\n\n- class of the CI: service\n- done: restart_service\n"
        "- It is well again.\n- because the probe says so\n"
    )


def test_without_leave_there_is_none():
    silent = Situation("INC-1", "web-01", 2, "people", {})
    assert [p.verb for p in plan("verify", answer(), silent).proposals] == ["ticket.resolve"]


def test_a_ticket_whose_name_is_no_file_gets_none():
    odd = Situation("../x", "web-01", 2, "people", {}, may_write_page=True)
    assert [p.verb for p in plan("verify", answer(), odd).proposals] == ["ticket.resolve"]


@given(st.text(max_size=20_000), st.lists(st.text(max_size=9_000), max_size=20), st.text())
def test_whatever_an_engine_says_fits_gate_and_forge(say, why, ci):
    args = page.arguments("INC-1", ci, "people", {"tried": [say]}, answer(say, tuple(why)))
    assert 3 <= len(args["title"]) <= 120
    assert len(args["title"].splitlines()) == 1
    assert len(args["body"]) <= 4000
    assert len(args["files"]) <= 60_000
    rules.check([File(f["path"], f["content"].encode()) for f in json.loads(args["files"])])


@given(
    st.text(max_size=9_000), st.text(max_size=2_000), st.text(max_size=80), st.text(max_size=200),
    st.from_regex(page.NAME, fullmatch=True),
)  # fmt: skip
@example("say", "\x1b[31mwhy\u200b ---", 'a"\\ \ufffe', "---\n\U0001f600\u202e", "INC-1")
def test_whatever_is_merged_of_it_the_knowledge_base_takes_without_a_fault(
    say, why, ci, owner, ticket
):
    args = page.arguments(ticket, ci, owner, {"tried": [why]}, answer(say, (why,)))
    (file,) = json.loads(args["files"])
    found = documents.whole([documents.File(file["path"], "b" * 40, file["content"].encode())])
    assert found.faults == ()
    (made,) = found.documents
    assert made.front.id == f"incident-{ticket.lower()}"
    assert made.front.title == args["title"]
    assert {"type:postmortem", "audience:agent", "status:current"} <= set(made.tags)
    assert (f"ci:{ci}" in made.tags) is (page.CI_REF.fullmatch(ci) is not None)
    assert made.chunks


def test_a_page_that_was_denied_leaves_the_work_ended():
    row = {"run": "r", "step": 1, "verb": "ticket.resolve", "verdict": "authorised",
           "outcome": "done", "reason": ""}  # fmt: skip
    denied = {**row, "verb": "pull.open", "verdict": "denied", "outcome": "", "reason": "no"}
    assert close([denied, row], "r", 1).next == "done"
    assert close([denied], "r", 1).next == "failed"
