"""A site's data model is read as a stranger's, and what of it does not fit us is named."""

from pathlib import Path

import pytest

from adapters.tickets.itop import datamodel
from adapters.tickets.itop.datamodel import parsed
from adapters.tickets.itop.errors import ItopModelError
from adapters.tickets.itop.findings import Declared, Finding, expected, of_model
from tests.doubles.itop import model
from tests.doubles.itop.life import LIVES


def found(text: str, declared: Declared | None = None) -> list[Finding]:
    return list(of_model(parsed(text.encode()), declared or {}))


def changed(attributes: str = "", states: str = "") -> str:
    """A file of a site's changes to incidents alone."""
    return model.design(model.of_class("Incident", "Ticket", attributes, states))


def test_itop_as_it_comes_fits() -> None:
    assert found(model.standard()) == []


@pytest.mark.parametrize("itop_class", sorted(LIVES))
def test_every_transition_that_we_need_is_one_of_itops(itop_class: str) -> None:
    life = LIVES[itop_class]
    assert {key: life[key[0]][key[1]] for key in expected(itop_class)} == expected(itop_class)


def test_a_mandatory_attribute_of_the_sites_is_named_with_its_mend() -> None:
    (one,) = found(changed(model.attribute("cost_center", needed=True)))
    assert (one.severity, one.where) == ("error", "Incident.cost_center")
    assert "itop.fields" in one.mend


@pytest.mark.parametrize(
    ("kind", "needed", "default"),
    [("String", False, ""), ("Enum", True, "no"), ("LinkedSetIndirect", True, "")],
)
def test_what_need_not_be_given_is_no_finding(kind: str, needed: bool, default: str) -> None:  # noqa: FBT001
    assert found(changed(model.attribute("own", kind, needed=needed, default=default))) == []


def test_what_the_site_declares_is_no_finding() -> None:
    text = changed(model.attribute("cost_center", needed=True))
    assert found(text, {("Incident", "create"): frozenset({"cost_center"})}) == []


def test_what_the_site_declares_and_itop_has_not_is_one() -> None:
    text = changed(model.attribute("cost_center", needed=True))
    names = frozenset({"cost_center", "cost_centre"})
    (one,) = found(text, {("Incident", "create"): names})
    assert (one.topic, one.where) == ("site file", "itop.fields Incident create: cost_centre")


def life(**states: str) -> str:
    """An incident's life cycle with some of its states written anew."""
    return "".join(
        states.get(name, model.state(name, leads)) for name, leads in LIVES["Incident"].items()
    )


def test_a_transition_that_is_gone_or_leads_elsewhere_is_named() -> None:
    states = life(
        new=model.state("new", {"ev_assign": "triage"}),
        resolved=model.state("resolved", {"ev_close": "closed"}),
    )
    told = {one.where: one.what for one in found(changed(states=states))}
    assert "ev_assign leads to triage" in told["Incident new"]
    assert "ev_reopen is not there" in told["Incident resolved"]


@pytest.mark.parametrize("delta", ["must_exist", "merge", ""])
def test_what_a_file_of_changes_does_not_say_is_as_it_was(delta: str) -> None:
    states = model.state("assigned", {"ev_to_vendor": "pending"}, delta=delta)
    assert found(changed(states=states)) == []


def test_a_state_or_a_transition_that_a_change_takes_away_is_named() -> None:
    gone = '<transition id="ev_resolve" _delta="delete"/>'
    states = model.state("assigned", {}, delta="must_exist").replace(
        "<transitions>", f"<transitions>{gone}"
    )
    states += model.state("pending", {}, delta="delete")
    told = {one.where: one.what for one in found(changed(states=states))}
    assert set(told) == {"Incident assigned", "Incident pending"}
    assert told["Incident assigned"].startswith("ev_resolve is not there")
    assert told["Incident pending"].startswith("There is no such state. ev_assign would leave it.")


def test_a_whole_model_without_a_state_is_named_once() -> None:
    text = model.standard().replace('<state id="monitored"', '<state id="watched"')
    told = [one for one in found(text) if one.topic == "life cycle"]
    assert {one.where for one in told if "no such state" in one.what} == {
        *("RoutineChange monitored", "NormalChange monitored", "EmergencyChange monitored")
    }


def test_a_state_of_the_sites_own_is_named() -> None:
    states = life() + model.state("waiting_vendor", {"ev_assign": "assigned"})
    (one,) = found(changed(states=states))
    assert (one.severity, one.where) == ("warning", "Incident waiting_vendor")


@pytest.mark.parametrize(("kind", "severity"), [("String", "error"), ("ExternalKey", "warning")])
def test_what_is_mandatory_in_a_state_is_named_once(kind: str, severity: str) -> None:
    states = life(resolved=model.state("resolved", LIVES["Incident"]["resolved"], ("root_cause",)))
    (one,) = found(changed(model.attribute("root_cause", kind), states))
    assert (one.severity, one.where) == (severity, "Incident resolved: root_cause")
    given: Declared = {("Incident", "resolved"): frozenset({"root_cause"})}
    assert found(changed(model.attribute("root_cause", kind), states), given) == []


def test_flags_are_inherited_from_another_state() -> None:
    states = life(
        assigned=model.state("assigned", LIVES["Incident"]["assigned"], ("shift",)),
        pending=model.state("pending", LIVES["Incident"]["pending"], (), "assigned"),
    )
    wheres = {one.where for one in found(changed(states=states))}
    assert wheres == {"Incident assigned: shift", "Incident pending: shift"}


def test_a_class_that_is_gone_and_one_of_the_sites_own() -> None:
    text = model.standard(model.of_class("SecurityIncident", "Incident")).replace(
        'id="Problem"', 'id="Trouble"'
    )
    told = {one.where: one for one in found(text)}
    assert told["Problem"].severity == "error"
    assert told["SecurityIncident"].severity == "warning"


def test_what_was_deleted_by_a_change_is_not_there() -> None:
    text = model.standard().replace(
        '<field id="solution" xsi:type="AttributeString" _delta="define">',
        '<field id="solution" xsi:type="AttributeString" _delta="delete">',
    )
    assert {one.topic for one in found(text)} == {"attribute"}


HARMFUL = {
    "a bomb": '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><itop_design>&b;</itop_design>',
    "our files": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><itop_design>&a;</itop_design>',
    "a type elsewhere": '<!DOCTYPE x SYSTEM "http://example.org/x.dtd"><itop_design/>',
    "too deep": "<itop_design>" + "<a>" * 100 + "</a>" * 100 + "</itop_design>",
    "no XML": "class: Incident",
    "half of one": "<itop_design><classes>",
    "another file": "<html/>",
    "another writing": '<?xml version="1.0" encoding="euc-jp"?><itop_design/>',
    "an entity of nobody": "<itop_design>&nothing;</itop_design>",
}


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL)
def test_what_harms_is_refused(text: str) -> None:
    with pytest.raises(ItopModelError):
        parsed(text.encode())


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.xml"
    path.write_text(model.standard(), encoding="utf-8")
    assert datamodel.read(path).whole
    monkeypatch.setattr(datamodel, "LARGEST", 10)
    with pytest.raises(ItopModelError, match="larger"):
        datamodel.read(path)
    with pytest.raises(ItopModelError, match="cannot be read"):
        datamodel.read(tmp_path / "none.xml")
