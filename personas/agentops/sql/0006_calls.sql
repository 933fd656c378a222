-- What a run does counts whatever it is: what it proposes, what it asks of models, how often a worker
-- looks at its ticket and CI for it. And what each run waits for, whoever or whatever keeps it.
-- Frozen: a later change is a new file and migration.

-- Each life of a worker in a run begins with a look: that builds the context of its step.
CREATE FUNCTION agentops.calls_of(p_run uuid)
RETURNS TABLE (proposals int, questions int, looks int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT (SELECT count(*)::int FROM public.personas_action WHERE run_id = p_run),
           (SELECT count(*)::int FROM public.gpu_job WHERE run = p_run),
           (SELECT count(*)::int FROM public.personas_incarnation WHERE run_id = p_run)
$$;

CREATE VIEW public.agentops_calls AS
    SELECT r.id AS run_id, c.proposals, c.questions, c.looks
      FROM public.personas_run r, LATERAL agentops.calls_of(r.id) c WHERE r.ended_at IS NULL;

UPDATE public.agentops_agentevent e SET questions = c.questions, looks = c.looks
  FROM public.agentops_agentevent o, LATERAL agentops.calls_of(o.session_id) c
 WHERE o.event_id = e.event_id;

-- As before, and: questions and looks.
CREATE OR REPLACE FUNCTION agentops.note_end() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_in bigint; v_out bigint; v_calls record;
BEGIN
    SELECT coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0) INTO v_in, v_out
      FROM public.gpu_job WHERE run = NEW.id;
    SELECT * INTO STRICT v_calls FROM agentops.calls_of(NEW.id);
    INSERT INTO public.agentops_agentevent (intent_id, session_id, agent_role, job_id, state,
        tool_calls, tool_call_count, questions, looks, tokens_in, tokens_out, exit_code, limit_hit,
        retry_count, checkpoint_count, duration_ms, tenant_id, ended_at)
    VALUES (NEW.intent_id, NEW.id, NEW.card_id, NEW.ticket_ref, NEW.state,
        agentops.tool_calls(NEW.id), v_calls.proposals, v_calls.questions, v_calls.looks,
        v_in, v_out, agentops.exit_code(NEW.state), NEW.limit_hit, NEW.retries,
        (SELECT count(*) FROM public.personas_step WHERE run_id = NEW.id),
        -- Of its work: it may have waited long for its place.
        greatest(0, round(1000 * extract(epoch FROM
            NEW.ended_at - coalesce(NEW.started_at, NEW.ended_at))))::bigint,
        coalesce((SELECT nullif(tenant, '') FROM public.personas_agentintent
                   WHERE id = NEW.intent_id), 'default'), NEW.ended_at)
    ON CONFLICT (session_id) DO UPDATE
       SET state = excluded.state, tool_calls = excluded.tool_calls,
           tool_call_count = excluded.tool_call_count, questions = excluded.questions,
           looks = excluded.looks, tokens_in = excluded.tokens_in,
           tokens_out = excluded.tokens_out, exit_code = excluded.exit_code,
           limit_hit = excluded.limit_hit, retry_count = excluded.retry_count,
           checkpoint_count = excluded.checkpoint_count, duration_ms = excluded.duration_ms,
           ended_at = excluded.ended_at, revision = agentops_agentevent.revision + 1,
           published_at = NULL;
    RETURN NULL;
END $$;

-- What a run waits for, one row each; `held_by` is another run, where it is one.
CREATE VIEW public.agentops_waits AS
    SELECT child AS run_id, 'ci' AS kind, ci::text AS about, parent AS held_by
      FROM public.agentops_blocked_by
    UNION ALL
    SELECT r.id, 'approval', p.action_id::text, NULL::uuid
      FROM public.personas_run r JOIN public.approvals_approval p
           ON p.run_id = r.id AND p.state = 'waiting' WHERE r.ended_at IS NULL
    UNION ALL
    SELECT r.id, 'model', j.tier || '.' || j.slot, NULL
      FROM public.personas_run r JOIN public.gpu_job j ON j.run = r.id AND j.finished_at IS NULL
     WHERE r.ended_at IS NULL
    UNION ALL
    SELECT r.id, 'place', CASE WHEN x.card_id IS NOT NULL THEN 'isolated: ' || r.card_id
               WHEN c.limits ->> 'max_concurrent' IS NOT NULL AND (
                    SELECT count(*) FROM public.personas_run o WHERE o.card_id = r.card_id
                       AND o.state IN ('starting', 'running', 'waiting', 'retrying'))
                    >= (c.limits ->> 'max_concurrent')::int THEN 'card ' || r.card_id
               ELSE 'environment ' || i.environment END, NULL
      FROM public.personas_run r JOIN public.personas_agentintent i ON i.id = r.intent_id
      JOIN public.personas_card c ON c.name = r.card_id
      LEFT JOIN public.personas_isolatedcard x ON x.card_id = r.card_id
     WHERE r.state = 'pending'
    UNION ALL
    SELECT id, 'paused', told_by, NULL FROM public.personas_run WHERE state = 'paused'
    UNION ALL
    SELECT id, 'retry', why, NULL FROM public.personas_run WHERE state = 'retrying';

REVOKE ALL ON FUNCTION agentops.calls_of(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION agentops.calls_of(uuid) TO ethops_app;
GRANT SELECT ON public.agentops_calls, public.agentops_waits TO ethops_app;
