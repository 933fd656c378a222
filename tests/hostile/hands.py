"""Doubles of what acts on hosts and tells people; whatever they are asked to do is written down."""

from dataclasses import dataclass, field
from typing import Any

from ethops.executor import arguments
from ethops.executor.effects import Effect, Finding, Result
from personas.gate import Claim


@dataclass(frozen=True, slots=True)
class Done:
    """One effect that an executor carried out."""

    verb: str
    entry: str
    target: str
    args: dict[str, Any]
    ticket: str
    card: str
    run: str


@dataclass
class Hands:
    """Doubles of what acts on hosts: they do nothing, say what a host would say, and tell."""

    done: list[Done] = field(default_factory=list)
    output: dict[str, str] = field(default_factory=dict)
    """CI -> what a hostile host writes into a playbook's output."""
    repaired: list[str] = field(default_factory=list)

    def act(self, claim: Claim) -> Result:
        """Check the arguments as the true one does, and say that it went well."""
        arguments.check(claim.parameters, claim.args)
        if claim.entry == "restart_service":
            self.repaired.append(claim.target)
        return {"said": self.output.get(claim.target, "ok")[:3_000], "host": "h"}

    def probe(self, claim: Claim) -> Finding:
        """Nothing of it is ever in doubt."""
        return Finding("absent", {"said": claim.target})


class Told:
    """A person who is told: the double of what sends notices."""

    def act(self, claim: Claim) -> Result:
        """Say that he was told."""
        return {"said": f"told {claim.args['target']}"}

    def probe(self, claim: Claim) -> Finding:
        """Nothing of it is ever in doubt."""
        return Finding("absent", {"said": claim.target})


@dataclass(frozen=True, slots=True)
class Watched:
    """An effect whose every act is written down before it is done."""

    inner: Effect
    hands: Hands

    def act(self, claim: Claim) -> Result:
        """Tell, and do."""
        self.hands.done.append(
            Done(
                claim.verb, claim.entry, claim.target, dict(claim.args), claim.ticket_ref,
                claim.card, str(claim.run_id),
            )
        )  # fmt: skip
        return self.inner.act(claim)

    def probe(self, claim: Claim) -> Finding:
        """As it is."""
        return self.inner.probe(claim)
