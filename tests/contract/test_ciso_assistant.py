"""A CISO Assistant as a peer of compliance: read in full, believed as a person's word, never more.

Its answers are those of 3.20, as its serializers and its own tests have them.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from adapters import kits
from adapters.compliance import assessed, ciso_api, ciso_assistant, embedded, services
from adapters.compliance.ciso_api import Api
from adapters.compliance.errors import AssessmentsError
from adapters.compliance.safeguards import CIS, IG1
from adapters.conformance import tried
from ethops import peers
from tests.contract.test_compliance import RECORDED, fact
from tests.contract.test_conformance import MARKER, results
from tests.doubles.ciso import AUDIT, TOKEN, Ciso
from tests.doubles.peer import BEGUN, Peer, silent

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).isoformat().replace("+00:00", "Z")
LIST = "/api/requirement-assessments/"


@pytest.fixture(autouse=True)
def _alone(become: Callable[[str], None]) -> None:
    become("app")


@pytest.fixture
def ciso(settings: Any, tmp_path: Path) -> Iterator[Ciso]:
    """A CISO Assistant that variables name, with an audit of three that were judged."""
    secret = tmp_path / "ciso.token"
    secret.write_text(f"{TOKEN}\n", encoding="utf-8")
    there = Ciso()
    named = {
        "ETHOPS_CISO_URL": there.url, "ETHOPS_CISO_AUDIT": AUDIT,
        "ETHOPS_CISO_TOKEN_FILE": str(secret),
    }  # fmt: skip
    settings.ADAPTERS = {**settings.ADAPTERS, **peers.chosen(named)}
    there.judge("14.1", "compliant", at=YESTERDAY)
    there.judge("17.1", "partially_compliant", at=YESTERDAY)
    there.judge("11.4", "non_compliant", at=YESTERDAY)
    yield there
    there.close()


def read() -> dict[str, str]:
    return {one.safeguard: one.outcome for one in ciso_assistant.Assessments().read()}


def stands(safeguard: str) -> tuple[str, str, str]:
    (found,) = [
        one
        for one in ciso_assistant.Reader().findings(CIS)
        if (one.safeguard, one.scope) == (safeguard, "")
    ]
    return found.strength, found.ground, found.known


# ---------------------------------------------------------------- the kit
@pytest.mark.parametrize(("role", "held", "cannot"),
                         [("owner", 22, 0), ("app", 20, 2), ("agent", 7, 15)])  # fmt: skip
def test_the_kit_holds_under_every_role(
    become: Callable[[str], None], ciso: Ciso, role: str, held: int, cannot: int
) -> None:
    become(role)
    found = results(kits.kit("compliance"), kits.module("compliance", "ciso_assistant"))
    assert (len(found["held"]), len(found["cannot"])) == (held, cannot)
    assert ciso_assistant.Reader().observations() == ()


class Vain(ciso_assistant.Reader):
    """Calls everything measured."""

    def findings(self, framework: str, **more: Any) -> Any:
        return tuple(replace(one, known="measured") for one in super().findings(framework, **more))


def test_an_adapter_that_calls_words_measured_is_found_out(ciso: Ciso) -> None:
    kit = kits.kit("compliance")
    adapter = SimpleNamespace(**{**vars(ciso_assistant), "Reader": Vain})
    seen = tried(kit, kit.bench(cast("ModuleType", adapter), MARKER, {}))
    assert "What people judge elsewhere is never measured" in {
        one.title for one in seen if one.verdict == "failed"
    }


# ---------------------------------------------------------------- what is judged there
def test_what_is_judged_there_is_a_word_here(ciso: Ciso) -> None:
    done = ciso_assistant.Collector().collect([fact()])
    assert (done.kept, done.faults) == (4, ())
    assert stands("14.1") == stands("17.1") == ("partial", "evidence", "attested")
    assert stands("11.4") == ("none", "contradicted", "attested")
    assert stands("4.6") == ("partial", "evidence", "measured")
    said = {one.safeguard: one.said for one in ciso_assistant.Reader().observations(scope="")}
    assert said["17.1"] == (
        "Somebody called it partially compliant in an audit at CISO Assistant,"
        f" in a row last changed on {YESTERDAY[:10]}."
    )
    assert "Ignore" not in "".join(said.values())
    again = ciso_assistant.Collector().collect([])
    assert (again.kept, again.repeated) == (0, 3)


def test_what_is_judged_anew_counts_at_once(ciso: Ciso) -> None:
    ciso_assistant.Collector().collect([])
    ciso.judge("11.4", "compliant", at=datetime.now(UTC).isoformat())
    ciso_assistant.Collector().collect([])
    assert stands("11.4") == ("partial", "evidence", "attested")


SILENT: dict[str, dict[str, Any]] = {
    "not assessed": {"result": "not_assessed"},
    "not applicable": {"result": "not_applicable"},
    "left out": {"selected": False},
    "more than a year ago": {"at": (datetime.now(UTC) - timedelta(days=367)).isoformat()},
}


def read_before(ciso: Ciso, audit: str = AUDIT) -> None:
    """Three days ago it was read as it is now."""
    then = datetime.now(UTC) - timedelta(days=3)
    services.keep(assessed.observed(audit, list(ciso.rows.values()), then))


def test_a_non_compliant_counts_as_long_as_it_stands(ciso: Ciso) -> None:
    read_before(ciso)
    assert stands("11.4") == ("none", "expired", "none")
    assert ciso_assistant.Collector().collect([]).kept == 3
    assert stands("11.4") == ("none", "contradicted", "attested")


def test_a_non_compliant_of_another_audit_ends(ciso: Ciso) -> None:
    read_before(ciso, "11111111-of-the-last-year")
    ciso.judge("11.4", "compliant", at=YESTERDAY)
    ciso_assistant.Collector().collect([])
    assert stands("11.4") == ("partial", "evidence", "attested")


@pytest.mark.parametrize("name", SILENT)
def test_a_non_compliant_that_says_nothing_any_more_ends(ciso: Ciso, name: str) -> None:
    read_before(ciso)
    ciso.judge("11.4", **{"result": "non_compliant", "at": YESTERDAY, **SILENT[name]})
    ciso_assistant.Collector().collect([])
    assert stands("11.4") == ("none", "expired", "none")


def test_a_non_compliant_ends_where_no_audit_is_set(ciso: Ciso) -> None:
    read_before(ciso)
    embedded.Collector().collect([])
    assert stands("11.4") == ("none", "expired", "none")


@pytest.mark.parametrize("more", SILENT.values(), ids=list(SILENT))
def test_what_says_nothing_is_nothing(ciso: Ciso, more: dict[str, Any]) -> None:
    ciso.judge("14.1", **{"result": "compliant", "at": YESTERDAY, **more})
    assert "14.1" not in read()


def test_where_steps_are_kept_only_what_is_done_counts(ciso: Ciso) -> None:
    for number, status in (("14.1", "in_review"), ("17.1", "done"), ("11.4", "to_do")):
        ciso.judge(number, "compliant", at=YESTERDAY, status=status)
    assert read() == {"17.1": "met"}
    ciso.steps = False
    for number in ("14.1", "17.1", "11.4"):
        ciso.judge(number, "compliant", at=YESTERDAY, status="to_do")
    assert set(read()) == {"14.1", "17.1", "11.4"}


def test_where_nothing_that_was_judged_is_done_a_person_is_told(ciso: Ciso) -> None:
    for number in ("14.1", "17.1", "11.4"):
        ciso.judge(number, "compliant", at=YESTERDAY, status="to_do")
    with pytest.raises(AssessmentsError, match="Of 3 that were judged none has the status 'done'"):
        read()
    for number in ("14.1", "17.1", "11.4"):
        ciso.judge(number, "not_assessed", at=YESTERDAY, status="to_do")
    assert read() == {}


def test_what_was_done_long_ago_was_done(ciso: Ciso) -> None:
    ciso.judge("14.1", "compliant", at="2024-01-05T08:00:00.000000Z")
    for number in ("17.1", "11.4"):
        ciso.judge(number, "compliant", at=YESTERDAY, status="in_progress")
    assert read() == {}


def test_what_is_not_selected_waits_for_no_status(ciso: Ciso) -> None:
    for number in ("14.1", "17.1", "11.4"):
        ciso.judge(number, "compliant", at=YESTERDAY, status="to_do", selected=False)
    assert read() == {}


def test_numbers_of_another_framework_are_not_ours(ciso: Ciso) -> None:
    ciso.judge("13.1", "compliant", at=YESTERDAY)
    ciso.node = "urn:intuitem:risk:req_node:iso27001-2022:{}"
    ciso.judge("5.1", "compliant", at=YESTERDAY)
    ciso.node = "urn:our-own:risk:req_node:cis-controls-v8.1:{}"
    ciso.judge("5.2", "compliant", at=YESTERDAY)
    assert set(read()) == {"14.1", "17.1", "11.4", "5.2"}
    ciso.rows = {"5.1": ciso.rows["5.1"]}
    with pytest.raises(AssessmentsError, match="no requirement of the CIS Controls"):
        read()


def test_an_audit_is_read_page_by_page_to_its_end(
    ciso: Ciso, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ciso_api, "PAGE", 10)
    for number in IG1:
        ciso.judge(number, "compliant", at=YESTERDAY)
    assert len(read()) == 56
    assert ciso.asked.count(LIST) == 6


# ---------------------------------------------------------------- what goes wrong
BROKEN = {
    "away": (LIST, (503, b"upstream"), "503 upstream"),
    "a redirect": (LIST, (302, b""), "302"),
    "no JSON": (LIST, (200, b"<html>"), "no JSON"),
    "no list": (LIST, (200, b"[]"), "no list of pages"),
    "no count": (LIST, (200, b'{"count": Infinity, "results": []}'), "no list of pages"),
    "half a list": (LIST, (200, b'{"count": 3, "results": []}'), "counts 3 and gave 0"),
    "another shape": (LIST, (200, b'{"count": 1, "results": [{"id": 1}]}'), "shape we know"),
    "another version": ("/api/build/", (200, b'{"version": "v9.0.0"}'), "'v9.0.0'"),
    "no version": ("/api/build/", (200, b"[]"), "version is None"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_answer_is_a_fault_and_facts_are_kept_all_the_same(
    ciso: Ciso, name: str
) -> None:
    path, answer, said = BROKEN[name]
    ciso.broken[path] = answer
    done = ciso_assistant.Collector().collect([fact()])
    (fault,) = done.faults
    assert (done.kept, fault.startswith("CISO Assistant: "), said in fault) == (1, True, True)


def test_a_field_that_its_user_may_not_see_is_named(ciso: Ciso) -> None:
    del ciso.rows["14.1"]["result"]
    with pytest.raises(AssessmentsError, match=r"KeyError.'result'"):
        read()


def test_a_wrong_token_and_an_unknown_audit_are_told(ciso: Ciso, settings: Any) -> None:
    said = settings.ADAPTERS["compliance"]
    Path(said["token_file"]).write_text("another", encoding="utf-8")
    with pytest.raises(AssessmentsError, match=r"401 .*Invalid token"):
        read()
    Path(said["token_file"]).write_text(TOKEN, encoding="utf-8")
    said["audit"] = AUDIT.replace("0", "1")
    with pytest.raises(AssessmentsError, match=r"400 .*valid choice"):
        read()
    Path(said["token_file"]).unlink()
    with pytest.raises(AssessmentsError, match="No such file"):
        read()


UNFIT = {
    "two lines": b"secret-one\nsecret-two\n",
    "a mark of byte order": b"\xef\xbb\xbfsecret-one",
    "a blank": b"secret one",
    "a control": b"secret\x00one",
    "not ASCII": "secret-\u00e9".encode(),
    "too long": b"secret" * 100,
    "nothing": b"\n",
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_is_no_token_is_sent_nowhere_and_never_told(
    ciso: Ciso, settings: Any, name: str
) -> None:
    Path(settings.ADAPTERS["compliance"]["token_file"]).write_bytes(UNFIT[name])
    (fault,) = ciso_assistant.Collector().collect([]).faults
    assert "it is not one line of visible ASCII characters alone" in fault
    assert "secret" not in fault
    assert ciso.asked == []


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


def test_all_of_it_is_read_in_one_time_or_not_at_all(
    ciso: Ciso, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(ciso_api, "time", SimpleNamespace(monotonic=lambda: now[0]))
    api = Api(ciso.url, TOKEN)
    api.get("/build/")
    now[0] = ciso_api.ALL_SECONDS
    with pytest.raises(AssessmentsError, match=r"GET /build/: .*no end in time"):
        api.get("/build/")
    assert ciso.asked == ["/api/build/"]


def test_one_that_is_silent_is_waited_for_to_the_end_of_the_round(peer: Peer) -> None:
    peer.speak = silent
    with pytest.raises(AssessmentsError, match=r"GET /build/: .*no end in time"):
        Api(peer.url, TOKEN, seconds=0.2).get("/build/")


def test_bytes_that_come_do_not_put_off_the_end_of_a_round(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.sends(BEGUN)
    # Each look at the clock is fifty of the round's sixty seconds later than the last.
    clock = SimpleNamespace(monotonic=count(step=50.0).__next__)
    monkeypatch.setattr(ciso_api, "time", clock)
    with pytest.raises(AssessmentsError, match="no end in time"):
        Api(peer.url, TOKEN).get("/build/")


def test_a_token_goes_over_https_alone_and_nowhere_else(ciso: Ciso) -> None:
    with pytest.raises(AssessmentsError, match="over https alone"):
        Api("http://ciso.example", TOKEN)
    with pytest.raises(AssessmentsError, match="Invalid IPv6"):
        Api("https://[ciso.example", TOKEN)
    with pytest.raises(AssessmentsError, match="GET /x/"):
        Api("http://127.0.0.1:9", TOKEN).get("/x/")


def test_a_folder_of_results_is_read_beside_it(ciso: Ciso, settings: Any, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "web-01.xml").write_bytes(RECORDED)
    settings.ADAPTERS["compliance"]["folder"] = str(folder)
    assert ciso_assistant.Collector().collect([]).kept == 3 + 2
