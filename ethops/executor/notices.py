"""The effect `notify`: tell a person, by HTTP or by mail, at a target that people declared."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from adapters.text import one_line, plain
from ethops.executor import mailing, posting
from ethops.executor.effects import Finding, Result
from ethops.executor.errors import TargetRefusedError, UndeliveredError, UnsureError
from ethops.executor.told import Told
from personas.gate import Claim

MOST_REMEMBERED: Final = 1000


@dataclass(frozen=True, slots=True)
class Notify:
    """Tells a person; `targets` returns the (kind, target) pairs that the site declares."""

    targets: Callable[[], frozenset[tuple[str, str]]]
    is_party: Callable[[Claim], bool] = lambda _claim: False
    """Tells whether mail goes to who is party to the ticket."""
    shape: Callable[[str], str] = lambda _target: "http"
    """Tells how what is sent to a URL is written."""
    _met: dict[UUID, str] = field(default_factory=dict)
    """What this process met when it last tried, for those who are told that nobody was."""

    def act(self, claim: Claim) -> Result:
        """Send; a repeat carries the same key, so that a receiver may drop it."""
        kind, target = claim.args["kind"], claim.args["target"]
        if (kind, target) not in self.targets() and not self.is_party(claim):
            raise TargetRefusedError(f"the site declares no {kind} notices to {target}")
        title = one_line(claim.args["title"], 250)
        text = plain(claim.args["text"], 4000)
        what = Told(target, title, text, claim.ticket_ref, str(claim.action_id))
        try:
            return mailing.send(what) if kind == "mail" else posting.send(what, self.shape(target))
        except UnsureError as fault:
            if len(self._met) >= MOST_REMEMBERED:  # another process probed what we met
                self._met.clear()
            self._met[claim.action_id] = str(fault)
            raise

    def probe(self, claim: Claim) -> Finding:
        """No receiver can be asked; told twice is better than not at all."""
        unknown = f"nobody knows whether {claim.args['target']} was told"
        said = self._met.pop(claim.action_id, unknown)
        return Finding("absent", {"said": said, "code": UndeliveredError.code})
