"""The rule engine: ordered transparent rules, answered in place, with every reason said."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from adapters.inference import matching
from adapters.inference.errors import FaultyRulesError, NoAnswerError
from adapters.inference.port import ESCALATE, Answer, Question
from adapters.inference.rules import FIELD, SHIPPED, Rule, look_up, read_rules
from adapters.json_value import JSON
from adapters.text import one_line

SAY_LIMIT: Final = 1000
LOOKED_AT_LIMIT: Final = 24
"""Facts listed when no rule fits."""


class Inference:
    """Answers by the first rule whose conditions hold and whose choice is on offer."""

    name = "rules"

    def __init__(self, *, site_rules: Path | None = None) -> None:
        files = [site_rules, SHIPPED] if site_rules else [SHIPPED]
        self._rules: tuple[Rule, ...] = tuple(rule for file in files for rule in _load(file))

    def ask(self, question: Question) -> Answer:
        """Choose one of the candidates; where no rule fits, escalate and say what was seen."""
        began = time.perf_counter()
        offered = {candidate.id for candidate in question.candidates}
        rule = self._fitting(question, offered)
        if rule is not None:
            choice, name, confidence = rule.choose, rule.id, rule.confidence
            say = _fill(rule.say, question.facts)
            why = matching.reasons(rule, question.facts)
        elif ESCALATE in offered:
            choice, name, confidence = ESCALATE, "", 0.0
            say = f"No rule fits what is known for the question {question.kind}."
            why = _looked_at(question.facts)
        else:
            raise NoAnswerError(
                f"No rule fits the question {question.kind} and escalate is not on offer."
            )
        return Answer(
            choice=choice,
            say=say,
            why=why,
            confidence=confidence,
            engine=self.name,
            rule=name,
            elapsed_us=round((time.perf_counter() - began) * 1_000_000),
        )

    def _fitting(self, question: Question, offered: set[str]) -> Rule | None:
        for rule in self._rules:
            if (
                rule.question == question.kind
                and rule.choose in offered
                and matching.holds(rule, question.facts)
            ):
                return rule
        return None


def _load(file: Path) -> Sequence[Rule]:
    found = read_rules(file)
    if found.value is None:
        raise FaultyRulesError("; ".join(map(str, found.faults)))
    return found.value.rules


def _fill(template: str, facts: Mapping[str, JSON]) -> str:
    """Put facts into a template: names alone, no attribute, no format specification."""
    text = FIELD.sub(lambda found: matching.shown(look_up(facts, found[1])), template)
    return one_line(text, SAY_LIMIT)


def _looked_at(facts: Mapping[str, JSON]) -> tuple[str, ...]:
    flat = sorted(_flat(facts).items())
    lines = [f"{path} is {matching.shown(value)}" for path, value in flat[:LOOKED_AT_LIMIT]]
    if len(flat) > LOOKED_AT_LIMIT:
        lines.append(f"and {len(flat) - LOOKED_AT_LIMIT} more facts")
    return tuple(one_line(line, 200) for line in lines)


def _flat(facts: Mapping[str, JSON], prefix: str = "", depth: int = 4) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for key, value in facts.items():
        if isinstance(value, Mapping) and depth:
            found |= _flat(value, f"{prefix}{key}.", depth - 1)
        else:
            found[f"{prefix}{key}"] = value
    return found
