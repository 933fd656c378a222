"""A notice that wants somebody: whoever has its address may say that he has it, by a button."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from ethops.desk import noticing
from ethops.notify.models import Notice
from ethops.pages.words import Moment
from ethops.portal import bounds, visitor
from ethops.portal.door import address, frame, guarded
from ethops.portal.errors import NotYoursError


@guarded
def shown(request: HttpRequest, notice: UUID) -> HttpResponse:
    """Draw it, or take the acknowledgement; looking acknowledges nothing."""
    bounds.mind(bounds.LINK, address(request))
    row = Notice.objects.filter(pk=notice, until_acknowledged=True).first()
    if row is None:
        raise NotYoursError("There is no such notice.")
    here = visitor.account(request)
    if request.method == "POST":
        who = here.person if here else row.to
        if noticing.acknowledge(notice=notice, person=who):
            messages.success(request, "It is yours. Nobody is told of it again.")
        return HttpResponseRedirect(reverse("portal:notice", args=[notice]))
    now = timezone.now()
    about = {
        **frame(here),
        "title": row.title,
        "row": row,
        "made": Moment(row.made_at, now),
        "had": Moment(row.acknowledged_at, now) if row.acknowledged_at else None,
    }
    return TemplateResponse(request, "portal/notice.html", about)
