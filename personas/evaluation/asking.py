"""Asks an engine every case, one after the other; no fault of an engine ends the asking."""

from collections.abc import Iterable, Iterator

from adapters.inference.errors import InferenceError, MalformedAnswerError
from adapters.inference.port import Inference
from adapters.text import one_line
from personas.evaluation.cases import Case
from personas.evaluation.scoring import Grade, Verdict, unanswered, verdict


def ask_all(engine: Inference, cases: Iterable[Case]) -> Iterator[Verdict]:
    """Yield what each case's answer is worth, as it comes."""
    for case in cases:
        yield _ask(engine, case)


def _ask(engine: Inference, case: Case) -> Verdict:
    try:
        answer = engine.ask(case.question)
    except InferenceError as fault:
        grade: Grade = "malformed" if isinstance(fault, MalformedAnswerError) else "unanswered"
        return unanswered(case.document, grade, one_line(f"{fault.code}: {fault}", 200))
    return verdict(case.document, answer)
