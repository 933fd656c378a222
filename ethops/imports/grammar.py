"""What a site's own playbook may say: a closed list, since all else runs where we hold the keys.

A lookup, a plugin or an include is code on the executor's host, not on the target; a shell takes
whatever a host said for a command. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import jinja2
from jinja2 import nodes

from adapters.declared import Fault
from adapters.json_value import JSON
from adapters.yaml_tree import Loc

PLAY: Final = frozenset(
    {"name", "hosts", "gather_facts", "any_errors_fatal", "pre_tasks", "tasks", "post_tasks"}
)
PARTS: Final = ("pre_tasks", "tasks", "post_tasks")
TASK: Final = frozenset(
    {
        *("name", "register", "when", "changed_when", "failed_when", "until", "retries", "delay"),
        *("loop", "vars"),
    }
)
BARE: Final = frozenset({"when", "that", "until", "changed_when", "failed_when"})
"""Here text is an expression without braces."""
MODULES: Final = frozenset(
    f"ansible.builtin.{name}"
    for name in (
        *("apt", "assert", "command", "copy", "debug", "dnf", "fail", "file", "find", "getent"),
        *("lineinfile", "package", "package_facts", "service", "service_facts", "slurp", "stat"),
        *("systemd", "systemd_service", "wait_for"),
    )
)
SHORT: Final = ", ".join(sorted(name.rpartition(".")[2] for name in MODULES))
FILTERS: Final = frozenset(
    {
        *("bool", "combine", "count", "default", "dict2items", "difference", "first", "flatten"),
        *("float", "int", "intersect", "join", "last", "length", "list", "lower", "max", "min"),
        *("regex_replace", "regex_search", "replace", "round", "select", "sort", "split", "string"),
        *("sum", "trim", "union", "unique", "upper"),
    }
)
TESTS: Final = frozenset(
    {
        *("changed", "defined", "eq", "failed", "false", "ge", "gt", "in", "le", "lt", "match"),
        *("ne", "none", "number", "search", "skipped", "string", "succeeded", "true", "undefined"),
    }
)
NAMES: Final = frozenset(
    {
        *("lookup", "query", "q", "vars", "hostvars", "groups", "group_names", "environment"),
        *("playbook_dir", "role_path", "ansible_facts", "now", "undef", "self", "cycler"),
    }
)
"""What reaches beyond the one host and the declared arguments."""
NODES: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.List,
    nodes.Dict, nodes.Pair, nodes.Tuple, nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Add, nodes.Sub,
    nodes.Mul, nodes.Concat, nodes.CondExpr, nodes.Slice, nodes.Keyword,
)  # fmt: skip

_jinja = jinja2.Environment(autoescape=False)  # noqa: S701 - it parses, and renders nothing


class _Book:
    """One playbook under judgement."""

    def __init__(self, file: str, lines: Mapping[Loc, int]) -> None:
        self._file, self._lines = file, lines

    def fault(self, loc: Loc, what: str, mend: str) -> Fault:
        line = next(
            (self._lines[loc[:n]] for n in range(len(loc), -1, -1) if loc[:n] in self._lines), 1
        )
        return Fault(self._file, line, what, mend)

    def plays(self, data: JSON) -> Iterator[Fault]:
        if not isinstance(data, list) or len(data) != 1 or not isinstance(data[0], dict):
            yield self.fault((), "A playbook is a list of one play.", "Write one play.")
            return
        play = data[0]
        for key in sorted(set(play) - PLAY):
            yield self.fault(
                (0, key),
                f"`{key}` is no key of a site's play.",
                f"Use {', '.join(sorted(PLAY))} alone; tasks are written out, as root by sudo.",
            )
        if play.get("hosts") != "all":
            yield self.fault(
                (0, "hosts"), "The play is not for `all`.", "Its one host is the CI's."
            )
        if play.get("gather_facts") is not False:
            yield self.fault((0,), "The play gathers facts.", "Write `gather_facts: false`.")
        for part in PARTS:
            yield from self.tasks(play.get(part, []), (0, part))
        yield from self.texts(play.get("name"), (0, "name"), bare=False)

    def tasks(self, tasks: JSON, loc: Loc) -> Iterator[Fault]:
        if not isinstance(tasks, list):
            yield self.fault(loc, "This is no list of tasks.", "Write a list.")
            return
        for number, task in enumerate(tasks):
            here = (*loc, number)
            if not isinstance(task, dict):
                yield self.fault(here, "This is no task.", "Write a mapping.")
                continue
            yield from self.task(task, here)

    def task(self, task: Mapping[str, JSON], loc: Loc) -> Iterator[Fault]:
        used = [key for key in task if key not in TASK]
        for key in used:
            if key not in MODULES:
                yield self.fault(
                    (*loc, key),
                    f"`{key}` is neither a module nor a keyword that a site's task may use.",
                    f"Use one of ansible.builtin.: {SHORT}.",
                )
        if len(used) != 1:
            yield self.fault(loc, "A task has one module.", "Give it one.")
        for key, value in task.items():
            yield from self.texts(value, (*loc, key), bare=key in BARE)
        for key in used:
            yield from self.module(key, task[key], (*loc, key))

    def module(self, name: str, given: JSON, loc: Loc) -> Iterator[Fault]:
        if not isinstance(given, dict):
            if name in MODULES and given is not None:
                yield self.fault(loc, "Its arguments are one text.", "Write them as a mapping.")
            return
        if name.endswith(".command") and ("argv" not in given or set(given) & {"cmd", "stdin"}):
            yield self.fault(loc, "The command is no list of words.", "Give `argv` alone.")
        if name.endswith(".copy") and ("src" in given and given.get("remote_src") is not True):
            yield self.fault(
                (*loc, "src"), "It copies a file of the executor's host.", "Give `content`."
            )

    def texts(self, value: JSON, loc: Loc, *, bare: bool) -> Iterator[Fault]:
        if isinstance(value, str):
            yield from self.text(value, loc, bare=bare)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                yield from self.text(key, loc, bare=False)
                yield from self.texts(item, (*loc, key), bare=bare or key in BARE)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                yield from self.texts(item, (*loc, number), bare=bare)

    def text(self, text: str, loc: Loc, *, bare: bool) -> Iterator[Fault]:
        source = "{{ (" + text + ") }}" if bare and "{{" not in text else text
        try:
            tree = _jinja.parse(source)
        except (jinja2.TemplateError, RecursionError) as fault:
            yield self.fault(loc, f"This is no template: {fault}.", "Correct it.")
            return
        for node in tree.find_all(nodes.Node):
            why = _why_not(node)
            if why:
                yield self.fault(loc, why, "Use plain variables and simple filters.")


def faults(file: str, data: JSON, lines: Mapping[Loc, int]) -> list[Fault]:
    """Return everything that a playbook says and a site's own must not say."""
    return list(_Book(file, lines).plays(data))


def _why_not(node: nodes.Node) -> str:
    """Return why a part of a template is refused, "" where it is not."""
    if isinstance(node, nodes.Call):
        named = node.node
        name = named.name if isinstance(named, nodes.Name) else getattr(named, "attr", "something")
        return f"A template calls `{name}`, which would run on the executor's host."
    if isinstance(node, nodes.Name) and (node.name in NAMES or node.name.startswith("_")):
        return f"A template reads `{node.name}`, which is more than its host and arguments."
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        return f"A template reads `{node.attr}`, which is inside of Python."
    if isinstance(node, nodes.Getitem) and _is_inside(node.arg):
        return "A template reads what is inside of Python."
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return f"The filter `{node.name}` is none that a site's playbook may use."
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        return f"The test `{node.name}` is none that a site's playbook may use."
    if not isinstance(node, NODES):
        return f"A template holds a {type(node).__name__.lower()} statement."
    return ""


def _is_inside(arg: nodes.Expr) -> bool:
    return isinstance(arg, nodes.Const) and isinstance(arg.value, str) and arg.value.startswith("_")
