"""Celery's doors to the desk: wake-ups and ticks, no logic."""

from celery import shared_task

from ethops.desk import (
    agent_watch,
    asking,
    becoming,
    discovery,
    elsewhere,
    evidence,
    gpu_watch,
    graph_copy,
    handover,
    housekeeping,
    knowledge,
    ledger,
    levels,
    major,
    mirroring,
    noticing,
    observers,
    pull_watch,
    recurrence,
    restorations,
    silences,
    sweeps,
    telemetry,
    work,
)


@shared_task(name="desk.wake")
def wake(work_id: str) -> None:
    """Drain the control queue; the id only says that there was something."""
    del work_id
    work.drain()


@shared_task(name="desk.sweep")
def sweep() -> None:
    """Run the probes that are due."""
    sweeps.sweep()


@shared_task(name="desk.keep_hours")
def keep_hours() -> None:
    """Keep what probes saw, hour by hour."""
    sweeps.keep_hours()


@shared_task(name="desk.check_ledger")
def check_ledger() -> None:
    """Look at what the verifier found; damage becomes an incident."""
    ledger.watch()


@shared_task(name="desk.keep_house")
def keep_house() -> None:
    """Close what has long been resolved."""
    housekeeping.keep_house()


@shared_task(name="desk.watch_gpu")
def watch_gpu() -> None:
    """Look after the GPU once a minute."""
    gpu_watch.watch()


@shared_task(name="desk.join_key_use")
def join_key_use() -> None:
    """Join what hosts saw of our keys to permits, and see whether hosts are watched at all."""
    telemetry.sweep()
    observers.watch()


@shared_task(name="desk.tell_people")
def tell_people() -> None:
    """Tell people what happened, and what they have not acknowledged; each morning, what was."""
    noticing.tell()
    handover.hand_over()


@shared_task(name="desk.watch_agents")
def watch_agents() -> None:
    """Look after agents at work."""
    agent_watch.watch()


@shared_task(name="desk.watch_levels")
def watch_levels() -> None:
    """Look after what is promised, asked, and to be told."""
    levels.watch()
    asking.expire()
    major.watch()


@shared_task(name="desk.watch_repairs")
def watch_repairs() -> None:
    """See since when incidents are well, and which repairs are needed again and again."""
    restorations.watch()
    recurrence.watch()


@shared_task(name="desk.watch_events")
def watch_events() -> None:
    """Look after storms, maintenance windows and what comes and goes."""
    becoming.watch()


@shared_task(name="desk.watch_senders")
def watch_senders() -> None:
    """See whether those who deliver alerts still live."""
    silences.watch()


@shared_task(name="desk.mirror_cmdb")
def mirror_cmdb() -> None:
    """Bring the copy of iTop's CMDB up to date."""
    mirroring.watch()


@shared_task(name="desk.discover")
def discover() -> None:
    """Propose what was seen and is no CI."""
    discovery.look()


@shared_task(name="desk.collect_evidence")
def collect_evidence() -> None:
    """Collect what speaks for safeguards."""
    evidence.watch()


@shared_task(name="desk.copy_graph")
def copy_graph() -> None:
    """Bring the graph's copy up to date, where there is one."""
    graph_copy.watch()


@shared_task(name="desk.index_knowledge")
def index_knowledge() -> None:
    """Bring the index of the knowledge base to what was merged."""
    knowledge.watch()


@shared_task(name="desk.watch_pulls")
def watch_pulls() -> None:
    """Follow pull requests to their end, here and at a forge elsewhere."""
    pull_watch.watch()


@shared_task(name="desk.follow")
def follow() -> None:
    """Follow a desk of tickets that others write to as well."""
    elsewhere.follow()


@shared_task(name="desk.follow_all")
def follow_all() -> None:
    """Once a day, compare every ticket of that desk with ours."""
    elsewhere.follow_all()
