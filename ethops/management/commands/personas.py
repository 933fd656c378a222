"""Look at cards, evaluate them, set their autonomy, steer and replay runs, settle a doubt."""

import getpass
import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

import yaml
from django.core.management.base import CommandError

from ethops.management.commands import (
    _personas_autonomy,
    _personas_calibration,
    _personas_eval,
    _personas_pages,
    _personas_replay,
    _personas_run,
    _personas_why,
)
from ethops.management.commands._persons import refused, signed
from ethops.management.quiet import QuietCommand
from personas import conf, entries, gate
from personas.cards import CardFile, read_cards
from personas.guardrails import doors
from personas.guardrails.errors import CardRefusedError
from personas.memory import learning


class Command(QuietCommand):
    """`manage.py personas check | show | eval | calibration | why | run | replay | ...`."""

    help = "Role cards, their autonomy, and the catalogue's approvals."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Subcommands and their options."""
        parts = parser.add_subparsers(dest="part", required=True)
        check = parts.add_parser("check", help="whether cards, catalogue, code and rows agree")
        check.add_argument("--files", action="store_true", help="leave the database out of it")
        show = parts.add_parser("show", help="print the cards and what they may ask for")
        form = show.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true")
        form.add_argument("--markdown", metavar="CARD", help="its page of the documentation")
        _personas_eval.add_arguments(
            parts.add_parser("eval", help="ask the evaluation set of the rules, or of a model")
        )
        _personas_calibration.add_arguments(
            parts.add_parser("calibration", help="how far stated confidence held in what was done")
        )
        _personas_why.add_arguments(
            parts.add_parser("why", help="from an effect back to its alert, entry by entry")
        )
        forget = parts.add_parser("forget", help="take an item of memory away, as a person's act")
        forget.add_argument("item", type=UUID)
        signed(forget)
        autonomy = parts.add_parser("autonomy", help="how far a card may go, as a person's act")
        _personas_autonomy.add_autonomy(autonomy)
        _personas_autonomy.add_verdict(
            parts.add_parser("verdict", help="say whether a change was right, or a false action")
        )
        _personas_autonomy.add_breaker(
            parts.add_parser("breaker", help="the fleet's breaker: show, open or close it")
        )
        approve = parts.add_parser(
            "approve", help="pin a playbook's files as they lie here, or a card as it is loaded"
        )
        approve.add_argument("name", help="an entry of the catalogue, or a card")
        approve.add_argument("--by", default=getpass.getuser(), help="your name")
        approve.add_argument("--why", default="", help="a card is approved with a reason")
        approve.add_argument("--code", default="", help="of your second factor, for a card")
        _personas_run.add_arguments(parts.add_parser("run", help="list runs, steer one, or a card"))
        _personas_replay.add_arguments(
            parts.add_parser("replay", help="walk a recorded run through today's code")
        )
        settle = parts.add_parser("settle", help="say what came of an action in doubt")
        settle.add_argument("action", type=UUID)
        settle.add_argument("finding", choices=["done", "failed"])
        signed(settle)

    def handle(self, *, part: str, **options: Any) -> None:
        """Run one of them."""
        getattr(self, f"_{part}")(options)

    def _check(self, options: dict[str, Any]) -> None:
        for line in _personas_pages.check(files_alone=options["files"]):
            self.stdout.write(line)

    def _show(self, options: dict[str, Any]) -> None:
        if options["markdown"]:
            self.stdout.write(_personas_pages.markdown(options["markdown"]), ending="")
            return
        cards, _ = read_cards(conf.cards_folder())
        documents = [card.document.model_dump(mode="json") for card in cards]
        if options["json"]:
            self.stdout.write(json.dumps(documents))
        else:
            self.stdout.write(yaml.safe_dump(documents, sort_keys=False))

    def _eval(self, options: dict[str, Any]) -> None:
        status = _personas_eval.run(self.stdout.write, options)
        if status:
            raise SystemExit(status)

    def _calibration(self, options: dict[str, Any]) -> None:
        _personas_calibration.run(self.stdout.write, options)

    def _forget(self, options: dict[str, Any]) -> None:
        with refused():
            gone = learning.forget_item(item=options["item"], by=options["by"], why=options["why"])
        if not gone:
            raise CommandError(f"There is no item {options['item']}.")
        self.stdout.write("Forgotten, with its evidence.")

    def _why(self, options: dict[str, Any]) -> None:
        _personas_why.run(self.stdout.write, options)

    def _run(self, options: dict[str, Any]) -> None:
        _personas_run.run(self.stdout.write, options)

    def _replay(self, options: dict[str, Any]) -> None:
        status = _personas_replay.run(self.stdout.write, options)
        if status:
            raise SystemExit(status)

    def _autonomy(self, options: dict[str, Any]) -> None:
        _personas_autonomy.autonomy(self.stdout.write, options)

    def _verdict(self, options: dict[str, Any]) -> None:
        _personas_autonomy.verdict(self.stdout.write, options)

    def _breaker(self, options: dict[str, Any]) -> None:
        _personas_autonomy.breaker(self.stdout.write, options)

    def _approve(self, options: dict[str, Any]) -> None:
        pinned, _ = entries.read()
        cards = {card.document.name: card for card in read_cards(conf.cards_folder())[0]}
        named, name = {entry.name: entry for entry in pinned}, options["name"]
        if name in cards:
            self._approve_card(cards[name], options)
            return
        if name not in named:
            raise CommandError(
                f"No entry or card {name}; there are: {', '.join([*named, *cards])}."
            )
        root = entries.root_of(named[name].document.model_dump())
        beside = [e for e in pinned if entries.root_of(e.document.model_dump()) == root]
        kept = {e.name: e.approved_hash for e in beside if e.approved_hash}
        kept[name] = named[name].tree_hash
        lines = "".join(f"{name}: {digest}\n" for name, digest in sorted(kept.items()))
        file = root / "approved.yaml"
        file.write_text(f"---\n# Hash of each playbook's folder, as approved.\n{lines}")
        self.stdout.write(f"{name} is approved as it lies here. Next: site load.")

    def _approve_card(self, card: CardFile, options: dict[str, Any]) -> None:
        """Approve what lies here, which the gate takes only where that is what it has loaded."""
        try:
            said = doors.approve_card(
                card=card.document.name,
                digest=card.digest,
                told=card.told,
                person=options["by"],
                code=options["code"],
                why=options["why"],
            )
        except CardRefusedError as fault:
            raise CommandError(f"{fault} {fault.hint}") from fault
        word = {"approved": "is approved"}.get(said, f"was {said}")
        self.stdout.write(f"The card {card.document.name} {word} as it lies here and is loaded.")

    def _settle(self, options: dict[str, Any]) -> None:
        said = gate.person_settles(
            action_id=options["action"],
            person=options["by"],
            finding=options["finding"],
            why=options["why"],
        )
        if said != "settled":
            raise CommandError(f"Action {options['action']} is {said}.")
        self.stdout.write(f"Settled as {options['finding']}.")
