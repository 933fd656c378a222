"""What a person typed and was refused: it is shown again where he typed it, and why not."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.forms import Form
from django.http import HttpRequest

from ethops.pages.words import listed


@dataclass(frozen=True, slots=True)
class Typed:
    """A form that was refused: which of the page's, its reason, and why not.

    The code of a second factor is not of it: it is used up, or it was wrong.
    """

    act: str
    why: str
    told: str

    def lost(self, offered: Mapping[str, bool]) -> str:
        """Return the reason where the page no longer offers the form in which it would stand."""
        return "" if offered.get(self.act) else self.why


def refused(request: HttpRequest, act: str, told: str) -> Typed:
    """Return what was typed, with why it was refused."""
    return Typed(act, request.POST.get("why", ""), told)


def unread(request: HttpRequest, act: str, form: Form) -> Typed:
    """Return what was typed into a form that cannot be read."""
    told = listed([str(each[0]) for each in form.errors.values()])
    return refused(request, act, f"One field cannot be used: {told}")
