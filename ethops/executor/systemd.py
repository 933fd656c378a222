"""Words and values as systemd's unit files take them: systemd.syntax(7). Pure."""

import shlex


def quoted(word: str) -> str:
    """Return a word of ExecStart in which systemd reads neither specifier nor variable.

    Raises:
        ValueError: it holds a control character.
    """
    plain = word.replace("%", "%%").replace("$", "$$")
    return plain if plain == shlex.quote(word) else f'"{escaped(plain)}"'


def escaped(value: str) -> str:
    """Return what stands between double quotes.

    Raises:
        ValueError: it holds a control character.
    """
    if not value.isprintable():
        raise ValueError(f"{value!r} holds a control character")
    return value.replace("\\", "\\\\").replace('"', '\\"')
