-- Events: one row per ended run, written in the transaction that ends it.
-- Frozen: a later change is a new file and migration. Rights stand in the last file.

CREATE SCHEMA agentops;

-- What looks like a secret is taken out before anything is cut: half of one is one, too.
CREATE FUNCTION agentops.masked(p_text text, p_most int DEFAULT 300) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT left(
        regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
            left(coalesce(p_text, ''), 8000),
            '-----BEGIN [A-Z0-9 ]{1,60}-----[^-]*(?:-----END [A-Z0-9 ]{1,60}-----)?',
            '[masked]', 'g'),
            '\m(bearer|basic)\s+[a-z0-9._~+/=-]{8,}', '\1 [masked]', 'gi'),
            '((?:passw(?:or)?d|passwd|passphrase|secret|token|api[_-]?key|private[_-]?key|credentials?)[a-z0-9_-]*["'']?\s*[:=]\s*)(?:"[^"]*"?|''[^'']*''?|[^\s"'',;&]+)',
            '\1[masked]', 'gi'),
            '\m(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|xox[abeprs]-[A-Za-z0-9-]{10,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)',
            '[masked]', 'g'),
            '://[^/\s:@]{0,200}:[^/\s@]{1,200}@', '://[masked]@', 'g'),
        p_most)
$$;

CREATE FUNCTION agentops.masked_args(p_args jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(left(key, 60), CASE
               WHEN key ~* 'passw|secret|token|api_?key|private_?key|credential' THEN '[masked]'
               ELSE agentops.masked(value) END), '{}')
      FROM (SELECT key, value FROM jsonb_each_text(
                CASE jsonb_typeof(p_args) WHEN 'object' THEN p_args ELSE '{}' END)
             ORDER BY key LIMIT 20) a
$$;

-- What a run asked for, first things first; more than 64 are counted, not listed.
CREATE FUNCTION agentops.tool_calls(p_run uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'tool', agentops.masked(btrim(a.verb || ' ' || a.entry), 120),
               'input', jsonb_build_object('target', agentops.masked(a.target, 200),
                                           'args', agentops.masked_args(a.args)),
               'output', jsonb_build_object('verdict', a.verdict, 'guard', a.guard,
                   'outcome', a.outcome, 'said', agentops.masked(coalesce(
                       nullif(a.result ->> 'said', ''), a.reason))),
               'duration_ms', a.took_ms, 'action', a.id) ORDER BY a.decided_at, a.id), '[]')
      FROM (SELECT p.*, coalesce(greatest(0, round(1000 * extract(epoch FROM
                   p.settled_at - coalesce(w.claimed_at, p.decided_at)))), 0)::bigint AS took_ms
              FROM public.personas_action p
              LEFT JOIN public.audit_work w ON w.id = p.work_id
             WHERE p.run_id = p_run ORDER BY p.decided_at, p.id LIMIT 64) a
$$;

CREATE FUNCTION agentops.exit_code(p_state text) RETURNS smallint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_state WHEN 'succeeded' THEN 0 WHEN 'isolated' THEN 75 WHEN 'timed_out' THEN 124
                        WHEN 'cancelled' THEN 143 ELSE 1 END::smallint
$$;

-- A run that was begun again and ended again has the same event, in a higher revision.
CREATE FUNCTION agentops.note_end() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_in bigint; v_out bigint;
BEGIN
    SELECT coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0) INTO v_in, v_out
      FROM public.gpu_job WHERE run = NEW.id;
    INSERT INTO public.agentops_agentevent (intent_id, session_id, agent_role, job_id, state,
        tool_calls, tool_call_count, tokens_in, tokens_out, exit_code, limit_hit, retry_count,
        checkpoint_count, duration_ms, tenant_id, ended_at)
    VALUES (NEW.intent_id, NEW.id, NEW.card_id, NEW.ticket_ref, NEW.state,
        agentops.tool_calls(NEW.id),
        (SELECT count(*) FROM public.personas_action WHERE run_id = NEW.id), v_in, v_out,
        agentops.exit_code(NEW.state), NEW.limit_hit,
        (SELECT coalesce(sum(greatest(attempts - 1, 0)), 0) FROM public.audit_work
          WHERE kind = 'step' AND subject = NEW.id::text),
        (SELECT count(*) FROM public.personas_step WHERE run_id = NEW.id),
        greatest(0, round(1000 * extract(epoch FROM NEW.ended_at - NEW.created_at)))::bigint,
        coalesce((SELECT tenant_id FROM public.agentops_request
                   WHERE intent_id = NEW.intent_id), 'default'), NEW.ended_at)
    ON CONFLICT (session_id) DO UPDATE
       SET state = excluded.state, tool_calls = excluded.tool_calls,
           tool_call_count = excluded.tool_call_count, tokens_in = excluded.tokens_in,
           tokens_out = excluded.tokens_out, exit_code = excluded.exit_code,
           limit_hit = excluded.limit_hit, retry_count = excluded.retry_count,
           checkpoint_count = excluded.checkpoint_count, duration_ms = excluded.duration_ms,
           ended_at = excluded.ended_at, revision = agentops_agentevent.revision + 1,
           published_at = NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER note_end AFTER UPDATE OF ended_at ON public.personas_run
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION agentops.note_end();

-- What is taken away from an action's row, or comes to it late, is so in the event as well.
CREATE FUNCTION agentops.follow_action() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- Asked here and not in the trigger's own condition, which would nail the columns' types down.
    IF NEW.run_id IS NULL OR (OLD.args = NEW.args AND OLD.result = NEW.result
                              AND OLD.outcome = NEW.outcome) THEN
        RETURN NULL;
    END IF;
    UPDATE public.agentops_agentevent
       SET tool_calls = agentops.tool_calls(NEW.run_id), revision = revision + 1,
           published_at = NULL
     WHERE session_id = NEW.run_id;
    RETURN NULL;
END $$;
CREATE TRIGGER follow_action AFTER UPDATE ON public.personas_action
    FOR EACH ROW EXECUTE FUNCTION agentops.follow_action();

-- Runs keep their rows; what was told about them need not be kept as long.
CREATE FUNCTION agentops.forget(p_days int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_count int; v_before timestamptz := clock_timestamp() - make_interval(days => p_days);
BEGIN
    IF p_days < 30 THEN
        RAISE EXCEPTION 'events are kept for 30 days at least' USING ERRCODE = 'check_violation';
    END IF;
    DELETE FROM public.agentops_agentevent WHERE event_id IN (
        SELECT event_id FROM public.agentops_agentevent
         WHERE ended_at < v_before AND published_at IS NOT NULL ORDER BY ended_at LIMIT 1000);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    DELETE FROM public.agentops_finding WHERE at < v_before AND told_at IS NOT NULL;
    UPDATE public.agentops_request SET prompt = '' WHERE created_at < v_before AND prompt <> '';
    RETURN v_count;
END $$;
