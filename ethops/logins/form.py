"""The desk's login form: as Django's, and it counts."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from ethops.logins import refusals
from ethops.logins.errors import LoginsError


class SaysWhy(AuthenticationForm):
    """Says what a directory, and not the person, is to blame for."""

    def clean(self) -> dict[str, Any]:
        """Look at name and password; a refusal that has words is said in them, on record."""
        try:
            return super().clean()
        except LoginsError as fault:
            name = str(self.cleaned_data.get("username") or "")
            refusals.note(self.request, code=fault.code, name=name)
            raise ValidationError(f"{fault} {fault.hint}", code=fault.code) from fault


class LoginForm(SaysWhy, AdminAuthenticationForm):
    """Refuses before any password is looked at where somebody has tried too often."""

    def clean(self) -> dict[str, Any]:
        """Count this try, then look at name and password."""
        name = str(self.cleaned_data.get("username") or "")
        wait = refusals.too_often(self.request, name)
        if wait:
            refusals.note(self.request, code="logins.too_often", name=name)
            minutes = -(-wait // 60)
            raise ValidationError(f"Too many tries. Come again in {minutes} min.", code="too_often")
        return super().clean()
