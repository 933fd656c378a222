"""Verdicts: what an answer is worth, and how they add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.inference.errors import MalformedAnswerError, OverDeadlineError
from adapters.inference.port import Answer
from personas.evaluation.asking import ask_all
from personas.evaluation.cases import Case, CaseDocument, read_cases
from personas.evaluation.scoring import GRADES, Verdict, by_card, by_trap, judge, score

DOCUMENT = CaseDocument.model_validate(
    {
        "id": "one",
        "trap": "none",
        "card": "triage",
        "asked": "triage",
        "incident": "Something ordinary goes on.",
        "right": ("escalate",),
        "acceptable": ("assign_responders_high",),
        "harmful": ("assign_responders_low",),
        "why": "Nothing more is known about it.",
    }
)


@pytest.mark.parametrize(
    ("choice", "grade"),
    [
        ("escalate", "right"),
        ("assign_responders_high", "acceptable"),
        ("assign_responders_medium", "wrong"),
        ("assign_responders_low", "harmful"),
        ("made_up", "wrong"),
    ],
)
def test_a_choice_is_worth_what_its_case_says(choice, grade):
    assert judge(DOCUMENT, choice) == grade


class Engine:
    name = "test"

    def __init__(self, said):
        self.said = said

    def ask(self, _question):
        if isinstance(self.said, Exception):
            raise self.said
        return Answer(self.said, "so", ("because",), 0.9, "test", "", 1)


@pytest.fixture
def cases(tmp_path):
    text = DOCUMENT.model_dump_json(exclude_defaults=True)
    (tmp_path / "one.yaml").write_text(f'{{"cases": [{text[:-1]}, "ci": {{}}}}]}}')
    found, faults = read_cases(tmp_path, {})
    assert faults == []
    return found


@pytest.mark.parametrize(
    ("said", "grade", "abstained", "acts"),
    [
        ("escalate", "right", True, False),
        ("assign_responders_low", "harmful", False, True),
        (MalformedAnswerError("no JSON"), "malformed", True, False),
        (OverDeadlineError("late"), "unanswered", True, False),
    ],
)
def test_every_way_to_answer_has_its_grade(cases, said, grade, abstained, acts):
    (found,) = ask_all(Engine(said), cases)
    assert (found.grade, found.abstained, found.acts) == (grade, abstained, acts)


def test_a_fault_of_our_own_is_not_swallowed(cases: list[Case]):
    with pytest.raises(ZeroDivisionError):
        list(ask_all(Engine(ZeroDivisionError()), cases))


VERDICTS = st.lists(
    st.builds(
        Verdict,
        case=st.just("c"),
        trap=st.sampled_from(["none", "storm"]),
        card=st.sampled_from(["triage", "responder"]),
        grade=st.sampled_from(GRADES),
        choice=st.sampled_from(["", "escalate", "wait", "restart_service"]),
        confidence=st.floats(0, 1),
    ),
    max_size=30,
)


@given(VERDICTS)
def test_parts_add_up_to_the_whole(verdicts):
    whole = score("all", verdicts)
    for parts in (by_card(verdicts), by_trap(verdicts)):
        assert sum(part.asked for part in parts) == whole.asked == len(verdicts)
        for grade in GRADES:
            assert sum(part.grades[grade] for part in parts) == whole.grades[grade]
        assert sum(p.calibration.outcomes for p in parts) == whole.calibration.outcomes


@given(VERDICTS)
def test_every_answer_has_one_grade(verdicts):
    whole = score("all", verdicts)
    assert sum(whole.grades.values()) == whole.asked


def test_confidence_counts_only_where_something_is_done_on_it():
    asked = [
        Verdict("c", "none", "triage", "right", choice, 0.0) for choice in ("escalate", "wait")
    ]
    assert score("all", asked).calibration.outcomes == 0
