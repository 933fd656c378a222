"""The form of a maintenance window: everything that is wrong is said at once, beside its field."""

from typing import Any, ClassVar

from django import forms

from adapters.cmdb.models import CI
from adapters.rows import now as clock
from ethops.desk.models import MaintenanceWindow
from ethops.desk.windows import Window, faults


class WindowForm(forms.ModelForm[MaintenanceWindow]):
    """From when until when, about what, and why."""

    cis = forms.CharField(
        label="CIs",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Refs, one a line or with blanks between; what depends on them is covered, too.",
    )
    group = forms.CharField(
        label="Group",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Labels that an alert must have, one a line: rack=r2",
    )
    why = forms.CharField(max_length=2_000, widget=forms.Textarea(attrs={"rows": 2}))

    class Meta:
        """What a person says."""

        model = MaintenanceWindow
        fields = ("begins_at", "ends_at", "everything", "cis", "group", "why")
        labels: ClassVar = {"begins_at": "From", "ends_at": "Until"}

    def clean_cis(self) -> list[str]:
        """Return refs, each once."""
        refs = sorted(set(str(self.cleaned_data["cis"]).replace(",", " ").split()))
        known = set(CI.objects.filter(ref__in=refs, retired=False).values_list("ref", flat=True))
        if unknown := [ref for ref in refs if ref not in known]:
            raise forms.ValidationError(f"No CI {', '.join(unknown[:5])}.")
        return refs

    def clean_group(self) -> dict[str, str]:
        """Return labels with their values."""
        found: dict[str, str] = {}
        for line in str(self.cleaned_data["group"]).splitlines():
            name, sign, value = line.partition("=")
            if not line.strip():
                continue
            if not (sign and name.strip() and value.strip()):
                raise forms.ValidationError(f"Write label=value, not {line.strip()[:60]!r}.")
            found[name.strip()] = value.strip()
        return found

    def clean(self) -> dict[str, Any]:
        """Say what is wrong with the whole."""
        said = super().clean() or {}
        begins, ends = said.get("begins_at"), said.get("ends_at")
        if begins and ends:
            window = Window(
                begins,
                ends,
                bool(said.get("everything")),
                frozenset(said.get("cis") or ()),
                said.get("group") or {},
            )
            failed = {"cis", "group"} & set(self.errors)
            for name, fault in faults(window, str(said.get("why") or "x"), clock()).items():
                if name == "scope" and failed:
                    continue
                self.add_error(name if name in self.fields else None, fault)
        return said
