-- Acts: a run asked for over the API, ended at a person's word, or ended by a detector.

-- Ends a run and takes back what it was permitted and nobody has begun; false where it was over.
CREATE FUNCTION agentops.end_run(p_run uuid, p_state text, p_summary text, p_limit text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_action uuid;
BEGIN
    PERFORM 1 FROM public.personas_run WHERE id = p_run AND ended_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM gate.end_run(p_run, p_state, p_summary, p_limit);
    FOR v_action IN
        UPDATE public.audit_work w SET state = 'cancelled', settled_at = clock_timestamp()
          FROM public.personas_action a
         WHERE a.id = w.id AND a.run_id = p_run AND w.kind = 'effect'
           AND w.state IN ('waiting', 'ready')
        RETURNING w.id
    LOOP
        PERFORM gate.close_action(v_action, 'void',
            jsonb_build_object('said', 'its run has ended'), 'action.void');
    END LOOP;
    RETURN true;
END $$;

-- Ties a request to the intent that was made for it, in the caller's transaction. A request may
-- shorten a run's time and never lengthen it.
CREATE FUNCTION agentops.requested(p_intent uuid, p_principal text, p_key text, p_body_sha256 text,
    p_prompt text, p_max_duration_s int, p_tenant text, p_position int, p_start_s int)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record;
BEGIN
    INSERT INTO public.agentops_request (intent_id, principal, idempotency_key, body_sha256,
        prompt, max_duration_s, tenant_id, queue_position, estimated_start_s)
    VALUES (p_intent, p_principal, p_key, p_body_sha256, p_prompt, p_max_duration_s, p_tenant,
        p_position, p_start_s);
    UPDATE public.personas_run SET deadline = least(deadline,
           created_at + make_interval(secs => p_max_duration_s))
     WHERE intent_id = p_intent;
    SELECT i.card_id, i.ticket_ref, i.priority INTO STRICT v
      FROM public.personas_agentintent i WHERE i.id = p_intent;
    PERFORM audit.put_pending('person.asked_run', p_intent::text, v.ticket_ref,
        jsonb_build_object('person', p_principal, 'intent', p_intent, 'card', v.card_id,
            'priority', v.priority, 'max_duration_s', p_max_duration_s, 'tenant', p_tenant,
            'prompt_sha256', gate.sha256_hex(p_prompt)));
END $$;

CREATE FUNCTION agentops.cancel(p_intent uuid, p_person text, p_why text) RETURNS boolean
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
    RETURN true;
END $$;

-- A detector ends a run, once; null where it was over already.
CREATE FUNCTION agentops.found(p_kind text, p_run uuid, p_said text, p_facts jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run public.personas_run%ROWTYPE; v_id bigint;
BEGIN
    IF p_kind NOT IN ('deadlock', 'anomaly') THEN
        RAISE EXCEPTION 'a run is ended for a deadlock or an anomaly, not for %', p_kind
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO v_run FROM public.personas_run WHERE id = p_run FOR UPDATE;
    IF NOT FOUND OR NOT agentops.end_run(p_run, 'failed', left(p_said, 1000), p_kind) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.agentops_finding (kind, run_id, ticket_ref, card, said, facts)
    VALUES (p_kind, p_run, v_run.ticket_ref, v_run.card_id, left(p_said, 1000), p_facts)
    ON CONFLICT DO NOTHING RETURNING id INTO v_id;
    PERFORM audit.put_pending('run.detected', p_run::text, v_run.ticket_ref, jsonb_build_object(
        'detector', p_kind, 'run', p_run, 'card', v_run.card_id, 'said', left(p_said, 1000),
        'facts', p_facts));
    RETURN v_id;
END $$;

CREATE FUNCTION agentops.told(p_finding bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE public.agentops_finding SET told_at = clock_timestamp()
     WHERE id = p_finding AND told_at IS NULL
$$;

-- How many runs went astray of late: the breaker of the whole fleet asks this.
CREATE FUNCTION agentops.anomalies(p_since interval) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*)::int FROM public.agentops_finding
     WHERE kind IN ('anomaly', 'deadlock') AND at > clock_timestamp() - p_since
$$;

-- Closes admission, or opens it; on record where the level changes.
CREATE FUNCTION agentops.set_throttle(p_level text, p_lowest_priority int, p_at_once int,
    p_retry_after_s int, p_depth int, p_predicted int, p_said text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_old text;
BEGIN
    INSERT INTO public.agentops_throttle (id) VALUES (1) ON CONFLICT DO NOTHING;
    SELECT level INTO STRICT v_old FROM public.agentops_throttle WHERE id = 1 FOR UPDATE;
    UPDATE public.agentops_throttle
       SET level = p_level, lowest_priority = p_lowest_priority, at_once = p_at_once,
           retry_after_s = p_retry_after_s, depth = p_depth, predicted = p_predicted,
           said = left(p_said, 500), seen_at = clock_timestamp(),
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

-- Seconds after which an intent of this priority may be sent again; 0 where it is let in. What was
-- not looked at for a minute says nothing any more.
CREATE FUNCTION agentops.retry_after(p_priority int) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT retry_after_s FROM public.agentops_throttle
                      WHERE id = 1 AND p_priority > lowest_priority
                        AND seen_at > clock_timestamp() - interval '1 minute'), 0)
$$;
