"""What the ledger's list is filtered by, read from the address and said in words."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

from audit.models import Entry
from ethops.pages.words import listed


class Sought(forms.Form):
    """Every field may be left out; each is a word that entries name, or a time."""

    kind = forms.CharField(max_length=40, required=False)
    persona = forms.CharField(max_length=60, required=False)
    run = forms.UUIDField(
        required=False, error_messages={"invalid": "A run has a long number: open it by its link."}
    )
    ticket = forms.CharField(max_length=40, required=False)
    ci = forms.CharField(max_length=200, required=False, label="CI")
    since = forms.DateTimeField(
        required=False, error_messages={"invalid": "Write a day and a time, as 2026-11-21 03:12."}
    )
    until = forms.DateTimeField(
        required=False, error_messages={"invalid": "Write a day and a time, as 2026-11-21 03:12."}
    )
    before = forms.IntegerField(min_value=1, max_value=2**62, required=False)


LOOKUPS = {
    "kind": "kind",
    "persona": "persona",
    "ticket": "ticket_ref",
    "since": "at__gte",
    "until": "at__lt",
    "before": "seq__lt",
}
"""Field -> lookup of the list of entries, where the value is taken as it is."""

SAYS = {
    "kind": "of kind {}",
    "persona": "of {}",
    "run": "of run {:.4}",
    "ticket": "of {}",
    "ci": "on {}",
    "since": "since {:%-d %B %Y %H:%M}",
    "until": "until {:%-d %B %Y %H:%M}",
}


def sought(query: QueryDict) -> Sought:
    """Read the address; fields that cannot be used are told beside themselves."""
    form = Sought(query)
    form.is_valid()
    return form


def chosen(form: Sought) -> dict[str, Any]:
    """Return the fields that are filled in and can be used."""
    return {name: value for name, value in form.cleaned_data.items() if value not in (None, "")}


def kept(rows: QuerySet[Entry], form: Sought) -> QuerySet[Entry]:
    """Return the entries that fit; none where a field cannot be used."""
    if form.errors:
        return rows.none()
    said = chosen(form)
    wanted = {LOOKUPS[name]: said[name] for name in said if name in LOOKUPS}
    if "run" in said:
        wanted["run"] = str(said["run"])
    if "ci" in said:
        wanted["cis__contains"] = [said["ci"]]
    return rows.filter(**wanted)


def says(form: Sought) -> str:
    """Return the filter in words: `of responder, on web-01`; empty where there is none."""
    said = chosen(form)
    parts = [
        text.format(str(said[name]) if name == "run" else said[name])
        for name, text in SAYS.items()
        if name in said
    ]
    return listed(parts)


def older(form: Sought, before: int) -> str:
    """Return the address of the next page, with the same filter."""
    said = {name: form.data[name] for name in chosen(form) if name != "before"}
    return urlencode({**said, "before": before})
