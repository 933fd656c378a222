"""Forms for what is promised, which say beside the field what is wrong and how to write it."""

from typing import Any, ClassVar

from django import forms

from adapters.cmdb.models import CI
from adapters.levels import (
    DAYS,
    MOST_HOLIDAYS,
    TextRefusedError,
    holiday,
    hours,
    length,
    zone,
)
from ethops.sla.models import Calendar, Service, Target
from ethops.sla.words import exactly


class LengthField(forms.CharField):
    """A length of time as people write it, `1 h 30 min`; kept in seconds."""

    def __init__(self, **named: Any) -> None:
        super().__init__(required=False, max_length=40, strip=True, **named)

    def clean(self, value: Any) -> Any:
        """Return seconds, or None for nothing."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return length(text)
        except TextRefusedError as fault:
            raise forms.ValidationError(str(fault)) from fault

    def prepare_value(self, value: Any) -> Any:
        """Show seconds as they would be written."""
        return exactly(value) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether another length is meant."""
        try:
            return bool(initial != self.clean(data))
        except forms.ValidationError:
            return True


def taken(form: forms.ModelForm[Any], **by: Any) -> bool:
    """Tell whether the desk has another row of this name; the site file's are beside it."""
    others = form._meta.model._default_manager.exclude(pk=form.instance.pk)  # noqa: SLF001
    return bool(others.filter(declared=False, **by).exists())


class CalendarForm(forms.ModelForm[Calendar]):
    """Hours, holidays and a zone."""

    class Meta:
        """Everything of it."""

        model = Calendar
        fields: ClassVar = ["name", "zone", *DAYS, "holidays"]

    def clean_name(self) -> str:
        """Refuse a name that another has."""
        name = str(self.cleaned_data["name"])
        if taken(self, name=name):
            raise forms.ValidationError(f"There is a calendar {name} already.")
        return name

    def clean_zone(self) -> str:
        """Refuse a zone that there is not."""
        try:
            return zone(str(self.cleaned_data["zone"]))
        except TextRefusedError as fault:
            raise forms.ValidationError(str(fault)) from fault

    def clean_holidays(self) -> str:
        """Name the line that is no day."""
        lines = [one.strip() for one in str(self.cleaned_data["holidays"]).splitlines()]
        faults = []
        for number, line in enumerate(lines, 1):
            try:
                _ = holiday(line) if line else None
            except TextRefusedError as fault:
                faults.append(f"Line {number}: {fault}")
        if len(lines) > MOST_HOLIDAYS:
            faults.append(f"At most {MOST_HOLIDAYS} lines.")
        if faults:
            raise forms.ValidationError(faults)
        return "\n".join(line for line in lines if line)

    def clean(self) -> dict[str, Any] | None:
        """Read the hours of each day; one at least has some."""
        cleaned = super().clean() or self.cleaned_data
        some = False
        for day in DAYS:
            try:
                some = bool(hours(cleaned.get(day) or "")) or some
            except TextRefusedError as fault:
                some = True
                self.add_error(day, str(fault))
        if not some:
            self.add_error("monday", "No day has hours. Give at least one day some, or all day.")
        return cleaned


class ServiceForm(forms.ModelForm[Service]):
    """A service and its CIs."""

    class Meta:
        """Everything of it."""

        model = Service
        fields: ClassVar = ["slug", "name", "cis"]

    def clean_slug(self) -> str:
        """Refuse a slug that another has."""
        slug = str(self.cleaned_data["slug"])
        if taken(self, slug=slug):
            raise forms.ValidationError(f"There is a service {slug} already.")
        return slug

    def clean_cis(self) -> str:
        """Name those that there are not."""
        refs = list(dict.fromkeys(str(self.cleaned_data["cis"]).split()))
        known = set(CI.objects.filter(ref__in=refs).values_list("ref", flat=True))
        missing = [ref for ref in refs if ref not in known]
        if missing:
            raise forms.ValidationError(
                f"There is no CI {', '.join(missing[:5])}. The list of CIs has their refs."
            )
        return "\n".join(refs)


class TargetForm(forms.ModelForm[Target]):
    """A promise: for what, within which time, and who is told."""

    tto_s = LengthField(
        label="Time to own", help_text="as 15 min; empty: this target leaves it to others"
    )
    ttr_s = LengthField(label="Time to resolve", help_text="as 4 h or 1 h 30 min")

    class Meta:
        """Everything of it."""

        model = Target
        fields: ClassVar = [
            *("ticket_class", "priority", "service", "tto_s", "ttr_s", "calendar"),
            *("warn", "breach"),
        ]
        help_texts: ClassVar = {
            "service": "empty: every service",
            "warn": "a team or a person; empty: the ticket alone is told",
            "breach": "a team or a person; empty: the ticket alone is told",
        }

    def clean(self) -> dict[str, Any] | None:
        """Refuse a second promise for the same."""
        cleaned = super().clean() or self.cleaned_data
        by = {name: cleaned.get(name) for name in ("ticket_class", "priority", "service")}
        if taken(self, **by):
            raise forms.ValidationError(
                "There is a target of this class, priority and service already: change that one."
            )
        return cleaned
