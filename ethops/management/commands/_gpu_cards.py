"""What each card does and which slots there are, in words or as JSON."""

import getpass
import json
from collections.abc import Callable
from typing import Any

from django.db import connection
from rich.console import Console
from rich.table import Table

from ethops import env
from gpu import rows
from gpu.models import Card, Slot

Write = Callable[[str], object]


def show(write: Write, options: dict[str, Any]) -> int:
    """Print cards, slots and what waits."""
    cards = list(Card.objects.filter(enabled=True))
    slots = rows.slots()
    waiting = {row.queue: row.jobs for row in rows.waiting()}
    if options["json"]:
        write(json.dumps(_as_json(cards, slots, waiting), default=str))
        return 0
    if not cards:
        write("No card is declared. Start with OLLAMA_HOST=HOST:PORT make up, or write gpu.yaml.")
        return 0
    console = Console(highlight=False, no_color=env.plain_terminal(), soft_wrap=True)
    for card in cards:
        holds = ", ".join(card.resident) or "nothing"
        fault = f": {card.fault}" if card.fault else ""
        console.print(f"{card.name}   {card.doing}{fault}   holds {holds}   {card.url}")
    table = Table(box=None, pad_edge=False)
    for name in ("slot", "model", "tiers", "GB", "load s", "tokens/s", "waits", "fault"):
        table.add_column(name, justify="right" if name in ("GB", "load s", "tokens/s") else "left")
    for slot in slots:
        waits = sum(waiting.get(f"{tier}.{slot.name}", 0) for tier in slot.tiers)
        table.add_row(
            slot.name,
            slot.model,
            " ".join(slot.tiers),
            f"{slot.vram_mb / 1024:.1f}",
            f"{slot.measured_load_s or slot.load_s:.1f}",
            f"{slot.measured_tokens_per_s or slot.tokens_per_s:.0f}",
            str(waits or ""),
            slot.fault,
        )
    console.print(table)
    return 0


def unpin(write: Write, options: dict[str, Any]) -> int:
    """Forget a slot's digest: the next one that is seen is taken."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gpu.unpin(%s, %s)", [options["slot"], getpass.getuser()])
        found = bool(cursor.fetchone()[0])
    if not found:
        write(f"There is no slot {options['slot']}. See `manage.py gpu cards`.")
        return 1
    write(f"Slot {options['slot']} takes the digest that its model has now.")
    return 0


def _as_json(cards: list[Card], slots: list[Slot], waiting: dict[str, int]) -> dict[str, Any]:
    return {
        "cards": [
            {
                "name": card.name,
                "url": card.url,
                "doing": card.doing,
                "resident": card.resident,
                "fault": card.fault,
                "seen_at": card.seen_at,
            }
            for card in cards
        ],
        "slots": [
            {
                "name": slot.name,
                "model": slot.model,
                "tiers": slot.tiers,
                "vram_mb": slot.vram_mb,
                "load_s": slot.measured_load_s or slot.load_s,
                "tokens_per_s": slot.measured_tokens_per_s or slot.tokens_per_s,
                "digest": slot.digest,
                "fault": slot.fault,
            }
            for slot in slots
        ],
        "waiting": waiting,
    }
