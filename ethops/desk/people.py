"""What the desk vouches for about a person: an operator, an approver, of which groups."""

from django.contrib.auth.models import User

from adapters.tickets.port import ANY_GROUP, NOTHING, Role, Vouched
from ethops.logins import people as logins
from personas import queries
from personas.approvals import queries as approvals

MAY_APPROVE = "approvals.approve"


def exists(person: str) -> bool:
    """Tell whether somebody logs in under this name."""
    return User.objects.filter(username=person, is_active=True).exists()


def vouched(person: str) -> Vouched:
    """Return what a login may do with tickets; nothing where nobody has it, or a card does."""
    user = User.objects.filter(username=person, is_active=True).first()
    if user is None or queries.is_card(person):
        return NOTHING
    roles = set[Role]()
    if user.is_staff and not logins.only_looks(user):
        roles.add("operator")
        if user.has_perm(MAY_APPROVE):
            roles.add("approver")
    groups = set(user.groups.values_list("name", flat=True))
    if user.is_superuser:
        groups.add(ANY_GROUP)
    return Vouched(frozenset(roles), frozenset(groups), alone=approvals.profile().single)
