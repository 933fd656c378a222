"""Probes as a site file declares them on a CI: one model per kind."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, cast

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from adapters.declared import Declaration, refusal
from adapters.json_value import JSON
from adapters.monitoring.port import Severity

Slug = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$", max_length=64)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=120)]
Seconds = Annotated[float, Field(gt=0, le=60)]


_PLAIN_URL = re.compile(
    r"https?://(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?(?:/[!-~]*)?"
)


def _http_url(url: str) -> str:
    if not _PLAIN_URL.fullmatch(url):
        raise refusal(f"{url!r} is no plain http address.", "Write http://HOST:PORT/PATH.")
    return url


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise refusal(f"Not a regular expression: {error}.", "Correct it.") from error
    return text


def _absolute(path: str) -> str:
    if not path.startswith("/") or not path.isprintable():
        raise refusal(f"{path!r} is no absolute path.", "Begin it with a slash.")
    return path


Path = Annotated[str, Field(max_length=500), AfterValidator(_absolute)]


class DeclaredAlertmanager(Declaration):
    """An Alertmanager that is silenced while a maintenance window lasts."""

    name: Slug
    url: Annotated[str, Field(max_length=400), AfterValidator(_http_url)]
    """Its own address, without `/api/v2`."""


class HttpParams(Declaration):
    """A GET that must answer in time with a wanted status and content; no redirect followed."""

    url: Annotated[str, Field(max_length=500), AfterValidator(_http_url)]
    timeout_s: Seconds = 2.0
    """From before the connection until the whole body is there."""
    status: Annotated[tuple[Annotated[int, Field(ge=100, le=599)], ...], Field(min_length=1)] = (
        200,
    )
    contains: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    matches: Annotated[str, Field(max_length=200), AfterValidator(_pattern)] | None = None
    slow_ms: Annotated[float, Field(gt=0)] | None = None


class TcpParams(Declaration):
    """A connection that must be accepted in time."""

    address: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]+$", max_length=200)]
    port: Annotated[int, Field(ge=1, le=65535)]
    timeout_s: Seconds = 2.0


class DirectoryParams(Declaration):
    """A directory of this host that may hold only so much; links are not followed."""

    path: Path
    timeout_s: Seconds = 5.0
    max_bytes: Annotated[int, Field(ge=0)] | None = None
    max_files: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _limited(self) -> "DirectoryParams":
        if self.max_bytes is None and self.max_files is None:
            raise refusal("A directory probe has no threshold.", "Add `max_bytes` or `max_files`.")
        return self


class FilesystemParams(Declaration):
    """A filesystem of this host, by any path on it."""

    path: Path
    timeout_s: Seconds = 5.0
    max_percent: Annotated[float, Field(gt=0, le=100)]


class LoadParams(Declaration):
    """This host's one-minute load per core."""

    timeout_s: Seconds = 5.0
    max_per_core: Annotated[float, Field(gt=0)]


class PrometheusParams(Declaration):
    """A PromQL expression of a Prometheus server, whose every sample must stay within limits."""

    url: Annotated[str, Field(max_length=500), AfterValidator(_http_url)]
    """The server's own address, without `/api/v1`."""
    query: Annotated[str, Field(min_length=1, max_length=1000)]
    timeout_s: Seconds = 5.0
    max: Annotated[float, Field(allow_inf_nan=False)] | None = None
    min: Annotated[float, Field(allow_inf_nan=False)] | None = None
    empty: Literal["bad", "ok"] = "bad"
    """What it means that the expression finds nothing: silence is not health unless so declared."""

    @model_validator(mode="after")
    def _limited(self) -> "PrometheusParams":
        if self.max is None and self.min is None and self.empty == "ok":
            raise refusal("A Prometheus probe has no threshold.", "Add `max`, `min` or both.")
        return self


class ChangeParams(Declaration):
    """What a PromQL expression finds now against what it found a day ago, each series by itself."""

    url: Annotated[str, Field(max_length=500), AfterValidator(_http_url)]
    """The server's own address, without `/api/v1`."""
    query: Annotated[str, Field(min_length=1, max_length=1000)]
    timeout_s: Seconds = 10.0
    ago_s: Annotated[float, Field(ge=60, le=2_592_000)] = 86_400.0
    window_s: Annotated[float, Field(ge=60, le=86_400)] = 3_600.0
    """Of now and of then the median over so long is compared: one odd value is no change."""
    max_rise: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    max_fall: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    max_rise_percent: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Of what it was then."""
    max_fall_percent: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    empty: Literal["bad", "ok"] = "bad"
    """What it means that a series is gone, or that there is nothing to compare."""

    @model_validator(mode="after")
    def _limited(self) -> "ChangeParams":
        limits = (self.max_rise, self.max_fall, self.max_rise_percent, self.max_fall_percent)
        if all(limit is None for limit in limits) and self.empty == "ok":
            raise refusal("A change probe has no threshold.", "Add `max_rise` or `max_fall`.")
        if self.window_s > self.ago_s:
            raise refusal("The windows overlap.", "Make `window_s` at most `ago_s`.")
        return self


Params: TypeAlias = (
    HttpParams
    | TcpParams
    | DirectoryParams
    | FilesystemParams
    | LoadParams
    | PrometheusParams
    | ChangeParams
)
PARAMS: Mapping[str, type[Params]] = {
    "http": HttpParams,
    "tcp": TcpParams,
    "directory": DirectoryParams,
    "filesystem": FilesystemParams,
    "load": LoadParams,
    "prometheus": PrometheusParams,
    "change": ChangeParams,
}


class _Common(Declaration):
    """What every probe has beside its parameters."""

    name: Slug
    interval_s: Annotated[float, Field(ge=0.2, le=86_400)] = 10.0
    bad_after: Annotated[int, Field(ge=1, le=100)] = 3
    good_after: Annotated[int, Field(ge=1, le=100)] = 2
    alertname: Name
    severity: Severity = "warning"


class HttpProbe(_Common, HttpParams):
    """An http probe."""

    kind: Literal["http"]


class TcpProbe(_Common, TcpParams):
    """A tcp probe."""

    kind: Literal["tcp"]


class DirectoryProbe(_Common, DirectoryParams):
    """A directory probe."""

    kind: Literal["directory"]


class FilesystemProbe(_Common, FilesystemParams):
    """A filesystem probe."""

    kind: Literal["filesystem"]


class LoadProbe(_Common, LoadParams):
    """A load probe."""

    kind: Literal["load"]


class PrometheusProbe(_Common, PrometheusParams):
    """A question to a Prometheus."""

    kind: Literal["prometheus"]


class ChangeProbe(_Common, ChangeParams):
    """A comparison with a day ago."""

    kind: Literal["change"]


DeclaredProbe = Annotated[
    HttpProbe
    | TcpProbe
    | DirectoryProbe
    | FilesystemProbe
    | LoadProbe
    | PrometheusProbe
    | ChangeProbe,
    Field(discriminator="kind"),
]


def params_of(probe: DeclaredProbe) -> dict[str, JSON]:
    """Return what only this probe's kind has, fit for a row."""
    own = set(PARAMS[probe.kind].model_fields)
    return cast("dict[str, JSON]", probe.model_dump(mode="json", include=own, exclude_none=True))


def parse_params(kind: str, text: str) -> Params:
    """Return a row's parameters as their model again; `text` is JSON."""
    return TypeAdapter(PARAMS[kind]).validate_json(text)
