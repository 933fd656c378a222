"""What can go wrong with a request for the card."""


class GpuError(Exception):
    """The base of the queue's errors: a stable code, and what mends it."""

    code = "gpu.error"
    hint = "See the GPU page and the worker's log."


class BadProfileError(GpuError):
    """Cards or profile are declared with faults."""

    code = "gpu.bad_profile"
    hint = "Correct the file; `manage.py check` names line and mend of each fault."


class UnknownSlotError(GpuError):
    """No such slot, or not for this tier."""

    code = "gpu.unknown_slot"
    hint = "Ask for one of the slots that the message names."


class QueueFullError(GpuError):
    """As much waits as may wait."""

    code = "gpu.queue_full"
    hint = "Come again later."


class ClientFullError(GpuError):
    """As much of this client waits as may wait."""

    code = "gpu.client_full"
    hint = "Wait for an answer, or let a person raise the key's limit."


class SlotRefusedError(GpuError):
    """The slot's model has another digest than the one it is pinned to."""

    code = "gpu.slot_fault"
    hint = "If the new model is meant: manage.py gpu unpin SLOT"


class LoadFailedError(GpuError):
    """The server could not load the slot's model; no job is to blame."""

    code = "gpu.load_failed"
    hint = "See the model server's log: memory, a broken file, a runner that dies."


class LostCardError(GpuError):
    """The lease of the card is somebody else's now."""

    code = "gpu.lost_card"
    hint = "This worker ends; the one that holds the card goes on."


class CardTakenError(GpuError):
    """Another worker serves this card."""

    code = "gpu.card_taken"
    hint = "Stop the other worker, or wait until its lease has run out."


class KeyMissingError(GpuError):
    """The file with the key of a card's server cannot be read, or holds none."""

    code = "gpu.no_key"
    hint = (
        "ETHOPS_INFERENCE_KEY_FILE or the card's `key_file` names it; its worker's user reads it."
    )


class NoVectorsError(GpuError):
    """Nobody makes vectors just now, or not of this."""

    code = "gpu.no_vectors"
    hint = "The message says why: declare a slot of kind embed, or look at the GPU page."
