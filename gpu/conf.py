"""The queue's settings, typed, each with its default and its reason."""

from pathlib import Path

from django.conf import settings

from gpu.cards import NamedServer


def redis_url() -> str:
    """Return the Redis database of the GPU's own messages."""
    return str(settings.ETHOPS_GPU_REDIS_URL)


def cards_file() -> Path:
    """Return the file that declares the cards; it need not exist."""
    return Path(settings.ETHOPS_GPU)


def ollama_host() -> str:
    """Return what OLLAMA_HOST says, empty where nothing."""
    return str(settings.ETHOPS_OLLAMA_HOST)


def server() -> NamedServer | None:
    """Return the server of OpenAI's API that variables name, None where they name none."""
    said = settings.ETHOPS_INFERENCE_SERVER
    return NamedServer(**said) if said else None


def profile() -> str:
    """Return the profile of OLLAMA_HOST's card, empty for the default."""
    return str(settings.ETHOPS_GPU_PROFILE)


def card() -> str:
    """Return the name of the card that this process serves."""
    return str(settings.ETHOPS_GPU_CARD)


def lease_seconds() -> float:
    """Return how long a card stays taken without a beat of its worker."""
    return float(settings.ETHOPS_LEASE_SECONDS)


def policy() -> str:
    """Return the name of the policy that orders the queues."""
    return str(settings.ETHOPS_GPU_POLICY)


def scale() -> float:
    """Return how much faster a replay's clock runs: seconds of ours per second of the policy."""
    return float(settings.ETHOPS_GPU_SCALE)


def nvml_index() -> int:
    """Return which of this host's devices the card is, where it can be looked at."""
    return int(settings.ETHOPS_GPU_DEVICE)
