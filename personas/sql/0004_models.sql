-- A step that asks a model waits by ending: its question goes into the GPU's queue, and its work
-- is due again when the answer is there. Locks go run, inference, step, as everywhere.

CREATE FUNCTION gate.ask_model(p_work uuid, p_fence bigint, p_token text, p_slot text,
    p_question jsonb, p_tokens int, p_deadline_s double precision)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_work public.audit_work%ROWTYPE; v_run public.personas_run%ROWTYPE; v_number int;
    v_answered boolean;
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
    SELECT j.finished_at IS NOT NULL INTO v_answered FROM public.gpu_job j
     WHERE j.wakes = p_work ORDER BY j.created_at LIMIT 1;
    IF NOT FOUND THEN
        PERFORM gpu.submit('ops', p_slot, 'question', 'run:' || v_run.id, '', v_run.ticket_ref,
            v_run.id, v_number, '', jsonb_build_object('question', p_question), false, true, true,
            p_tokens, least(p_deadline_s, greatest(1,
                extract(epoch FROM v_run.deadline - clock_timestamp())::float8)),
            p_work, true, 512);
    END IF;
    UPDATE public.audit_work
       SET state = 'ready', lease_until = NULL, attempts = attempts - 1,
           -- The answer brings it forward; without one it looks for itself.
           not_before = clock_timestamp() + CASE WHEN v_answered THEN interval '0'
               ELSE make_interval(secs => p_deadline_s + 5) END,
           published_at = CASE WHEN v_answered THEN NULL ELSE published_at END
     WHERE id = p_work;
    UPDATE public.personas_run SET state = 'waiting', token_hash = NULL WHERE id = v_run.id;
    RETURN 'parked';
END $$;

-- What came of the question of the step that is being taken; no row where none was asked.
CREATE FUNCTION gate.asked_model(p_work uuid, p_fence bigint, p_token text)
RETURNS TABLE (state text, question jsonb, answer jsonb, error_code text, slot text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT i.state::text, j.request -> 'question', j.answer, j.error_code::text, j.slot::text
      FROM public.audit_work w
      JOIN public.personas_run r ON r.id = (w.payload ->> 'run')::uuid
      JOIN public.gpu_job j ON j.wakes = w.id
      JOIN public.audit_work i ON i.id = j.id
     WHERE w.id = p_work AND w.kind = 'step' AND w.state = 'leased' AND w.fence = p_fence
       AND r.token_hash = sha256(convert_to(p_token, 'UTF8'))
     ORDER BY j.created_at LIMIT 1
$$;

-- As before, and: nobody waits any more for what the run has asked a model.
CREATE OR REPLACE FUNCTION gate.end_run(p_run uuid, p_state text, p_summary text,
    p_limit text DEFAULT '')
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run public.personas_run%ROWTYPE;
BEGIN
    UPDATE public.personas_run
       SET state = p_state, summary = left(p_summary, 4000), limit_hit = p_limit,
           ended_at = clock_timestamp(), token_hash = NULL
     WHERE id = p_run AND state IN ('pending', 'running', 'waiting')
    RETURNING * INTO v_run;
    IF NOT FOUND THEN RETURN; END IF;
    -- One that is just being finished is left alone: whoever finishes it may wait for us.
    PERFORM gpu.cancel(free.id, 'its run has ended')
       FROM (SELECT w.id FROM public.audit_work w
              WHERE w.id IN (SELECT j.id FROM public.gpu_job j
                              WHERE j.run = p_run AND j.finished_at IS NULL)
                FOR UPDATE SKIP LOCKED) free;
    -- A step still queued is cancelled by its claim: touching it here would lock work after run.
    PERFORM audit.put_pending('run.ended', p_run::text, v_run.ticket_ref, jsonb_build_object(
        'card', v_run.card_id, 'state', p_state, 'steps', v_run.steps,
        'actions', v_run.actions, 'limit_hit', p_limit, 'summary', left(p_summary, 1000)));
    PERFORM audit.put_work('dispatch', 'control', 'ready', v_run.ticket_ref,
        jsonb_build_object('ticket', v_run.ticket_ref, 'why', 'run ' || p_state, 'run', p_run,
                           'card', v_run.card_id, 'state', p_state),
        'run:' || p_run, 3, clock_timestamp(), 3);
END $$;

REVOKE ALL ON FUNCTION gate.ask_model(uuid, bigint, text, text, jsonb, int, double precision),
    gate.asked_model(uuid, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    gate.ask_model(uuid, bigint, text, text, jsonb, int, double precision),
    gate.asked_model(uuid, bigint, text) TO ethops_agent;
