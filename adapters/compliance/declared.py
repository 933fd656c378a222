"""What a site says does not apply to it, as its file declares that."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from adapters.compliance.port import WHOLE, Exemption
from adapters.compliance.safeguards import IG1
from adapters.declared import Declaration, refusal

LONGEST_DAYS: Final = 730


def _safeguard(text: str) -> str:
    if text not in IG1:
        raise refusal(f"There is no safeguard {text!r}.", "Write one in quotes, such as '9.1'.")
    return text


def _until(day: date) -> date:
    if day > datetime.now(UTC).date() + timedelta(days=LONGEST_DAYS):
        raise refusal(
            f"{day} is more than two years away.", "Name a day by which somebody looks again."
        )
    return day


class DeclaredExemption(Declaration):
    """A person's word that a safeguard does not apply: to everything, or to one CI."""

    safeguard: Annotated[str, AfterValidator(_safeguard)]
    ci: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    reason: Annotated[str, Field(min_length=10, max_length=500, pattern=r"^[^\x00-\x1f]*$")]
    said_by: Annotated[str, Field(min_length=1, max_length=150, pattern=r"^[^\x00-\x1f]*$")]
    until: Annotated[date, AfterValidator(_until)]
    """The last day on which it holds, in UTC."""

    def word(self, at: datetime) -> Exemption:
        """Return it as said at a time."""
        ends = datetime.combine(self.until + timedelta(days=1), time(), UTC)
        return Exemption(self.safeguard, self.ci or WHOLE, self.reason, self.said_by, at, ends)
