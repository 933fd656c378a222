"""A CI said at the desk: a form for what no file declares, in a person's name and by his code."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from adapters.cmdb import desk_words, proposing, queries
from adapters.cmdb.desk_words import FLAGS, LISTS, SCALES, Form
from adapters.cmdb.precedence import ATTRIBUTE, EXISTS, Stand, is_locked
from adapters.json_value import JSON
from ethops.api import acts
from ethops.pages.asked import Asked
from personas.approvals import queries as approvals
from personas.approvals.errors import ApprovalRefusedError

FORBIDDEN: Final = "You may not say what is so of a CI; ask an admin."
SCALE: Final = (("1", "high"), ("2", "medium"), ("3", "low"))
LABELS: Final = {
    "ref": "Ref",
    "name": "Name",
    "class": "Class",
    "impact": "Impact",
    "urgency": "Urgency",
    "user_facing": "People outside feel it",
    "lifeline": "Lifeline: ethops or its operators stand on it",
    "host": "Inventory host",
    "depends_on": "Depends on",
    "runs_on": "Runs on",
    "powered_by": "Powered by",
    "connected_to": "Connected to",
    "attributes": "Further attributes, as JSON",
}
HELPS: Final = {
    "ref": "Small letters, digits and . _ - ; it never changes.",
    "lifeline": "No agent acts on one without a person.",
    "attributes": "What playbooks take their arguments from.",
    **dict.fromkeys(LISTS, "One ref in each line."),
}
NOTHING: Final = hashlib.sha256(b"[]").hexdigest()
"""What is said of a CI of which nobody says anything: `cmdb.words_digest` of none."""
PROPOSAL: Final = re.compile(r"[0-9]{1,18}")
DEFAULTS: Final = {"impact": "2", "urgency": "2"}
FIELD: Final = {"class": "ci_class"}
"""What a field of the form is called among claims, where it is another word."""


def new(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw or read the form of a CI that nobody has declared."""
    ref = request.POST.get("ref", "").strip()
    if ref and (stands := queries.stands_of(ref)):
        taken = ref if any(stand.field == EXISTS for stand in stands) else ""
        about = {**context, "shown": NOTHING, "taken": taken}
        return _drawn(request, about, "", _typed(request), [f"There is a CI {ref} already."])
    said = {**DEFAULTS, **_proposed(request.GET.get("proposal", ""))}
    return _shown(request, {**context, "shown": NOTHING}, ref, said)


def _proposed(number: str) -> dict[str, str]:
    """Return the form as discovery proposes it, for whoever says it otherwise."""
    found = proposing.waiting().filter(pk=int(number)) if PROPOSAL.fullmatch(number) else ()
    return next(({**_form(one.said), "ref": one.ref} for one in found if EXISTS in one.said), {})


def edit(request: HttpRequest, context: dict[str, Any], ref: str) -> HttpResponse:
    """Draw or read the form of a CI."""
    # Taken first, so that what is said while this is drawn is seen as said since. What was typed
    # goes on with the one that it was typed by: a new one would vouch for what nobody saw.
    now = queries.words_digest(ref)
    shown = request.POST.get("shown", "") if request.method == "POST" else now
    stands = queries.stands_of(ref)
    if not any(stand.field == EXISTS for stand in stands):
        raise Http404(f"Nobody declares a CI {ref}.")
    return _shown(request, {**context, "shown": shown, "stale": shown != now}, ref, _said(stands))


def _shown(
    request: HttpRequest, context: dict[str, Any], ref: str, said: Mapping[str, str]
) -> HttpResponse:
    wrong: list[str] = []
    if request.method == "POST":
        said = _typed(request)
        wrong = _kept(request, ref, said)
        if not wrong:
            messages.success(request, f"What the desk says of {ref} is kept.")
            return HttpResponseRedirect(reverse("admin:cmdb_ci_change", args=[ref]))
    return _drawn(request, context, ref, said, wrong)


def _typed(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "").strip() for name in LABELS}


