"""System checks: who else knows our people is declared whole, and its secret is one."""

import stat
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error

from ethops.logins import conf, declared

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_logins(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse faults of the file as logins.E001, and a secret that is none as logins.E002."""
    path = conf.path()
    if not path.exists():
        return []
    found = declared.read(path)
    faults: list[CheckMessage] = [
        Error(f"{one.file}:{one.line}: {one.what}", hint=one.mend, id="logins.E001")
        for one in found.faults
    ]
    asked = [found.value.oidc, found.value.ldap] if found.value else []
    for one in asked:
        if one is None or not one.secret_file:
            continue
        secret = declared.secret_path(path, one)
        wrong = _wrong(secret)
        if wrong:
            hint = "Put the secret there, for the web process's user alone (mode 600)."
            faults.append(Error(f"{secret}: {wrong}", hint=hint, id="logins.E002"))
    if found.value and found.value.ldap and found.value.ldap.ca_file:
        ca = path.parent / found.value.ldap.ca_file
        if not ca.is_file():
            hint = "Put there who signs the directory's certificate, as PEM."
            faults.append(Error(f"{ca}: there is no such file.", hint=hint, id="logins.E003"))
    return faults


def _wrong(secret: Path) -> str:
    try:
        told = secret.stat()
    except OSError as fault:
        return f"it cannot be read ({fault.strerror})."
    if not stat.S_ISREG(told.st_mode) or told.st_size == 0:
        return "there is nothing in it."
    return "others may read it." if told.st_mode & OTHERS else ""
