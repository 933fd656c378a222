-- With the runtime's own queue, retries and places: events count a run's retries, a request leaves
-- its time to admission, and a place that an act frees is given away as its last thing.

CREATE OR REPLACE FUNCTION agentops.note_end() RETURNS trigger
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
        agentops.exit_code(NEW.state), NEW.limit_hit, NEW.retries,
        (SELECT count(*) FROM public.personas_step WHERE run_id = NEW.id),
        -- Of its work: it may have waited long for its place.
        greatest(0, round(1000 * extract(epoch FROM
            NEW.ended_at - coalesce(NEW.started_at, NEW.ended_at))))::bigint,
        coalesce((SELECT nullif(tenant, '') FROM public.personas_agentintent
                   WHERE id = NEW.intent_id), 'default'), NEW.ended_at)
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

-- A run that did not succeed may be begun anew from its intent: its words stay for a day.
CREATE OR REPLACE FUNCTION agentops.forget_prompt() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.state <> 'succeeded' THEN RETURN NULL; END IF;
    UPDATE public.agentops_request SET prompt = '' WHERE intent_id = NEW.intent_id;
    UPDATE public.personas_agentintent SET inputs = inputs - 'request'
     WHERE id = NEW.intent_id AND inputs ? 'request';
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION agentops.forget(p_days int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_count int; v_before timestamptz := clock_timestamp() - make_interval(days => p_days);
    v_over uuid[];
BEGIN
    IF p_days < 30 THEN
        RAISE EXCEPTION 'events are kept for 30 days at least' USING ERRCODE = 'check_violation';
    END IF;
    DELETE FROM public.agentops_agentevent WHERE event_id IN (
        SELECT event_id FROM public.agentops_agentevent
         WHERE ended_at < v_before AND published_at IS NOT NULL ORDER BY ended_at LIMIT 1000);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    DELETE FROM public.agentops_finding WHERE at < v_before AND told_at IS NOT NULL;
    v_over := ARRAY(SELECT q.intent_id FROM public.agentops_request q
                     WHERE q.prompt <> '' AND q.created_at < clock_timestamp() - interval '1 day'
                       AND NOT EXISTS (SELECT 1 FROM public.personas_run r
                            WHERE r.intent_id = q.intent_id AND (r.ended_at IS NULL
                               OR r.ended_at > clock_timestamp() - interval '1 day')));
    UPDATE public.agentops_request SET prompt = '' WHERE intent_id = ANY (v_over);
    UPDATE public.personas_agentintent SET inputs = inputs - 'request' WHERE id = ANY (v_over);
    RETURN v_count;
END $$;

CREATE OR REPLACE FUNCTION agentops.end_run(p_run uuid, p_state text, p_summary text, p_limit text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM public.personas_run WHERE id = p_run AND ended_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM gate.end_run(p_run, p_state, p_summary, p_limit);
    PERFORM gate.void_run(p_run, 'its run has ended');
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION agentops.requested(p_intent uuid, p_principal text, p_key text,
    p_body_sha256 text, p_prompt text, p_max_duration_s int, p_tenant text, p_position int,
    p_start_s int)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record;
BEGIN
    INSERT INTO public.agentops_request (intent_id, principal, idempotency_key, body_sha256,
        prompt, max_duration_s, tenant_id, queue_position, estimated_start_s)
    VALUES (p_intent, p_principal, p_key, p_body_sha256, p_prompt, p_max_duration_s, p_tenant,
        p_position, p_start_s);
    SELECT i.card_id, i.ticket_ref, i.priority INTO STRICT v
      FROM public.personas_agentintent i WHERE i.id = p_intent;
    PERFORM audit.put_pending('person.asked_run', p_intent::text, v.ticket_ref,
        jsonb_build_object('person', p_principal, 'intent', p_intent, 'card', v.card_id,
            'priority', v.priority, 'max_duration_s', p_max_duration_s, 'tenant', p_tenant,
            'prompt_sha256', gate.sha256_hex(p_prompt)));
END $$;

CREATE OR REPLACE FUNCTION agentops.cancel(p_intent uuid, p_person text, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run public.personas_run%ROWTYPE;
BEGIN
    IF coalesce(btrim(p_person), '') = '' THEN
        RAISE EXCEPTION 'a named person cancels a run' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO v_run FROM public.personas_run
     WHERE intent_id = p_intent ORDER BY created_at DESC LIMIT 1;
    IF v_run.id IS NULL OR NOT agentops.end_run(v_run.id, 'cancelled',
            left(p_person || ' cancelled it' || CASE WHEN coalesce(p_why, '') = '' THEN ''
                                                      ELSE ': ' || p_why END, 1000), '') THEN
        RETURN false;
    END IF;
    PERFORM audit.put_pending('person.cancelled_run', v_run.id::text, v_run.ticket_ref,
        jsonb_build_object('person', p_person, 'intent', p_intent, 'card', v_run.card_id,
            'why', left(p_why, 500)));
    PERFORM gate.admit();
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION agentops.found(p_kind text, p_run uuid, p_said text, p_facts jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run public.personas_run%ROWTYPE; v_id bigint;
BEGIN
    IF p_kind NOT IN ('deadlock', 'anomaly') THEN
        RAISE EXCEPTION 'a run is ended for a deadlock or an anomaly, not for %', p_kind
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO v_run FROM public.personas_run WHERE id = p_run FOR UPDATE;
    -- Its summary says what was tried and what is asked of a person, as that of every limit.
    IF NOT FOUND OR NOT agentops.end_run(p_run, 'failed',
            gate.summary_of(p_run, rtrim(left(p_said, 1000), '.')), p_kind) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.agentops_finding (kind, run_id, ticket_ref, card, said, facts)
    VALUES (p_kind, p_run, v_run.ticket_ref, v_run.card_id, left(p_said, 1000), p_facts)
    ON CONFLICT DO NOTHING RETURNING id INTO v_id;
    PERFORM audit.put_pending('run.detected', p_run::text, v_run.ticket_ref, jsonb_build_object(
        'detector', p_kind, 'run', p_run, 'card', v_run.card_id, 'said', left(p_said, 1000),
        'facts', p_facts));
    PERFORM gate.admit();
    RETURN v_id;
END $$;

DROP FUNCTION agentops.set_throttle(text, int, int, int, int, int, text);
CREATE FUNCTION agentops.set_throttle(p_level text, p_lowest_priority int, p_retry_after_s int,
    p_depth int, p_predicted int, p_said text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_old text;
BEGIN
    INSERT INTO public.agentops_throttle (id) VALUES (1) ON CONFLICT DO NOTHING;
    SELECT level INTO STRICT v_old FROM public.agentops_throttle WHERE id = 1 FOR UPDATE;
    UPDATE public.agentops_throttle
       SET level = p_level, lowest_priority = p_lowest_priority, retry_after_s = p_retry_after_s,
           depth = p_depth, predicted = p_predicted, said = left(p_said, 500),
           seen_at = clock_timestamp(),
           at = CASE WHEN level = p_level THEN at ELSE clock_timestamp() END
     WHERE id = 1;
    IF v_old = p_level THEN RETURN false; END IF;
    INSERT INTO public.agentops_finding (kind, said, facts, told_at)
    VALUES ('throttle', left(p_said, 500), jsonb_build_object('from', v_old, 'to', p_level,
            'depth', p_depth, 'predicted', p_predicted), clock_timestamp());
    PERFORM audit.put_pending('site.throttled', 'admission', '', jsonb_build_object(
        'level_before', v_old, 'level', p_level, 'depth', p_depth, 'predicted', p_predicted,
        'retry_after_s', p_retry_after_s, 'said', left(p_said, 500)));
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION agentops.set_throttle(text, int, int, int, int, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION agentops.set_throttle(text, int, int, int, int, text) TO ethops_app;
