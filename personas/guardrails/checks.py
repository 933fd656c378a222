"""System check: nothing starts on a rule that does not load."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from personas import conf as personas_conf
from personas.cards import read_cards
from personas.guardrails import conf
from personas.guardrails.language import read_rules
from personas.guardrails.loading import tools_of


@register
def check_rules(app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """Report every fault of the guardrails with file, line and mend."""
    del app_configs, options
    cards, _ = read_cards(personas_conf.cards_folder())
    _rules, faults = read_rules(conf.folders(), tools_of(cards))
    return [Error(f"{f.file}:{f.line}: {f.what}", f.mend, id="guardrails.E001") for f in faults]
