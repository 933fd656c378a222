"""From files to documents: each fault says where and how to mend it, and stops no other."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.knowledge import indexing
from adapters.knowledge.documents import MOST_BYTES, File, Whole, whole
from adapters.knowledge.front_matter import LIMITS, FrontMatter

PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/knowledge.md").read_text("utf-8")
FRONT = """---
id: {id}
title: The shop
type: runbook
audience: {audience}
owner: shop-team
{more}---
# Restart

By night.
"""


def doc(
    name: str = "shop", *, more: str = "", path: str = "", audience: str = "agent", swap: str = ""
) -> File:
    text = FRONT.format(id=name, more=more, audience=audience)
    for pair in filter(None, swap.split(";")):
        old, new = pair.split("=>")
        text = text.replace(old, new)
    return File(path or f"{name}.md", "b" * 40, text.encode())


def said(found: Whole) -> list[tuple[str, int, str]]:
    return [(one.path, one.line, one.what) for one in found.faults]


FAULTY = {
    "an unknown key": ("more", "colour: red\n", 7, "`colour` is not a known key."),
    "an unknown type": ("swap", "runbook=>poem", 4, "`type`"),
    "no owner": ("swap", "owner: shop-team\n=>", 2, "`owner` is missing."),
    "a safeguard that is no number": ("more", "cis: [eleven]\n", 7, "`cis[0]`"),
    "a safeguard that YAML takes for a number": ("more", "cis: [3.10]\n", 7, "`cis[0]`"),
    "a control that no list has": ("more", "cis: ['19.1']\n", 7, "`cis[0]`"),
    "a function that no framework has": ("more", "ai_rmf: [BLAME 1.1]\n", 7, "`ai_rmf[0]`"),
    "an id that is a path": ("swap", "id: shop=>id: ../shop", 2, "`id`"),
    "a key twice": ("more", "owner: me\n", 7, "The key `owner` stands here twice."),
    "a tag of YAML": ("more", "licence: !!python/name:os.system x\n", 7, "The tag"),
    "no YAML": ("more", "cis: [\n", 7, "Not YAML"),
    "a date that is none": ("more", "review_due: soon\n", 7, "`review_due`"),
    "no front matter": ("swap", "---\nid=>id", 1, "It has no front matter."),
    "an end that is missing": ("swap", "---\n# Restart=># Restart", 1, "has no end."),
    "an id that is dead": ("more", "supersedes: [attic]\n", 7, "It supersedes attic, which is no"),
    "itself": ("more", "supersedes: [shop]\n", 7, "It supersedes shop, which is itself"),
    "a line without end": ("swap", f"By night=>{'x ' * 20_000}", 8, "longer than 32768 characters"),
    "a sign at the end of a line": ("swap", "By night.=>By night.\u2028", 10, "signs that nobody"),
    "a form feed": ("swap", "By night.=>By night.\x0c", 10, "signs that nobody"),
    "a hidden sign": ("swap", "By night=>By\u200bnight", 10, "signs that nobody sees"),
    "a reordering sign": ("swap", "By night=>\u202eBy night", 10, "signs that nobody sees"),
}


@pytest.mark.parametrize(("how", "text", "line", "what"), FAULTY.values(), ids=FAULTY.keys())
def test_a_fault_is_named_where_it_stands_and_stops_no_other(
    how: str, text: str, line: int, what: str
) -> None:
    found = whole([doc(**{how: text}), doc("well")])
    assert [one.front.id for one in found.documents] == ["well"]
    assert (found.faults[0].path, found.faults[0].line) == ("shop.md", line)
    assert what in found.faults[0].what
    assert all(one.mend for one in found.faults)


def test_a_file_that_is_not_text_is_named() -> None:
    found = whole([File("a.md", "", b"---\n\xff"), File("b.md", "", None, "It is a link.")])
    assert said(found) == [("a.md", 2, "Not UTF-8 text."), ("b.md", 1, "It is a link.")]


def test_front_matter_is_small() -> None:
    found = whole([doc(more=f"licence: {'x' * MOST_BYTES}\n")])
    assert [what for *_, what in said(found)] == ["Its front matter is larger than 16384 bytes."]


@pytest.mark.parametrize(("blanks", "found"), [(0, ["shop"]), (5, ["shop"]), (6, [])])
def test_a_fence_is_short_so_that_the_first_signs_of_a_document_hold_its_front(
    blanks: int, found: list[str]
) -> None:
    said_first = (doc().content or b"").decode()
    full = LIMITS.bytes - len(said_first.split("---\n")[1])
    text = (doc(more=f"#{'x' * (full - 1)}\n").content or b"").decode()
    text = text.replace("---", "---" + " " * blanks)
    for signs, again in ((text, False), (text[: indexing._FRONT], True)):
        made = whole([File("a.md", "b" * 40, signs.encode(), again=again)])
        assert ([one.front.id for one in made.documents], not made.faults) == (found, bool(found))


def test_an_id_that_two_have_is_neithers() -> None:
    found = whole([doc(path="a.md"), doc(path="b.md"), doc("well")])
    assert said(found) == [
        ("a.md", 2, "Its id shop is also that of b.md."),
        ("b.md", 2, "Its id shop is also that of a.md."),
    ]
    assert [one.front.id for one in found.documents] == ["well"]


def test_by_what_a_document_is_found() -> None:
    more = "cis: ['11.2']\ndomains: [storage]\nci_refs: [nas01]\nframeworks: [cis-v8.1]\n"
    (one,) = whole([doc(more=more + "ai_rmf: [MANAGE 2.3]\n", audience="both")]).documents
    assert set(one.tags) == {
        "type:runbook", "status:current", "audience:agent", "audience:human", "cis:11.2",
        "domain:storage", "ci:nas01", "framework:cis-v8.1", "ai_rmf:MANAGE 2.3",
    }  # fmt: skip
    assert one.chunks[0].first_line == 13
    assert one.text.split("\n")[12] == "# Restart"


def test_what_another_supersedes_is_not_current_unless_that_is_a_draft() -> None:
    old, new = doc("old"), doc("new", more="supersedes: [old]\n")
    draft = doc("draft", more="supersedes: [new]\nstatus: draft\n")
    found = {one.front.id: one.tags for one in whole([old, new, draft]).documents}
    status = {ref: [tag for tag in tags if "status" in tag] for ref, tags in found.items()}
    assert status == {
        "old": ["status:superseded"], "new": ["status:current"], "draft": ["status:draft"],
    }  # fmt: skip


def test_who_supersede_each_other_are_neither_of_them_newer() -> None:
    ring = [doc(f"d{n}", more=f"supersedes: [d{(n + 1) % 3}]\n") for n in range(3)]
    found = whole([*ring, doc("above", more="supersedes: [d0]\n")])
    assert [one.front.id for one in found.documents] == ["above"]
    assert said(found)[0] == ("d0.md", 7, "It supersedes d1, which supersedes it in turn.")


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_files_changes_nothing(dice: random.Random) -> None:
    files = [doc(f"d{n}", more="supersedes: [d1, gone]\n" if n % 3 else "") for n in range(8)]
    files += [doc("d2", path="twice.md"), File("bad.md", "", b"\xff")]
    expected = whole(files)
    dice.shuffle(files)
    assert whole(files) == expected


def test_every_key_is_documented() -> None:
    rows = PAGE.split("| key |")[1].split("\n\n")[0].splitlines()[2:]
    told = {name.strip(" `") for row in rows for name in row.split("|")[1].split(",")}
    assert told == set(FrontMatter.model_fields)
