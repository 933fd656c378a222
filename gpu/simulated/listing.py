"""What the simulated server says of itself: its models, what is resident, its state."""

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from adapters.json_value import JSON
from gpu.simulated.card import MEGABYTE, SimulatedModel
from gpu.simulated.running import Machine

MADE: Final = "2026-01-01T00:00:00Z"
FOREVER_S: Final = 9_223_372_036.0
"""Go's longest duration: what Ollama adds for a model that never expires."""


def tags(machine: Machine) -> list[dict[str, Any]]:
    """Return what /api/tags lists."""
    return [
        {
            "name": model.full_name,
            "model": model.full_name,
            "modified_at": MADE,
            "size": model.vram_mb * MEGABYTE,
            "digest": model.digest(machine.faults.version(model.name)),
            "details": details(model),
        }
        for model in machine.card.models
    ]


def resident(machine: Machine) -> list[dict[str, Any]]:
    """Return what /api/ps lists: the longest to live first."""
    now = time.monotonic()
    rows = []
    for runner in machine.scheduler.loaded.values():
        left = runner.expires_at - now if math.isfinite(runner.keep_alive) else FOREVER_S
        rows.append((left, _row(machine, runner.model, runner.options, left)))
    return [row for _, row in sorted(rows, key=lambda pair: -pair[0])]


def _row(
    machine: Machine, model: SimulatedModel, options: Mapping[str, JSON], left_s: float
) -> dict[str, Any]:
    half = machine.faults.stands(model.name, "half_load")
    expires = datetime.now(UTC) + timedelta(seconds=min(left_s, FOREVER_S))
    return {
        "name": model.full_name,
        "model": model.full_name,
        "size": model.vram_mb * MEGABYTE,
        "digest": model.digest(machine.faults.version(model.name)),
        "details": details(model),
        "expires_at": expires.isoformat(),
        "size_vram": model.vram_mb * MEGABYTE // (2 if half else 1),
        "context_length": options["num_ctx"],
    }


def details(model: SimulatedModel) -> dict[str, Any]:
    """Return what a listing says of a model."""
    family = "bert" if model.kind == "embed" else "llama"
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": f"{model.vram_mb / 1024:.1f}B",
        "quantization_level": "Q4_K_M",
    }


def shown(model: SimulatedModel) -> dict[str, Any]:
    """Return what /api/show says."""
    family = details(model)["family"]
    return {
        "modelfile": f"FROM {model.full_name}\n",
        "template": "{{ .Prompt }}",
        "details": details(model),
        "model_info": {
            "general.architecture": family,
            f"{family}.context_length": model.context,
            f"{family}.embedding_length": model.dimensions,
        },
        "capabilities": list(model.capabilities),
        "modified_at": MADE,
    }


def state(machine: Machine) -> dict[str, Any]:
    """Return what tests and people want to see of the card."""
    scheduler = machine.scheduler
    return {
        "scale": machine.card.scale,
        "vram_mb": machine.card.vram_mb,
        "resident": [
            {
                "model": runner.model.full_name,
                "refs": runner.refs,
                "forever": not math.isfinite(runner.keep_alive),
                "options": dict(runner.options),
            }
            for runner in scheduler.loaded.values()
        ],
        "loading": scheduler.loading.full_name if scheduler.loading else None,
        "pending": len(scheduler.pending),
        "running": [list(jobs) for jobs in machine.running.values()],
        "loads": scheduler.loads,
        "unloads": scheduler.unloads,
        "counts": dict(machine.counts),
        "faults": [fault.model_dump() for fault in machine.faults.standing],
        "events": list(machine.log.newest),
    }
