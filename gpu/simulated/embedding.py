"""Embed requests, from whichever door they come."""

from gpu.simulated.answering import work_of
from gpu.simulated.requests import EmbedAsked, RefusedError, words_in
from gpu.simulated.running import Machine, Spent


async def embedded(
    machine: Machine, asked: EmbedAsked, inputs: list[str], label: str, spent: Spent
) -> list[list[float]]:
    """Return the vectors of an embed request; texts over the context are cut, or refused."""
    model = machine.card.find(asked.model)
    if model is None:
        what = f"model '{asked.model}' not found"
        if asked.model:
            what = f'model "{asked.model}" not found, try pulling it first'
        raise RefusedError(404, what)
    said = (asked.options or {}).get("num_ctx")
    context = min(said, model.context) if isinstance(said, int) and said > 0 else model.context
    sizes = [words_in(text) for text in inputs]
    if asked.truncate is False and any(size > context for size in sizes):
        raise RefusedError(400, "the input length exceeds the context length")
    words = sum(min(size, context) for size in sizes)
    work = work_of(model, asked, label, words)
    if not inputs:
        await machine.load(work, spent)
        return []
    return await machine.embed(work, inputs, asked.dimensions or 0, spent)
