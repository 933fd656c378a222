"""Which options a request may set, and which belong to the slot alone: pure."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.inference.errors import RefusedOptionError
from adapters.json_value import JSON

RUNNER: Final = frozenset(
    {
        "num_ctx",
        "num_batch",
        "num_gpu",
        "main_gpu",
        "num_thread",
        "use_mmap",
        "use_mlock",
        "low_vram",
        "numa",
        "f16_kv",
        "logits_all",
        "vocab_only",
        "embedding_only",
        "draft_num_predict",
    }
)
"""A change of one of these makes Ollama load the model anew."""

Fraction = Annotated[float, Field(ge=0, le=1)]
Penalty = Annotated[float, Field(ge=-10, le=10)]


class Sampling(BaseModel):
    """What a request may choose: how tokens are drawn and when to end."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    temperature: Annotated[float, Field(ge=0, le=10)] | None = None
    top_p: Fraction | None = None
    min_p: Fraction | None = None
    typical_p: Fraction | None = None
    top_k: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    seed: Annotated[int, Field(ge=-(2**31), lt=2**31)] | None = None
    num_predict: Annotated[int, Field(ge=-2, le=1_048_576)] | None = None
    num_keep: Annotated[int, Field(ge=-1, le=1_048_576)] | None = None
    stop: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=16)] | None = None
    repeat_last_n: Annotated[int, Field(ge=-1, le=1_048_576)] | None = None
    repeat_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None


ALLOWED: Final = tuple(sorted(Sampling.model_fields))


def options_of(runner: Mapping[str, JSON], asked: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the slot's runner options with the sampling options that a request asks for.

    A runner option may be repeated as it is; keys that are None count as not said.

    Raises:
        RefusedOptionError: an option is unknown, out of range, or a runner option that differs.
    """
    said = {name: value for name, value in asked.items() if value is not None}
    for name in said.keys() & RUNNER:
        if name not in runner or runner[name] != said[name]:
            raise RefusedOptionError(_differs(name, said[name], runner))
        del said[name]
    try:
        drawn = Sampling.model_validate(said)
    except ValidationError as error:
        raise RefusedOptionError(_refusal(error)) from error
    return {**runner, **drawn.model_dump(exclude_none=True)}


def _differs(name: str, value: JSON, runner: Mapping[str, JSON]) -> str:
    fixed = ", ".join(f"{key}={runner[key]}" for key in sorted(runner)) or "none"
    return (
        f"The option {name}={str(value)[:40]} is the slot's to set (its own: {fixed}). "
        f"Allowed: {', '.join(ALLOWED)}."
    )


def _refusal(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    name = str(first["loc"][0])[:60] if first["loc"] else "options"
    what = "is unknown" if first["type"] == "extra_forbidden" else f"is wrong: {first['msg']}"
    return f"The option {name} {what}. Allowed: {', '.join(ALLOWED)}."
