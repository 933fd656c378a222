-- Steps, as before, and: a step that was lost is a retry of its run, a limit ends the run with a
-- summary, and a freed place is given away.

CREATE OR REPLACE FUNCTION gate.claim_step(p_holder text, p_lease_s double precision,
    p_instance uuid, p_public_key bytea)
RETURNS TABLE (work_id uuid, fence bigint, run_id uuid, number int, token text, card text,
    ticket_ref text, scope jsonb, joined text, inputs jsonb, checkpoint jsonb,
    started_at timestamptz, deadline timestamptz, history jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_next record; v_work public.audit_work%ROWTYPE; v_run public.personas_run%ROWTYPE;
    v_intent public.personas_agentintent%ROWTYPE; v_token text; v_wait boolean;
BEGIN
    IF gate.stopped() THEN RETURN; END IF;
    -- The run is locked before its work, as everywhere; one that somebody holds is waited for
    -- only when there is nothing else to do.
    <<search>>
    FOREACH v_wait IN ARRAY ARRAY[false, true] LOOP
        FOR v_next IN
            SELECT w.id, (w.payload ->> 'run')::uuid AS run FROM public.audit_work w
             WHERE w.queue = 'agent' AND w.state = 'ready' AND w.kind = 'step'
               AND w.not_before <= clock_timestamp()
             ORDER BY w.priority, w.created_at LIMIT 50
        LOOP
            IF v_wait THEN
                SELECT * INTO v_run FROM public.personas_run WHERE id = v_next.run FOR UPDATE;
            ELSE
                SELECT * INTO v_run FROM public.personas_run WHERE id = v_next.run
                   FOR UPDATE SKIP LOCKED;
            END IF;
            CONTINUE WHEN NOT FOUND;
            -- Whoever took this step before did not come to its end.
            IF v_run.state = 'running' THEN
                IF EXISTS (SELECT 1 FROM public.audit_work WHERE id = v_next.id
                            AND state = 'ready') THEN
                    PERFORM gate.step_lost(v_run.id, v_next.id, 'lost', 'its worker was lost');
                END IF;
                CONTINUE;
            END IF;
            -- Over its time: the reconciler ends it.
            CONTINUE WHEN v_run.deadline <= clock_timestamp();
            UPDATE public.audit_work w
               SET state = 'leased', fence = w.fence + 1, attempts = w.attempts + 1,
                   lease_until = clock_timestamp()
                       + make_interval(secs => least(greatest(p_lease_s, 1), 3600)),
                   holder = p_holder, claimed_at = clock_timestamp()
             WHERE w.id = v_next.id AND w.state = 'ready' RETURNING * INTO v_work;
            CONTINUE WHEN NOT FOUND;
            EXIT search WHEN v_run.state IN ('starting', 'waiting', 'retrying');
            UPDATE public.audit_work SET state = 'cancelled', lease_until = NULL,
                   settled_at = clock_timestamp() WHERE id = v_work.id;
            v_work := NULL;
        END LOOP;
    END LOOP;
    IF v_work.id IS NULL THEN RETURN; END IF;
    PERFORM gate.end_incarnation(v_run.id, 'lost');
    PERFORM gate.bear_incarnation(v_run, v_work, p_instance, p_public_key);
    v_token := gen_random_uuid()::text || gen_random_uuid()::text;
    UPDATE public.personas_run
       SET state = 'running', why = '', told_by = '', token_hash = sha256(convert_to(v_token, 'UTF8')),
           resume_at = NULL
     WHERE id = v_run.id;
    SELECT * INTO STRICT v_intent FROM public.personas_agentintent WHERE id = v_run.intent_id;
    RETURN QUERY SELECT v_work.id, v_work.fence, v_run.id, (v_work.payload ->> 'number')::int,
        v_token, v_run.card_id::text, v_run.ticket_ref::text, v_intent.scope,
        v_intent.joined::text, v_intent.inputs, v_run.checkpoint, v_run.created_at,
        v_run.deadline,
        coalesce((SELECT jsonb_agg(jsonb_build_object('run', a.run_id, 'verb', a.verb,
                    'entry', a.entry,
                    'target', a.target, 'verdict', a.verdict, 'guard', a.guard,
                    'reason', a.reason, 'outcome', a.outcome, 'result', a.result,
                    'step', a.step_number, 'card', r.card_id,
                    -- In doubt, the beginning is all that is known of its time.
                    'settled_at', coalesce(a.settled_at,
                        CASE WHEN w.state = 'in_doubt' THEN w.claimed_at END),
                    'in_doubt', coalesce(w.state = 'in_doubt', false))
                    ORDER BY a.decided_at)
             FROM public.personas_action a
             JOIN public.personas_run r ON r.id = a.run_id
             LEFT JOIN public.audit_work w ON w.id = a.work_id
            WHERE a.ticket_ref = v_run.ticket_ref AND a.decided_at > v_run.created_at - interval
                  '1 day'), '[]'::jsonb);
END $$;

-- The limit that a run has met in a step: what it asked for was denied because it had no more.
CREATE FUNCTION gate.limit_of(p_run uuid, p_step int) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(max(CASE
               WHEN a.guard = 'tokens' THEN 'max_tokens'
               WHEN a.guard = 'budget' AND r.actions >= r.max_actions THEN 'max_actions' END), '')
      FROM public.personas_action a JOIN public.personas_run r ON r.id = a.run_id
     WHERE a.run_id = p_run AND a.step_number = p_step AND a.verdict = 'denied'
$$;

CREATE OR REPLACE FUNCTION gate.finish_step(p_work uuid, p_fence bigint, p_token text, p_question text,
    p_answer text, p_checkpoint jsonb, p_next text, p_wait_s double precision, p_summary text,
    p_statement text, p_signature text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_work public.audit_work%ROWTYPE; v_run public.personas_run%ROWTYPE; v_number int;
    v_signed jsonb; v_limit text;
BEGIN
    IF p_next NOT IN ('continue', 'done', 'failed') THEN
        RAISE EXCEPTION 'a step ends with continue, done or failed, not %', p_next
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO v_run FROM public.personas_run
     WHERE id = (SELECT (payload ->> 'run')::uuid FROM public.audit_work
                  WHERE id = p_work AND kind = 'step') FOR UPDATE;
    SELECT * INTO v_work FROM public.audit_work WHERE id = p_work FOR UPDATE;
    IF v_run.id IS NULL OR v_work.state <> 'leased' OR v_work.fence IS DISTINCT FROM p_fence
            OR v_run.state <> 'running'
            OR v_run.token_hash IS DISTINCT FROM sha256(convert_to(p_token, 'UTF8')) THEN
        RETURN 'late';
    END IF;
    v_number := (v_work.payload ->> 'number')::int;
    v_signed := gate.take_statement(v_run.id, p_statement, p_signature, jsonb_build_object(
        'kind', 'finish', 'run', v_run.id, 'step', v_number, 'card', v_run.card_id,
        'question_sha256', gate.sha256_hex(p_question),
        'answer_sha256', gate.sha256_hex(p_answer), 'next', p_next));
    IF v_signed IS NULL THEN
        RAISE EXCEPTION 'the end of step % is not signed by who takes it', v_number
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO public.personas_step
        (run_id, number, question, answer, checkpoint, next, started_at)
    VALUES (v_run.id, v_number, p_question::jsonb, p_answer::jsonb, p_checkpoint, p_next, v_work.claimed_at);
    UPDATE public.audit_work SET state = 'done', lease_until = NULL,
           settled_at = clock_timestamp() WHERE id = p_work;
    UPDATE public.personas_run
       SET steps = v_number, checkpoint = p_checkpoint,
           resume_at = clock_timestamp() + make_interval(secs => greatest(p_wait_s, 0))
     WHERE id = v_run.id;
    PERFORM audit.put_pending('step.taken', v_run.id || ':' || v_number, v_run.ticket_ref,
        jsonb_build_object('run', v_run.id, 'card', v_run.card_id, 'step', v_number,
            'question_sha256', gate.sha256_hex(p_question),
            'answer_sha256', gate.sha256_hex(p_answer),
            'choice', left(p_answer::jsonb ->> 'choice', 200),
            'engine', left(p_answer::jsonb ->> 'engine', 200), 'next', p_next,
            'latency_us', round(1e6 * extract(epoch FROM clock_timestamp() - v_work.claimed_at)))
        || gate.thought(v_run.id, v_number) || v_signed);
    PERFORM gate.end_incarnation(v_run.id, 'finished');
    v_limit := gate.limit_of(v_run.id, v_number);
    IF v_limit <> '' THEN
        PERFORM gate.end_run(v_run.id, 'failed', gate.summary_of(v_run.id,
            format('Stopped at its limit: %s', replace(v_limit, '_', ' '))), v_limit);
    ELSIF p_next = 'continue' THEN
        PERFORM gate.advance(v_run.id);
    ELSE
        PERFORM gate.end_run(v_run.id,
            CASE p_next WHEN 'done' THEN 'succeeded' ELSE 'failed' END, p_summary);
    END IF;
    PERFORM gate.admit();
    RETURN 'ok';
END $$;

CREATE OR REPLACE FUNCTION gate.release_step(p_work uuid, p_fence bigint, p_error text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run uuid; v_state text;
BEGIN
    SELECT r.id INTO v_run FROM public.personas_run r
     WHERE r.id = (SELECT (payload ->> 'run')::uuid FROM public.audit_work
                    WHERE id = p_work AND kind = 'step') FOR UPDATE;
    v_state := audit.put_back(p_work, p_fence, p_error, ARRAY['step']);
    IF v_state = 'late' THEN RETURN v_state; END IF;
    IF gate.step_lost(v_run, p_work, 'released', p_error) <> 'failed' THEN RETURN 'ready'; END IF;
    PERFORM gate.admit();
    RETURN 'dead';
END $$;

CREATE OR REPLACE FUNCTION gate.ask_model(p_work uuid, p_fence bigint, p_token text, p_slot text,
    p_question text, p_tokens int, p_deadline_s double precision, p_statement text,
    p_signature text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_work public.audit_work%ROWTYPE; v_run public.personas_run%ROWTYPE; v_number int;
    v_answered boolean; v_signed jsonb; v_job uuid;
BEGIN
    SELECT * INTO v_run FROM public.personas_run
     WHERE id = (SELECT (payload ->> 'run')::uuid FROM public.audit_work
                  WHERE id = p_work AND kind = 'step') FOR UPDATE;
    SELECT * INTO v_work FROM public.audit_work WHERE id = p_work FOR UPDATE;
    IF v_run.id IS NULL OR v_work.state <> 'leased' OR v_work.fence IS DISTINCT FROM p_fence
            OR v_run.state <> 'running'
            OR v_run.token_hash IS DISTINCT FROM sha256(convert_to(p_token, 'UTF8')) THEN
        RETURN 'late';
    END IF;
    IF gate.stopped() THEN RETURN 'late'; END IF;
    v_number := (v_work.payload ->> 'number')::int;
    SELECT j.id, j.finished_at IS NOT NULL INTO v_job, v_answered FROM public.gpu_job j
     WHERE j.wakes = p_work ORDER BY j.created_at LIMIT 1;
    IF NOT FOUND THEN
        v_job := gpu.submit('ops', p_slot, 'question', 'run:' || v_run.id, '', v_run.ticket_ref,
            v_run.id, v_number, '', jsonb_build_object('question', p_question::jsonb), false, true, true,
            p_tokens, least(p_deadline_s, greatest(1,
                extract(epoch FROM v_run.deadline - clock_timestamp())::float8)),
            p_work, true, 512);
    END IF;
    v_signed := gate.take_statement(v_run.id, p_statement, p_signature, jsonb_build_object(
        'kind', 'ask', 'run', v_run.id, 'step', v_number, 'card', v_run.card_id, 'slot', p_slot,
        'question_sha256', gate.sha256_hex(p_question)));
    IF v_signed IS NULL THEN
        RAISE EXCEPTION 'the question of step % is not signed by who takes it', v_number
            USING ERRCODE = 'check_violation';
    END IF;
    PERFORM audit.put_pending('step.asked', v_run.id || ':' || v_number, v_run.ticket_ref,
        jsonb_build_object('run', v_run.id, 'card', v_run.card_id, 'step', v_number,
            'slot', p_slot, 'inference', v_job, 'question_sha256', gate.sha256_hex(p_question))
        || v_signed);
    PERFORM gate.end_incarnation(v_run.id, 'asked');
    UPDATE public.audit_work
       SET state = 'ready', lease_until = NULL, attempts = attempts - 1,
           -- The answer brings it forward; without one it looks for itself.
           not_before = clock_timestamp() + CASE WHEN v_answered THEN interval '0'
               ELSE make_interval(secs => p_deadline_s + 5) END,
           published_at = CASE WHEN v_answered THEN NULL ELSE published_at END
     WHERE id = p_work;
    UPDATE public.personas_run SET state = 'waiting', token_hash = NULL, why = 'a model is asked',
           told_by = '' WHERE id = v_run.id;
    RETURN 'parked';
END $$;
