"""What the executor's changes remember of the ledger."""

from collections.abc import Iterator

from adapters.tickets.models import LogLine
from audit.ledger import receipts
from audit.ledger.receipts import Receipt


def kept() -> Iterator[tuple[str, Receipt]]:
    """Yield every receipt in a worklog, with where it stands."""
    # What executors write into their changes ends with the receipt; others write what they like.
    lines = LogLine.objects.filter(
        author_kind="executor", ticket__ticket_class="change", text__contains="Ledger: entry "
    )
    for line in lines.order_by("id").iterator():
        receipt = receipts.read(line.text)
        if receipt is not None:
            yield str(line), receipt
