"""What can go wrong when a question is asked."""

from adapters.errors import AdapterError


class InferenceError(AdapterError):
    """The base of the inference contract's errors."""

    code = "inference.error"


class NoAnswerError(InferenceError):
    """Nothing chose a candidate, and the question does not offer to escalate."""

    code = "inference.no_answer"
    hint = "Offer `escalate` among the candidates, or add a rule that fits the facts."


class FaultyRulesError(InferenceError):
    """The rule files have faults, so no question can be answered."""

    code = "inference.faulty_rules"
    hint = "Run `manage.py check`: it names file, line and mend of each fault."
