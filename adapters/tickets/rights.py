"""Whose word a move is: the roles of an author at one ticket, and who stands too near to approve.

Pure. The desk's door says what it knows of a person; that he is the requester, the ticket knows.
"""

from adapters.tickets.port import ANY_GROUP, AuthorKind, Role, Vouched


def roles_of(
    author: str,
    kind: AuthorKind,
    vouched: Vouched,
    *,
    requester: str,
    approver_role: str = "",
) -> frozenset[Role]:
    """Return the roles in which an author stands to a ticket."""
    if kind != "person":
        return frozenset({kind})
    roles = set[Role](vouched.roles & {"operator", "approver"})
    if approver_role:
        roles.discard("approver")
        if vouched.groups & {approver_role, ANY_GROUP}:
            roles.add("approver")
    if requester and author == requester:
        roles.add("requester")
    return frozenset(roles)


def is_too_near(author: str, *, requester: str, opener: str, implementer: str = "") -> bool:
    """Tell whether who would approve has asked for it himself, or is to do it."""
    return author in {requester, opener, implementer}
