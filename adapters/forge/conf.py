"""Where the settings say that the forge is."""

from pathlib import Path

from django.conf import settings

from adapters import secret_files
from adapters.forge.errors import NoTokenError
from adapters.forge.place import Place


def place() -> Place:
    """Return the place of the forge: the embedded one lies in the state folder.

    Raises:
        NoTokenError: the token's file cannot be read, or holds none.
    """
    said = dict(getattr(settings, "ADAPTERS", {}).get("forge", {}))
    return Place(
        folder=Path(getattr(settings, "ETHOPS_STATE", ".")) / "forge" / "repository.git",
        url=str(said.get("url", "")),
        repository=str(said.get("repository", "")),
        token=_secret(said.get("token_file")),
        base=str(said.get("base", "main")),
        machines=frozenset(map(str, said.get("machines", ()))),
    )


def _secret(file: object) -> str:
    if not file:
        return ""
    try:
        return secret_files.read(Path(str(file)))
    except secret_files.UnfitSecretError as fault:
        raise NoTokenError(f"{file}: {fault}.") from fault
