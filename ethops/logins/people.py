"""Roles of one person: read from his groups, given and taken on record."""

from collections.abc import Iterable

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.db import transaction

from audit.ledger import pending
from ethops.logins import roles
from ethops.logins.errors import NoRoleError


def only_looks(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Tell whether somebody may look at everything and change nothing."""
    if not isinstance(user, User) or user.is_superuser:
        return False
    return roles.only_looks(user.groups.values_list("name", flat=True))


@transaction.atomic
def give(user: User, names: Iterable[str], *, by: str) -> list[str]:
    """Let somebody have these roles and no others, and a place at the desk where one needs it.

    Groups that are no roles, such as those that approve requests, stay as they are.

    Raises:
        NoRoleError: there is no role of that name.
    """
    wanted = set(names)
    unknown = sorted(wanted - set(roles.ROLES))
    if unknown:
        raise NoRoleError(f"There is no role called {', '.join(unknown)}.")
    # Two who change him at once would each see only half.
    user = User.objects.select_for_update().get(pk=user.pk)
    before = sorted(set(user.groups.values_list("name", flat=True)) & set(roles.ROLES))
    kept = user.groups.exclude(name__in=roles.ROLES)
    user.groups.set([*kept, *Group.objects.filter(name__in=wanted)])
    user.is_staff = any(roles.ROLES[name].desk for name in wanted)
    user.save(update_fields=["is_staff"])
    if before != sorted(wanted):
        pending.note(
            kind="person.roles",
            subject=user.username,
            body={"by": by, "before": list(before), "roles": sorted(wanted)},
        )
    return sorted(wanted)


def load() -> list[str]:
    """Make a group of each role with exactly the rights of the table; returns what changed.

    Raises:
        NoRoleError: a right of the table is none of Django's.
    """
    changed: list[str] = []
    known = {
        f"{one.content_type.app_label}.{one.codename}": one
        for one in Permission.objects.select_related("content_type")
    }
    for name, role in roles.ROLES.items():
        missing = sorted(role.rights - known.keys())
        if missing:
            raise NoRoleError(f"Role {name} names {', '.join(missing)}, which is no right.")
        group, made = Group.objects.get_or_create(name=name)
        has = set(group.permissions.values_list("pk", flat=True))
        wanted = [known[right] for right in sorted(role.rights)]
        if made or has != {one.pk for one in wanted}:
            group.permissions.set(wanted)
            changed.append(f"role {name}: {len(wanted)} rights")
    return changed
