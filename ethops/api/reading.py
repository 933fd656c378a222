"""How lists and single things are read: pages, declared filters, and who may look."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias, TypeVar

from django.db.models import Model, QuerySet
from rest_framework import exceptions, mixins, serializers, viewsets
from rest_framework.filters import BaseFilterBackend
from rest_framework.pagination import BasePagination, CursorPagination, LimitOffsetPagination
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from ethops.logins import people
from ethops.world.late import LateRows

M = TypeVar("M", bound=Model)
R = TypeVar("R")

AnyField: TypeAlias = "serializers.Field[Any, Any, Any, Any]"
Filters: TypeAlias = Mapping[str, tuple[str, AnyField]]

FURTHEST = 1_000_000


class Pages(LimitOffsetPagination):
    """At most 200 at once; whoever wants the millionth asks with a filter."""

    default_limit = 50
    max_limit = 200
    parameters = frozenset({"limit", "offset"})

    def get_offset(self, request: Request) -> int:
        """Return the offset; one beyond reason would overflow in the database."""
        offset = super().get_offset(request)
        if offset > FURTHEST:
            raise exceptions.ValidationError({"offset": [f"At most {FURTHEST}; use a filter."]})
        return offset

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return a page whose rows are read only once it is known which they are."""
        late: Any = LateRows(queryset)
        return super().paginate_queryset(late, request, view)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page without the example addresses of somebody else's host."""
        return _without_examples(super().get_paginated_response_schema(schema))


class Cursor(CursorPagination):
    """Pages of a list that only grows: nothing is counted, and none shifts under the reader."""

    ordering = "-seq"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    parameters = frozenset({"limit", "cursor"})

    def decode_cursor(self, request: Request) -> Any:
        """Read the cursor; one that we did not make is a fault of the request."""
        try:
            return super().decode_cursor(request)
        except exceptions.NotFound as fault:
            raise exceptions.ValidationError({"cursor": [str(fault.detail)]}) from fault

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page without the example addresses of somebody else's host."""
        return _without_examples(super().get_paginated_response_schema(schema))


class DeclaredFilters(BaseFilterBackend):
    """Filters a view declares: parameter -> (lookup, field that reads the value)."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[M, R], view: APIView
    ) -> QuerySet[M, R]:
        """Return the rows that every given filter keeps; an unknown parameter is refused."""
        declared: Filters = getattr(view, "filters", {})
        paging: frozenset[str] = getattr(
            getattr(view, "pagination_class", None), "parameters", frozenset()
        )
        faults: dict[str, list[str]] = {}
        for name, value in request.query_params.items():
            if name == "format" or name in paging:
                continue
            if name not in declared:
                known = ", ".join(sorted(declared)) or "none"
                faults[name] = [f"There is no such filter here; there are: {known}."]
                continue
            lookup, field = declared[name]
            try:
                queryset = queryset.filter(**{lookup: field.run_validation(value)})
            except exceptions.ValidationError as fault:
                faults[name] = [str(one) for one in _flat(fault.detail)]
        if faults:
            raise exceptions.ValidationError(faults)
        return queryset

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Name the filters in the OpenAPI document."""
        declared: Filters = getattr(view, "filters", {})
        return [
            {"name": name, "in": "query", "required": False, "schema": _schema(field)}
            for name, (_, field) in declared.items()
        ]


class AtTheDesk(BasePermission):
    """Those who work at the desk: staff, by session or token."""

    message = "Only people and programs of the desk may use this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Let active staff in; an auditor only to look."""
        del view
        if not (request.user.is_active and request.user.is_staff):
            return False
        return request.method in SAFE_METHODS or not people.only_looks(request.user)


class Shelf(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[M]):
    """Things that may be listed and looked at, and nothing else."""

    permission_classes = (AtTheDesk,)
    pagination_class: type[BasePagination] = Pages
    filter_backends = (DeclaredFilters,)
    filters: ClassVar[Filters] = {}


def _without_examples(made: dict[str, Any]) -> dict[str, Any]:
    for link in ("next", "previous"):
        made["properties"][link].pop("example", None)
    return made


def _flat(detail: object) -> list[object]:
    return detail if isinstance(detail, list) else [detail]


def _schema(field: AnyField) -> dict[str, Any]:
    if isinstance(field, serializers.ChoiceField):
        return {"type": "string", "enum": list(field.choices)}
    if isinstance(field, serializers.BooleanField):
        return {"type": "boolean"}
    if isinstance(field, serializers.IntegerField):
        return {"type": "integer"}
    if isinstance(field, serializers.DateTimeField):
        return {"type": "string", "format": "date-time"}
    if isinstance(field, serializers.UUIDField):
        return {"type": "string", "format": "uuid"}
    return {"type": "string"}
