"""The effect `alerts.silence`: one silence of one declared Alertmanager is as a window wants it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.monitoring.errors import SilenceAwayError, SilenceRefusedError
from adapters.monitoring.port import Silence, Silencer
from ethops.executor import stop
from ethops.executor.effects import Finding, Result
from ethops.executor.errors import NotNowError, SilenceFailedError, TargetRefusedError
from personas.gate import Claim


@dataclass(frozen=True, slots=True)
class Mute:
    """Makes, moves or ends it; `urls` are those that the site declares now."""

    urls: Callable[[], frozenset[str]]
    silencer: Callable[[str], Silencer]

    def act(self, claim: Claim) -> Result:
        """Make it so; what is so already is left alone."""
        wanted = _wanted(claim)
        if claim.args["url"] not in self.urls():
            raise TargetRefusedError(f"the site declares no Alertmanager at {claim.args['url']}")
        there = self.silencer(claim.args["url"])
        stop.check_file()
        try:
            if _is_over(wanted):
                was = there.expire(wanted.key)
                return {"said": "the silence is ended" if was else "there was no silence to end"}
            made = there.put(wanted)
        except SilenceAwayError as fault:
            raise NotNowError(str(fault)) from fault
        except SilenceRefusedError as fault:
            raise SilenceFailedError(str(fault)) from fault
        return {"said": f"silenced until {made.ends_at:%Y-%m-%d %H:%M UTC}", "silence": made.id}

    def probe(self, claim: Claim) -> Finding:
        """Look whether it is as it was wanted; saying it again is safe in any case."""
        wanted = _wanted(claim)
        try:
            found = self.silencer(claim.args["url"]).find(wanted.key)
        except (SilenceAwayError, SilenceRefusedError) as fault:
            return Finding("absent", {"said": str(fault), "code": fault.code})
        over = _is_over(wanted)
        if (found is None and over) or (
            found is not None
            and not over
            and abs((found.ends_at - wanted.ends_at).total_seconds()) < 1
        ):
            return Finding("done", {"said": "the silence is as it is wanted"})
        return Finding("absent", {"said": "the silence is not as it is wanted"})


def _is_over(wanted: Silence) -> bool:
    """Tell whether none is wanted: also of a window that was ended before it began."""
    return wanted.ends_at <= max(datetime.now(UTC), wanted.begins_at)


def _wanted(claim: Claim) -> Silence:
    said = claim.args
    return Silence(
        key=said["key"],
        matchers=tuple(json.loads(said["matchers"])),
        begins_at=datetime.fromisoformat(said["begins"]),
        ends_at=datetime.fromisoformat(said["ends"]),
        why=said["why"],
    )
