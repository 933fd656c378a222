"""The join of keys with permits: single cases, and what holds for all of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telemetry.port import Observer, Use
from ethops.desk.key_use import (
    HELD_OPEN,
    LINGER,
    MISMATCHES,
    Permit,
    World,
    judge_end,
    judge_permit,
    judge_use,
)
from ethops.env import CLONE
from tests.doubles.other_side import AUTHORITY, COMMAND, KEYS, NAMED, OURS, RETIRED, STRANGE

T = datetime(2026, 3, 1, 12, tzinfo=UTC)
SKEW = 30


def at(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


def permit(
    begin: float = 0,
    end: float | None = 10,
    *,
    host: str = "web",
    shows: bool = True,
    remote: bool = True,
    commands: tuple[str, ...] | None = None,
    number: int = 1,
) -> Permit:
    ended = None if end is None else at(end)
    return Permit(
        UUID(int=number),
        "INC-1",
        "shop",
        host,
        "ethops",
        at(begin),
        ended,
        is_remote=remote,
        shows=shows,
        commands=commands,
    )


def login(seconds: float = 5, *, lasted: float | None = 1, **values: object) -> Use:
    made = Use(
        id=1, kind="login", host="web", at=at(seconds), after=at(seconds) - timedelta(minutes=1),
        seen_at=at(seconds) + timedelta(seconds=20), session="7", account="ethops", granted=True,
        method="publickey", fingerprint=OURS, authority="", address="10.9.0.5", port=1, run_as="",
        command="", ended_at=None if lasted is None else at(seconds + lasted), line="",
    )  # fmt: skip
    return replace(made, **values)  # type: ignore[arg-type]


def sudo(seconds: float = 5, command: str = COMMAND, **values: object) -> Use:
    return login(seconds, lasted=None, kind="elevation", fingerprint="", method="", command=command,
                 **values)  # fmt: skip


def observer(**values: object) -> Observer:
    made = Observer(
        host="web", source="file", silent_after_s=3600, skew_s=SKEW, began_at=at(-90_000),
        read_at=at(90_000), heard_until=at(90_000), gap_from=None, gap_until=None,
        clock_off_at=None, fault="",
    )  # fmt: skip
    return replace(made, **values)  # type: ignore[arg-type]


def world(*permits: Permit, watch: Observer | None = None) -> World:
    by_host: dict[str, list[Permit]] = {}
    for one in permits:
        by_host.setdefault(one.host, []).append(one)
    return World(KEYS, {"web": watch or observer()}, by_host)


@pytest.mark.parametrize(
    ("use", "permits", "faults"),
    [
        (login(), [permit()], []),
        (login(-SKEW), [permit()], []),
        (login(10 + SKEW), [permit()], []),
        (login(50_000), [permit(end=None)], []),
        (login(fingerprint=STRANGE, authority=AUTHORITY), [permit()], []),
        (login(address="fd00::9"), [permit()], []),
        (login(address="::ffff:10.9.0.5"), [permit()], []),
        (login(account="deploy"), [replace(permit(), account="")], []),
        (login(granted=False, lasted=None), [permit()], []),
        (login(fingerprint=""), [permit()], []),
        (sudo(), [permit(commands=(NAMED,))], []),
        (sudo(command="/bin/anything"), [permit()], []),
        (sudo(command="/bin/x"), [permit(commands=(NAMED,)), permit(commands=("/bin/x",))], []),
        (login(), [], ["no_permit"]),
        (login(7200), [permit()], ["no_permit"]),
        (login(-SKEW - 1), [permit()], ["outside_window"]),
        (login(10 + SKEW + 1), [permit()], ["outside_window"]),
        (login(), [permit(host="db")], ["wrong_host"]),
        (login(), [permit(remote=False)], ["no_permit"]),
        (login(), [permit(host="db", remote=False)], ["no_permit"]),
        (sudo(), [permit(remote=False)], []),
        (login(account="root"), [permit()], ["foreign_account"]),
        (login(account="root"), [], ["no_permit", "foreign_account"]),
        (login(account="deploy"), [permit()], ["foreign_account"]),
        (login(address="10.9.1.5"), [permit()], ["foreign_address"]),
        (login(address="UNKNOWN"), [permit()], ["foreign_address"]),
        (login(fingerprint=RETIRED), [permit()], ["retired_key"]),
        (login(fingerprint=STRANGE), [permit()], ["foreign_key"]),
        (login(fingerprint="", method="password"), [permit()], ["foreign_key"]),
        (login(granted=False, lasted=None), [], ["no_permit"]),
        (sudo(), [], ["no_permit"]),
        (sudo(command="/bin/sh"), [permit(commands=(NAMED,))], ["unnamed_command"]),
        (sudo(command=f"{COMMAND} ; x"), [permit(commands=(NAMED,))], ["unnamed_command"]),
        (sudo(), [permit(commands=())], ["unnamed_command"]),
        (sudo(account="deploy"), [permit()], ["foreign_account"]),
    ],
)
def test_a_use_is_explained_or_not(use: Use, permits: list[Permit], faults: list[str]) -> None:
    found = judge_use(use, world(*permits))
    assert list(found.faults) == faults
    assert found.verdict == (faults[0] if faults else "permitted")


def test_of_several_permits_the_last_one_before_it_explains_a_use() -> None:
    first, second, later = permit(0, 100, number=1), permit(3, 50, number=2), permit(9, number=3)
    assert judge_use(login(5), world(first, later, second)).permit == second


@pytest.mark.parametrize("off", [3600, -7200])
def test_a_clock_that_is_off_leaves_when_the_line_came(off: float) -> None:
    use = replace(login(5), at=at(5 + off), ended_at=at(6 + off))
    assert not judge_use(use, world(permit())).is_mismatch
    assert judge_end(use, world(permit())) is None
    far = replace(use, after=at(5000), seen_at=at(5060), at=at(5000 + 2 * off))
    assert judge_use(far, world(permit())).is_mismatch


@pytest.mark.parametrize(
    ("lasted", "outlived"),
    [
        (5, False),
        (5 + SKEW + LINGER.total_seconds(), False),
        (6 + SKEW + LINGER.total_seconds(), True),
        (None, False),
    ],
)
def test_a_session_may_linger_and_no_longer(lasted: float | None, outlived: bool) -> None:  # noqa: FBT001
    assert (judge_end(login(5, lasted=lasted), world(permit())) is not None) is outlived


def test_a_session_that_serves_a_later_permit_has_not_outlived_its_own() -> None:
    later = permit(5000, 5010, number=2)
    assert judge_end(login(5, lasted=5001), world(permit(), later)) is None


def test_what_was_a_mismatch_when_it_began_is_none_again_when_it_ends() -> None:
    assert judge_end(login(5, lasted=9000), world()) is None


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "no_session"),
        ({"heard_until": at(10 + SKEW)}, None),
        ({"heard_until": None}, None),
        ({"began_at": None}, "unobserved"),
        ({"began_at": at(-SKEW + 1)}, "unobserved"),
        ({"gap_from": at(5), "gap_until": at(6)}, "unobserved"),
        ({"gap_from": at(-100), "gap_until": at(100)}, "unobserved"),
        ({"gap_from": at(100), "gap_until": at(200)}, "no_session"),
    ],
)
def test_a_permit_without_a_login(change: dict[str, object], verdict: str | None) -> None:
    found = judge_permit(permit(), [], world(permit(), watch=observer(**change)))
    assert (found and found.verdict) == verdict


@pytest.mark.parametrize(
    ("use", "verdict"),
    [
        (login(), "seen"),
        (login(-100, lasted=90), "seen"),
        (login(-5000, lasted=None), "seen"),
        (login(fingerprint="", lasted=1), "seen"),
        (login(-100, lasted=60), "no_session"),
        (login(-HELD_OPEN.total_seconds() - SKEW - 1, lasted=None), "no_session"),
        (login(10 + SKEW + 1), "no_session"),
        (login(fingerprint=STRANGE), "no_session"),
        (login(fingerprint="", account="root"), "no_session"),
    ],
)
def test_which_login_proves_an_act(use: Use, verdict: str) -> None:
    found = judge_permit(permit(), [use], world(permit()))
    assert found
    assert found.verdict == verdict


@pytest.mark.parametrize("one", [permit(shows=False), permit(end=None)])
def test_nothing_is_expected_of_what_did_not_act_or_still_acts(one: Permit) -> None:
    assert judge_permit(one, [], world(one)) is None


def test_every_mismatch_is_explained_on_its_page() -> None:
    text = (CLONE / "docs/reference/telemetry.md").read_text(encoding="utf-8")
    assert [kind for kind, said in MISMATCHES.items() if f"| {kind} | {said} |" not in text] == []


# ---------------------------------------------------------------- what holds for all

seconds = st.integers(-20_000, 20_000)
permits = st.builds(
    lambda begin, length, host, number: permit(begin, begin + length, host=host, number=number),
    seconds,
    st.integers(0, 4000),
    st.sampled_from(["web", "db"]),
    st.integers(1, 10**9),
)
many = st.lists(permits, max_size=8)


@given(many, permits, st.floats(0, 1), st.floats(-SKEW, SKEW))
def test_a_use_within_a_permit_is_explained_whatever_else_is_permitted(
    others: Sequence[Permit], own: Permit, share: float, off: float
) -> None:
    own = replace(own, host="web")
    assert own.end
    true = own.begin + share * (own.end - own.begin)
    use = login((true - T).total_seconds() + off)
    assert not judge_use(use, world(*others, own)).is_mismatch


@given(many, seconds)
def test_a_use_outside_every_window_of_its_host_is_a_mismatch(
    others: Sequence[Permit], moment: int
) -> None:
    use, skew = login(moment), timedelta(seconds=SKEW)
    within = [
        one
        for one in others
        if one.host == "web" and one.end and one.begin - skew <= use.at <= one.end + skew
    ]
    assert judge_use(use, world(*others)).is_mismatch is (not within)


@given(many, permits, seconds)
def test_another_permit_never_makes_a_mismatch(
    others: Sequence[Permit], more: Permit, moment: int
) -> None:
    use = login(moment)
    if not judge_use(use, world(*others)).is_mismatch:
        assert not judge_use(use, world(*others, more)).is_mismatch


logins = st.lists(st.builds(lambda begin, lasted: login(begin, lasted=lasted), seconds,
                            st.integers(0, 3000)), max_size=8)  # fmt: skip


@given(permits, logins, seconds)
def test_another_login_never_unproves_an_act(own: Permit, seen: Sequence[Use], moment: int) -> None:
    own = replace(own, host="web")
    before = judge_permit(own, seen, world(own))
    after = judge_permit(own, [*seen, login(moment)], world(own))
    assert before
    assert after
    assert before.verdict == "no_session" or after.verdict == "seen"


@given(permits, logins, st.one_of(st.none(), seconds), st.one_of(st.none(), seconds))
def test_an_act_is_called_unseen_only_where_its_host_was_heard_throughout(
    own: Permit, seen: Sequence[Use], began: int | None, heard: int | None
) -> None:
    own = replace(own, host="web")
    watch = observer(
        began_at=None if began is None else at(began),
        heard_until=None if heard is None else at(heard),
    )
    found = judge_permit(own, seen, world(own, watch=watch))
    if found is not None and found.is_mismatch:
        assert own.end
        assert watch.began_at
        assert watch.heard_until
        assert watch.began_at < own.begin
        assert watch.heard_until > own.end
