"""The numbered cases of the tickets contract."""

from typing import Final

from adapters.conformance import Kit
from adapters.tickets.conformance.bench import Bench
from adapters.tickets.conformance.elsewhere import ELSEWHERE
from adapters.tickets.conformance.keeping import KEEPING
from adapters.tickets.conformance.moving import MOVING

KIT: Final = Kit("tickets", (*KEEPING, *MOVING, *ELSEWHERE), Bench)
