"""CIs follow from what the owner's sources say of each field: the database as the pure policy."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.db.utils import DatabaseError, ProgrammingError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import registry
from adapters.cmdb import models, precedence, services
from adapters.cmdb.embedded import Writer
from adapters.cmdb.models import Claim, Precedence
from adapters.cmdb.port import CI, Inventory
from adapters.rows import select

SHOP = CI(
    ref="shop",
    name="The shop",
    ci_class="web",
    attributes={"unit": "shop"},
    impact=1,
    urgency=2,
    user_facing=False,
    lifeline=False,
    host="",
    source="site",
    managed_by="declaration",
)


@pytest.fixture
def owner(become: Callable[[str], None]) -> Iterator[Callable[..., object]]:
    """`owner("site", CI...)` has a source say exactly this of CIs."""
    become("owner")
    yield lambda source, *cis: Writer().apply(Inventory(cis=cis), source=source)


def shop() -> CI:
    return registry.reader("cmdb").get("shop")


def test_each_field_is_of_whose_word_counts(owner: Callable[..., object]) -> None:
    owner("site", replace(SHOP, unsaid=frozenset({"impact"})))
    owner("import:a", replace(SHOP, name="Other", impact=3, attributes={"unit": "x", "os": "y"}))
    found = shop()
    assert (found.name, found.impact, found.source) == ("The shop", 3, "site")
    assert found.attributes == {"unit": "shop", "os": "y"}


def test_what_a_source_no_longer_says_is_anothers_word_again(owner: Callable[..., object]) -> None:
    owner("site", SHOP)
    owner("import:a", replace(SHOP, name="Other", attributes={}, managed_by="import"))
    owner("site")
    found = shop()
    assert (found.name, found.source, found.retired, found.attributes) == (
        *("Other", "import:a", False, {}),
    )
    owner("import:a")
    assert shop().retired is True


def test_nobody_unmakes_a_lifeline_by_saying_less(owner: Callable[..., object]) -> None:
    owner("site", replace(SHOP, lifeline=False))
    owner("import:a", replace(SHOP, lifeline=True))
    assert shop().lifeline is True


def test_a_value_is_said_since_it_changed(owner: Callable[..., object]) -> None:
    owner("site", SHOP)
    before = dict(Claim.objects.values_list("field", "since"))
    owner("site", replace(SHOP, impact=2))
    after = dict(Claim.objects.values_list("field", "since"))
    assert {name for name in after if after[name] != before[name]} == {"impact"}


def test_the_page_of_a_ci_says_whose_word_counts_and_what_the_others_say(
    owner: Callable[..., object],
) -> None:
    owner("site", SHOP)
    owner("import:a", replace(SHOP, name="<b>Other</b>", attributes={}))
    models.Known.objects.create(
        ref="itop:ci:7", source="itop", their_class="Server", their_id=7, name="shop",
        ci_class="server", said={"os": "Debian"}, ci_ref="shop",
    )  # fmt: skip
    row = models.CI.objects.get(ref="shop")
    page: Any = admin.site.get_model_admin(models.CI)
    said = str(page.whose_word(row))
    assert "<td>name</td><td>&quot;The shop&quot;</td><td>site<br>" in said
    assert "<td></td><td>&quot;&lt;b&gt;Other&lt;/b&gt;&quot;</td><td>import:a<br>" in said
    assert "<td>os (shown only)</td><td>&quot;Debian&quot;</td><td>itop:Server:7<br>" in said
    assert "os" not in shop().attributes


def test_a_row_that_was_changed_past_its_claims_is_made_right(owner: Callable[..., object]) -> None:
    owner("site", SHOP)
    models.CI.objects.update(impact=3)
    owner("site", SHOP)
    assert shop().impact == 1


def test_a_foreign_source_declares_nothing(owner: Callable[..., object]) -> None:
    for source in ("itop", "discovery", "other"):
        with pytest.raises(DatabaseError, match="nothing is declared by"):
            owner(source, SHOP)
    assert not models.CI.objects.exists()


def test_the_database_has_the_table_of_the_policy(owner: Callable[..., object]) -> None:
    found = Precedence.objects.order_by("place").values_list("kind", flat=True)
    assert tuple(found) == precedence.OWNERS


@pytest.mark.parametrize("role", ["app", "agent", "executor"])
def test_nobody_but_the_owner_claims(
    owner: Callable[..., object], become: Callable[[str], None], role: str
) -> None:
    owner("site", SHOP)
    become(role)
    with pytest.raises(ProgrammingError, match="permission denied"):
        services.say("site", [])
    with pytest.raises(ProgrammingError, match="permission denied"):
        Claim.objects.update(value=True)


WORDS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["A", "B"]),
        "impact": st.integers(1, 3),
        "lifeline": st.booleans(),
        "user_facing": st.booleans(),
        "attributes.unit": st.sampled_from(["x", None, ["y"], 1]),
        "attributes.os": st.sampled_from(["linux", True]),
    },
)
SOURCES = ("site", "desk", "import:a", "import:b")


@pytest.fixture
def undone(owner: Callable[..., object]) -> None:
    """Each example is taken back."""


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(said=st.dictionaries(st.sampled_from(SOURCES), WORDS, min_size=1))
def test_the_database_decides_as_the_policy(undone: None, said) -> None:
    with transaction.atomic():
        for source, words in said.items():
            whole = {"ref": True, "name": source, "ci_class": "web", **words}
            services.say(
                source,
                [{"ref": "shop", "field": name, "value": one} for name, one in whole.items()],
            )
        claims = [
            precedence.Claim(one.field, one.source, one.value, one.since)
            for one in Claim.objects.filter(ref="shop")
        ]
        wanted = {one.field: one.counts.value for one in precedence.stands(claims)}
        (row,) = select("SELECT *, attributes::text AS said FROM cmdb_ci WHERE ref = 'shop'")
        found = models.CI.objects.get(ref="shop")
        assert row["source"] == next(
            one.counts.source for one in precedence.stands(claims) if one.field == "ref"
        )
        assert (found.name, found.impact, found.lifeline, found.user_facing) == (
            *(wanted["name"], wanted.get("impact", 2), wanted.get("lifeline", False)),
            wanted.get("user_facing", False),
        )
        assert found.attributes == {
            name.removeprefix("attributes."): value
            for name, value in wanted.items()
            if name.startswith("attributes.")
        }
        transaction.set_rollback(True)
