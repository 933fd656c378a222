"""Arguments of a playbook: only declared keys, only strings, matched whole, never a template."""

import re
from collections.abc import Mapping

import yaml

from audit.canonical import JSON
from ethops.executor.errors import ArgumentRefusedError

LONGEST = 250
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MAGIC = re.compile(
    r"ansible_.*|vars|hostvars|groups|group_names|inventory_.*|playbook_dir|role_.*|play_.*"
    r"|omit|environment|lookup|query|q|now|undef|hosts|name|become.*|connection|delegate_to"
)
"""Names with a meaning of Ansible's own: an extra variable would outrank it."""


class Unsafe(str):
    """Text that Ansible must never read as a template."""

    __slots__ = ()


class _Writer(yaml.SafeDumper):
    """Writes every string with the tag that forbids templating."""


_Writer.add_representer(
    Unsafe, lambda writer, text: writer.represent_scalar("!unsafe", str(text), style='"')
)


def check(parameters: Mapping[str, JSON], given: Mapping[str, JSON]) -> dict[str, str]:
    """Return the arguments as they were given, each held against its declared pattern.

    Raises:
        ArgumentRefusedError: names the argument and why.
    """
    undeclared = sorted(set(given) - set(parameters))
    if undeclared:
        raise ArgumentRefusedError(f"argument {undeclared[0]} is not declared")
    checked: dict[str, str] = {}
    for name, rule in parameters.items():
        if not isinstance(rule, Mapping) or not NAME.fullmatch(name) or MAGIC.fullmatch(name):
            raise ArgumentRefusedError(f"{name} is no name for a parameter")
        if name in given:
            checked[name] = _value(name, rule, given[name])
        elif rule.get("required", False):
            raise ArgumentRefusedError(f"argument {name} is missing")
    return checked


def as_extravars(arguments: Mapping[str, str]) -> str:
    """Return the arguments as a YAML file for Ansible, every value tagged `!unsafe`."""
    return as_yaml({name: Unsafe(value) for name, value in arguments.items()})


def as_yaml(value: object) -> str:
    """Return plain data as YAML; `Unsafe` texts keep their tag."""
    return yaml.dump(value, Dumper=_Writer, allow_unicode=False, sort_keys=True, width=4096)


def _value(name: str, rule: Mapping[str, JSON], value: JSON) -> str:
    if not isinstance(value, str):
        raise ArgumentRefusedError(f"argument {name} is not a string")
    if len(value) > LONGEST or not value.isprintable():
        raise ArgumentRefusedError(f"argument {name} is too long or holds a control character")
    # A parameter without a pattern matches nothing.
    if not re.fullmatch(str(rule.get("pattern", "(?!)")), value):
        raise ArgumentRefusedError(f"argument {name} does not match its pattern")
    return value