def _drawn(
    request: HttpRequest,
    context: dict[str, Any],
    ref: str,
    said: Mapping[str, str],
    wrong: list[str],
) -> HttpResponse:
    others = {one.field: one for one in queries.stands_of(ref, without=queries.DESK)}
    editing = EXISTS in {one.field for one in queries.stands_of(ref)}
    person = request.user.get_username()
    about = {
        **context,
        "title": f"Change {ref}" if editing else "New CI",
        "ref": ref,
        "editing": editing,
        "ours": EXISTS in queries.said_at_desk(ref),
        "may": request.user.has_perm(acts.MAY_DECLARE),
        "forbidden": FORBIDDEN,
        "fields": [
            _asked(name, said.get(name, ""), others)
            for name in LABELS
            if name != "ref" or not editing
        ],
        "wrong": wrong,
        "why": request.POST.get("why", ""),
        "has_factor": approvals.has_factor(person),
        "person": person,
    }
    return TemplateResponse(request, "desk/ci.html", about, status=422 if wrong else 200)


def _asked(name: str, value: str, others: Mapping[str, Stand]) -> tuple[Asked, str]:
    """Return a field of the form, and who says it first, where the desk would not be heard."""
    stand = others.get(FIELD.get(name, f"{ATTRIBUTE}{name}" if name in LISTS else name))
    choices: tuple[tuple[str, str], ...] = SCALE if name in SCALES else ()
    if name == "host":
        choices = tuple((one, one) for one in queries.hosts())
    kind = "flag" if name in FLAGS else "text" if name in {*LISTS, "attributes"} else "line"
    field = Asked(
        name=name,
        label=LABELS[name],
        kind=kind,
        value=value,
        choices=choices,
        help=HELPS.get(name, ""),
        fault="",
        required=name in {"ref", "name", "class"},
        limit=8000 if kind == "text" else 120,
    )
    if stand is None or not is_locked(stand):
        return field, ""
    # It is not asked for, so a form that comes back has nothing of it.
    value = _lines(stand.counts.value) if name in LISTS else _line(stand.counts.value)
    words = {**dict(SCALE), "on": "yes", "": "no"}
    said = words.get(value, value) if name in {*SCALES, *FLAGS} else value
    return replace(field, value=said), stand.counts.source


def _said(stands: tuple[Stand, ...]) -> dict[str, str]:
    """Return the form as it stands: what the gate reads."""
    return _form({one.field: one.counts.value for one in stands if one.held})


def _form(held: Mapping[str, JSON]) -> dict[str, str]:
    """Return words about a CI as the form's fields."""
    of_attributes = {
        name.removeprefix(ATTRIBUTE): value
        for name, value in held.items()
        if name.startswith(ATTRIBUTE)
    }
    found = {name: _line(held.get(FIELD.get(name, name))) for name in LABELS}
    found |= {name: DEFAULTS[name] for name in DEFAULTS if not found[name]}
    found |= {name: _lines(of_attributes.pop(name, None)) for name in LISTS}
    text = json.dumps(of_attributes, indent=1, ensure_ascii=False)
    return found | {"attributes": text if of_attributes else ""}


def _line(value: JSON) -> str:
    return "" if value is None or value is False else "on" if value is True else str(value)


def _lines(value: JSON) -> str:
    several = value if isinstance(value, list | tuple) else [value]
    return "\n".join(one for one in several if isinstance(one, str))


def _kept(request: HttpRequest, ref: str, said: Mapping[str, str]) -> list[str]:
    """Keep what was said; returns what is wrong with it."""
    if not request.user.has_perm(acts.MAY_DECLARE):
        return [FORBIDDEN]
    words: dict[str, JSON] = {}
    if request.POST.get("act") != "take back":
        lists = {name: _named(said[name]) for name in LISTS}
        others = queries.stands_of(ref, without=queries.DESK)
        form = Form(ref, _with_locked(said, others), lists, said["attributes"])
        faults, wanted = form.faults_and_words()
        if faults:
            return [f"{fault.what} {fault.mend}" for fault in faults]
        words = desk_words.to_say(wanted, others)
    try:
        acts.declare_ci(
            ref=ref,
            said=words,
            person=request.user.get_username(),
            why=request.POST.get("why", "").strip(),
            code=request.POST.get("code", ""),
            shown=request.POST.get("shown", ""),
        )
    except ApprovalRefusedError as fault:
        return [f"{fault} {fault.hint}"]
    return []


def _named(text: str) -> list[str]:
    """Return what stands on a line of its own; a name may have spaces."""
    return [name for line in text.splitlines() if (name := line.strip())]


def _with_locked(said: Mapping[str, str], others: tuple[Stand, ...]) -> dict[str, str]:
    """Return the form with what others say first, which it does not ask for."""
    fields = {FIELD.get(name, name): name for name in LABELS}
    locked = {
        fields[one.field]: _line(one.counts.value)
        for one in others
        if one.field in fields and is_locked(one)
    }
    return {**said, **locked}
