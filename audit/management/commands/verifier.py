"""The process that verifies the ledger."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from audit import processes
from audit.verifying import Verifier


class Command(BaseCommand):
    """Serves until it is told to stop."""

    help = "Verify the ledger every half minute, and whole once a day, until stopped."
    requires_system_checks = ()

    def handle(self, **_options: Any) -> None:
        """Run it as the role that DATABASE_URL names."""
        if status := processes.main(Verifier):
            sys.exit(status)
