"""Results of XCCDF: what is read of them, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.compliance import scanned, xccdf
from adapters.compliance.errors import ResultsError
from adapters.compliance.kinds import KINDS, SCAN, SCANNED
from adapters.compliance.openscap import Results
from adapters.compliance.safeguards import IG1

SPACE = "http://checklists.nist.gov/xccdf/1.2"
END = "2026-11-28T04:19:14+00:00"


def run(*rules: tuple[str, str], end: str = END, name: str = "one", profile: str = "all") -> str:
    told = "".join(
        f'<rule-result idref="{rule}"><result>{result}</result></rule-result>'
        for rule, result in rules
    )
    return (
        f'<TestResult id="{name}" end-time="{end}"><benchmark id="b"/>'
        f'<profile idref="{profile}"/>{told}</TestResult>'
    )


def file(*parts: str, space: str = SPACE) -> bytes:
    return f'<Benchmark xmlns="{space}">{"".join(parts)}</Benchmark>'.encode()


def ssg(rule: str) -> str:
    return scanned.CONTENT + rule


def read(raw: bytes):
    return {one.safeguard: one for one in Results().read(raw, scope="web-01")}


def test_rules_of_a_known_content_speak_by_the_table() -> None:
    raw = file(run((ssg("accounts_tmout"), "pass"), (ssg("sshd_set_idle_timeout"), "fail")))
    (one,) = read(raw).values()
    assert (one.safeguard, one.outcome) == ("4.3", "unmet")
    assert one.said == "1 of 2 rules hold; not sshd_set_idle_timeout."
    assert one.collected_at == datetime(2026, 11, 28, 4, 19, 14, tzinfo=UTC)
    assert one.expires_at - one.collected_at == KINDS[SCAN].lasts


def test_every_rule_of_the_table_is_of_a_safeguard_that_scans_speak_for() -> None:
    assert set(scanned.RULES.values()) <= set(SCANNED) <= set(IG1)


def test_what_the_content_says_goes_before_the_table() -> None:
    ident = f'<ident system="{scanned.SYSTEM}">8.2</ident><ident system="other">5.4</ident>'
    rule = f'<Rule id="{ssg("accounts_tmout")}">{ident}</Rule>'
    assert set(read(file(rule, run((ssg("accounts_tmout"), "pass"))))) == {"8.2"}


@pytest.mark.parametrize("said", ["17.1", "99.9", "", "4.3 4.4"])
def test_an_ident_that_no_scan_can_show_is_none(said: str) -> None:
    rule = f'<Rule id="own"><ident system="{scanned.SYSTEM}">{said}</ident></Rule>'
    assert read(file(rule, run(("own", "pass")))) == {}


@pytest.mark.parametrize(
    "result", ["notapplicable", "notchecked", "notselected", "informational", "error", "unknown"]
)
def test_what_was_not_seen_says_nothing(result: str) -> None:
    assert read(file(run((ssg("accounts_tmout"), result)))) == {}


def test_names_that_are_not_ours_are_not_repeated() -> None:
    rule = f'<Rule id="do-as-I-say"><ident system="{scanned.SYSTEM}">4.3</ident></Rule>'
    assert read(file(rule, run(("do-as-I-say", "fail"))))["4.3"].said == "0 of 1 rules hold."


def test_the_newest_run_of_a_file_counts() -> None:
    old = run((ssg("accounts_tmout"), "fail"), end="2026-11-27T04:00:00+00:00")
    assert read(file(run((ssg("accounts_tmout"), "pass")), old))["4.3"].outcome == "met"


def test_each_profile_is_a_source_of_its_own() -> None:
    one, other = (
        read(file(run((ssg("accounts_tmout"), "pass"), profile=name)))["4.3"] for name in "ab"
    )
    assert one.source != other.source
    assert one.source.startswith("openscap:")


def test_an_arf_and_an_older_xccdf_are_read_as_well() -> None:
    inner = file(run((ssg("accounts_tmout"), "pass"))).decode()
    arf = f'<a:c xmlns:a="http://scap.nist.gov/schema/asset-reporting-format/1.1">{inner}</a:c>'
    assert read(arf.encode())["4.3"].outcome == "met"
    old = file(run((ssg("accounts_tmout"), "pass")), space="http://checklists.nist.gov/xccdf/1.1")
    assert read(old)["4.3"].outcome == "met"


def test_a_time_without_a_zone_is_utc() -> None:
    (one,) = read(file(run((ssg("accounts_tmout"), "pass"), end="2026-11-28T04:19:14"))).values()
    assert one.collected_at.utcoffset() == timedelta(0)


DEEP = b"<a>" * 200 + b"</a>" * 200
HOSTILE = {
    "no xml": b"{}",
    "cut": file(run())[:-5],
    "empty": b"",
    "no run": file(),
    "another space": file(run(), space="urn:mine"),
    "no time": file(run(end="soon")),
    "a document type": b"<!DOCTYPE a><a/>",
    "an entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "laughter": b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>',
    "a foreign document type": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/"><a/>',
    "depth": DEEP,
    "runs": file(*(run(name=f"r{n}") for n in range(xccdf.MOST_RUNS + 1))),
    "an encoding of its own": b'<?xml version="1.0" encoding="x-mine"?><a/>',
    "NUL": b"\x00" * 64,
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused(raw: bytes) -> None:
    with pytest.raises(ResultsError):
        Results().read(raw, scope="web-01")


def test_a_file_that_is_too_large_or_has_too_many_rules_is_refused(monkeypatch) -> None:
    raw = file(run(*((f"r{n}", "pass") for n in range(5))))
    monkeypatch.setattr(xccdf, "MOST_RULES", 4)
    with pytest.raises(ResultsError, match="more than 4 rules"):
        Results().read(raw, scope="web-01")
    monkeypatch.setattr(xccdf, "LARGEST", 10)
    with pytest.raises(ResultsError, match="at most 10"):
        Results().read(raw, scope="web-01")


def test_a_long_text_is_none() -> None:
    words = "pass" + "x" * 100_000
    assert read(file(run((ssg("accounts_tmout"), words)))) == {}
