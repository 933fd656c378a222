-- Who blocks whom: a run that waits to act on a CI which another run acts on, or may have acted on.
CREATE VIEW public.agentops_blocked_by AS
    SELECT DISTINCT waits.run_id AS child, holds.run_id AS parent, w.subject AS ci
      FROM public.personas_action waits
      JOIN public.audit_work w ON w.id = waits.work_id AND w.state IN ('waiting', 'ready')
       AND w.queue = 'executor.plays'
      JOIN public.personas_run r ON r.id = waits.run_id AND r.ended_at IS NULL
      JOIN public.audit_work h ON h.subject = w.subject AND h.id <> w.id AND h.kind = 'effect'
       AND h.queue = 'executor.plays' AND h.state IN ('leased', 'in_doubt')
      JOIN public.personas_action holds ON holds.work_id = h.id
     WHERE waits.run_id IS NOT NULL AND holds.run_id IS NOT NULL
       AND holds.run_id <> waits.run_id;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA agentops FROM PUBLIC;
GRANT USAGE ON SCHEMA agentops TO ethops_app;
GRANT EXECUTE ON FUNCTION
    agentops.requested(uuid, text, text, text, text, int, text, int, int),
    agentops.cancel(uuid, text, text),
    agentops.found(text, uuid, text, jsonb),
    agentops.told(bigint),
    agentops.anomalies(interval),
    agentops.set_throttle(text, int, int, int, int, int, text),
    agentops.retry_after(int),
    agentops.forget(int)
    TO ethops_app;
GRANT SELECT ON public.agentops_agentevent, public.agentops_request, public.agentops_finding,
    public.agentops_throttle, public.agentops_blocked_by TO ethops_app;
-- That it was sent, and nothing else of an event, is the control worker's to say.
GRANT UPDATE (stream_id, published_at) ON public.agentops_agentevent TO ethops_app;
