"""Every path of the API below /api/v1/."""

from typing import Any

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from ethops.api import (
    agentops,
    approvals,
    autonomy,
    gpu,
    intake,
    itil,
    itop,
    ledger,
    ledger_proofs,
    ledger_tail,
    maintenance,
    memory,
    metrics,
    notices,
    problems,
    proposals,
    pulls,
    reading,
    request_models,
    rights,
    runs,
    stop,
    tickets,
    webhooks,
)

SHELVES: dict[str, type[reading.Shelf[Any]]] = {
    "tickets": tickets.Tickets,
    "runs": runs.Runs,
    "actions": runs.Actions,
    "approvals": approvals.Approvals,
    "pulls": pulls.Pulls,
    "autonomy/verdicts": autonomy.Verdicts,
    "agentops/intents": agentops.AgentIntents,
    "agentops/events": agentops.AgentEvents,
    "agentops/findings": agentops.Findings,
    "memory": memory.Memory,
    "notices": notices.Notices,
    "request-models": request_models.RequestModels,
    "deliveries": intake.Deliveries,
    "events": intake.Events,
    "maintenance": maintenance.Windows,
    "ledger/entries": ledger.Entries,
    "ledger/heads": ledger_proofs.Heads,
    "cards": rights.Cards,
    "catalogue": rights.Catalogue,
    "cis": intake.CIs,
    "proposals": proposals.Proposals,
    "gpu/jobs": gpu.GpuJobs,
}
shelves = SimpleRouter(trailing_slash=False)
for name, shelf in SHELVES.items():
    shelves.register(name, shelf, basename=name.replace("/", "-"))

urlpatterns = [
    path("v1/webhooks/alertmanager", webhooks.alertmanager, name="webhook-alertmanager"),
    path("v1/ledger", ledger.LedgerState.as_view(), name="ledger"),
    path("v1/ledger/acknowledge", ledger.Acknowledge.as_view(), name="ledger-acknowledge"),
    path("v1/ledger/checkpoint", ledger_proofs.Checkpoint.as_view(), name="ledger-checkpoint"),
    path("v1/ledger/consistency", ledger_proofs.Consistent.as_view(), name="ledger-consistency"),
    re_path(
        rf"^v1/ledger/tile/{ledger_proofs.TILE}$", ledger_proofs.TileView.as_view(), name="tile"
    ),
    path("v1/ledger/tail", ledger_tail.LedgerTail.as_view(), name="ledger-tail"),
    path("v1/agentops/world-model", agentops.World.as_view(), name="world-model"),
    # With and without a slash: a redirect from one to the other would lose what is sent.
    re_path(r"^v1/itop/callback/?$", itop.Callback.as_view(), name="itop-callback"),
    path("v1/itop", itop.ItopHealth.as_view(), name="itop"),
    path("v1/gpu", gpu.Gpu.as_view(), name="gpu"),
    path("v1/metrics", metrics.Metrics.as_view(), name="metrics"),
    path("v1/metrics/itil", itil.Itil.as_view(), name="metrics-itil"),
    path("v1/autonomy", autonomy.AutonomyView.as_view(), name="autonomy"),
    path("v1/autonomy/levels", autonomy.LevelsView.as_view(), name="autonomy-levels"),
    path("v1/autonomy/breaker", autonomy.BreakerView.as_view(), name="autonomy-breaker"),
    path("v1/stop", stop.StopView.as_view(), name="stop"),
    path("v1/resume", stop.ResumeView.as_view(), name="resume"),
    path(
        "v1/schema",
        SpectacularAPIView.as_view(permission_classes=[reading.AtTheDesk]),
        name="schema",
    ),
    path("v1/", include(shelves.urls)),
    re_path(r"", problems.not_found),
]
