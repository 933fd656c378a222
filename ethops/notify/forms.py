"""Contacts and rules as people write them at the desk, with what is wrong beside its field."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from adapters.levels import TextRefusedError, zone
from adapters.tickets.states import MOVES, all_states
from ethops.notify.models import Contact, Rule

PRIORITIES = ("P1", "P2", "P3", "P4")


class ContactForm(forms.ModelForm[Contact]):
    """How somebody is reached."""

    class Meta:
        """All that a file could declare."""

        model = Contact
        fields = (
            "name", "kind", "target", "zone", "quiet_from", "quiet_to", "handover_at",
            "escalates_to",
        )  # fmt: skip

    def clean_zone(self) -> str:
        """Refuse a zone that this machine does not know."""
        try:
            return zone(self.cleaned_data["zone"])
        except TextRefusedError as fault:
            raise ValidationError(str(fault)) from fault

    def clean(self) -> dict[str, Any]:
        """Hold the target against the kind, and quiet hours against each other."""
        said = super().clean() or {}
        target = str(said.get("target") or "").strip()
        if target and said.get("kind") == "mail":
            try:
                validate_email(target)
            except ValidationError:
                self.add_error("target", "Write an address of mail, such as ops@example.org.")
        elif target and not _is_url(target):
            self.add_error("target", "Write an http or https URL.")
        if (said.get("quiet_from") is None) != (said.get("quiet_to") is None):
            self.add_error("quiet_to", "Give both ends of the quiet hours, or neither.")
        other = said.get("escalates_to")
        if other and not Contact.objects.filter(name=other).exists():
            self.add_error("escalates_to", f"There is no contact {other}.")
        return said


def _is_url(target: str) -> bool:
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    fit = target.isascii() and target.isprintable() and " " not in target
    return fit and parts.scheme in {"http", "https"} and bool(parts.hostname)


class RuleForm(forms.ModelForm[Rule]):
    """Who is to be told of what."""

    class Meta:
        """All that a file could declare."""

        model = Rule
        fields = (
            "name", "enabled", "occasion", "ticket_class", "priorities", "states", "service",
            "whom", "contact", "until_acknowledged",
        )  # fmt: skip

    def clean_ticket_class(self) -> str:
        """Refuse a class that there is not."""
        return self._known("ticket_class", MOVES, many=False)

    def clean_priorities(self) -> str:
        """Refuse priorities that there are not."""
        return self._known("priorities", PRIORITIES, many=True)

    def clean_states(self) -> str:
        """Refuse states that there are not."""
        return self._known("states", all_states(), many=True)

    def clean(self) -> dict[str, Any]:
        """Ask for a contact where one is meant."""
        said = super().clean() or {}
        name = said.get("contact")
        if (said.get("whom") == "contact") != bool(name):
            self.add_error("contact", "Name a contact exactly where `whom` says contact.")
        elif name and not Contact.objects.filter(name=name).exists():
            self.add_error("contact", f"There is no contact {name}.")
        return said

    def _known(self, field: str, names: Any, *, many: bool) -> str:
        words = str(self.cleaned_data.get(field) or "").replace(",", " ").split()
        wrong = [word for word in words if word not in names]
        if wrong or (len(words) > 1 and not many):
            raise ValidationError(f"Write of these: {', '.join(names)}.")
        return " ".join(words)
