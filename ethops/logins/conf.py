"""Settings of logins, typed: who else knows our people."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from ethops.logins import declared
from ethops.logins.declared import Directory, Logins, Provider


def path() -> Path:
    """Return the file that declares it; it need not exist."""
    return Path(settings.ETHOPS_LOGINS)


def logins() -> Logins:
    """Return what is declared; nothing where there is no file, or one that cannot be read.

    A file with a fault keeps nobody from his account here: `manage.py check` and the next start
    refuse it.
    """
    try:
        stamp = path().stat()
    except OSError:
        return Logins()
    return _read(path(), stamp.st_mtime_ns, stamp.st_size)


def provider() -> Provider | None:
    """Return the declared provider, where there is one."""
    return logins().oidc


def secret(of: Provider | Directory) -> str:
    """Return the secret that a provider or a directory knows us by.

    Raises:
        OSError: the file is not there, or not for us to read.
    """
    return declared.secret_path(path(), of).read_text(encoding="utf-8").strip()


@lru_cache(maxsize=2)
def _read(file: Path, changed: int, size: int) -> Logins:
    del changed, size
    return declared.read(file).value or Logins()
