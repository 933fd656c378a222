"""What runs may ask people: the words are written here, a model only chooses whether. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.json_value import JSON

ASK: Final = "ask_"
"""How a choice begins that asks the question of the name after it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the words that answer it; it is on offer where a fact has this value."""

    name: str
    title: str
    text: str
    words: str
    offered_where: tuple[str, JSON]

    def said(self, facts: Mapping[str, JSON]) -> str:
        """Return the question about this CI, in words of ours alone."""
        return self.text.format(ci=facts.get("ci.name", "the CI"), ref=facts.get("ci.ref", ""))

    def fits(self, facts: Mapping[str, JSON]) -> bool:
        """Tell whether it makes sense to ask, by what is known."""
        name, value = self.offered_where
        return facts.get(name) == value


QUESTIONS: Final[Mapping[str, Asked]] = {
    one.name: one
    for one in (
        Asked(
            name="is_meant",
            title="Ask people whether this CI is meant",
            text=(
                "The alert names another host than the one that {ci} ({ref}) runs on. Is {ci}"
                " meant? After a yes it is looked at and repaired as ever, within what agents may;"
                " after a no it is left alone."
            ),
            words="yes no",
            offered_where=("alert.names_other_host", True),
        ),
    )
}
"""Name -> what may be asked; the answer is the fact `answer.NAME` afterwards."""
