"""Which CI, and through it which inventory host, an alert means: by declared rules alone."""

from collections.abc import Mapping, Sequence

from adapters.cmdb.port import CI, Condition, Join, JoinRule


def join(labels: Mapping[str, str], cis: Sequence[CI], rules: Sequence[JoinRule]) -> Join:
    """Ask every rule; the CIs they name must come down to exactly one.

    All rules are asked, not the first that fits: two rules that name different CIs are a
    contradiction a person must see, so that is ambiguous, as is one rule that names two.
    """
    live = [ci for ci in cis if not ci.retired]
    report: list[str] = []
    named: dict[str, CI] = {}
    for rule in rules:
        found, sentence = _ask(rule, labels, live)
        report.append(sentence)
        named |= {ci.ref: ci for ci in found}
    if len(named) == 1:
        ci = next(iter(named.values()))
        where = f"on inventory host {ci.host}" if ci.host else "without an inventory host"
        report.append(f"Joined: the alert means {ci.ref}, {where}.")
        return Join("joined", ci.ref, ci.host or None, tuple(report))
    if named:
        report.append(f"Ambiguous: {_listed(sorted(named))} could be meant; comment only.")
        return Join("ambiguous", None, None, tuple(report))
    report.append("Not joined: no rule named a CI; comment only.")
    return Join("none", None, None, tuple(report))


def _ask(rule: JoinRule, labels: Mapping[str, str], cis: Sequence[CI]) -> tuple[list[CI], str]:
    absent = [condition.label for condition in rule.conditions if not labels.get(condition.label)]
    if absent:
        return [], f"Rule {rule.name} did not apply: the alert has no label {_listed(absent)}."
    wanted = [(condition, labels[condition.label]) for condition in rule.conditions]
    found = [ci for ci in cis if all(_holds(condition, value, ci) for condition, value in wanted)]
    asked = " and ".join(
        f"{_place(condition)} = {value!r} (label {condition.label})" for condition, value in wanted
    )
    if not found:
        return [], f"Rule {rule.name} found no CI with {asked}."
    return found, f"Rule {rule.name} found {_listed([ci.ref for ci in found])} by {asked}."


def _holds(condition: Condition, value: str, ci: CI) -> bool:
    return value in values(condition, ci)


def values(condition: Condition, ci: CI) -> tuple[str, ...]:
    """Return the values of a label by which a condition means this CI."""
    if not condition.attribute:
        fields = {"ref": ci.ref, "name": ci.name, "ci_class": ci.ci_class, "host": ci.host}
        return (fields.get(condition.field, ""),)
    held = ci.attributes.get(condition.field)
    said = held if isinstance(held, list | tuple) else (held,)
    single = not isinstance(held, list | tuple)
    return tuple(
        str(one)
        for one in said
        if isinstance(one, str | int) and not (single and isinstance(one, bool))
    )


def _place(condition: Condition) -> str:
    return f"attribute {condition.field}" if condition.attribute else condition.field


def _listed(words: Sequence[str]) -> str:
    shown = ", ".join(words[:8])
    return shown if len(words) <= 8 else f"{shown} and {len(words) - 8} more"
