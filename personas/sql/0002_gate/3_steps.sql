-- Steps: the agent's doors.

CREATE FUNCTION gate.claim_step(p_holder text, p_lease_s double precision)
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
            UPDATE public.audit_work w
               SET state = 'leased', fence = w.fence + 1, attempts = w.attempts + 1,
                   lease_until = clock_timestamp()
                       + make_interval(secs => least(greatest(p_lease_s, 1), 3600)),
                   holder = p_holder, claimed_at = clock_timestamp()
             WHERE w.id = v_next.id AND w.state = 'ready' RETURNING * INTO v_work;
            CONTINUE WHEN NOT FOUND;
            EXIT search WHEN v_run.state IN ('pending', 'running', 'waiting')
                         AND v_run.deadline > clock_timestamp();
            UPDATE public.audit_work SET state = 'cancelled', lease_until = NULL,
                   settled_at = clock_timestamp() WHERE id = v_work.id;
            PERFORM gate.end_run(v_run.id, 'timed_out', 'over its time', 'max_duration');
            v_work := NULL;
        END LOOP;
    END LOOP;
    IF v_work.id IS NULL THEN RETURN; END IF;
    v_token := gen_random_uuid()::text || gen_random_uuid()::text;
    UPDATE public.personas_run
       SET state = 'running', token_hash = sha256(convert_to(v_token, 'UTF8')), resume_at = NULL
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

-- A made-up run is a fact about whoever made it up: on record, once an hour.
CREATE FUNCTION gate.note_stranger(p_run uuid, p_verb text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_subject text := 'stranger ' || to_char(clock_timestamp(), 'YYYY-MM-DD"T"HH24');
BEGIN
    IF EXISTS (SELECT 1 FROM public.audit_entry WHERE subject = v_subject)
            OR EXISTS (SELECT 1 FROM public.audit_pending WHERE subject = v_subject) THEN
        RETURN;
    END IF;
    PERFORM audit.put_pending('action.denied', v_subject, '', jsonb_build_object(
        'claimed_run', p_run, 'verb', left(p_verb, 40), 'guard', 'run',
        'reason', 'no such run', 'session', session_user));
END $$;

CREATE FUNCTION gate.propose(p_run uuid, p_token text, p_step int, p_key text, p_verb text,
    p_entry text, p_target text, p_args jsonb)
RETURNS TABLE (action_id uuid, verdict text, guard text, reason text, level text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_run public.personas_run%ROWTYPE; v_old public.personas_action%ROWTYPE;
    v_decision gate.decision; v_id uuid := gen_random_uuid(); v_work uuid;
BEGIN
    SELECT * INTO v_run FROM public.personas_run WHERE id = p_run FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM gate.note_stranger(p_run, p_verb);
        RETURN QUERY SELECT v_id, 'denied'::text, 'run'::text, 'no such run'::text, ''::text;
        RETURN;
    END IF;
    v_decision := gate.judge(v_run, p_token, p_verb, coalesce(p_entry, ''),
                             coalesce(p_target, ''), p_args);
    -- A step repeated by another worker gets its first verdict back; but only its holder does.
    IF v_decision.guard NOT IN ('run', 'token') THEN
        SELECT * INTO v_old FROM public.personas_action
         WHERE run_id = p_run AND step_number = p_step AND key = p_key;
        IF FOUND THEN
            RETURN QUERY SELECT v_old.id, v_old.verdict::text, v_old.guard::text, v_old.reason,
                                v_old.level::text;
            RETURN;
        END IF;
        IF p_step IS DISTINCT FROM v_run.steps + 1 THEN
            v_decision := gate.deny('token', format('step %s is not being taken', p_step));
        END IF;
    END IF;
    -- Past its budget and some more a run is told, but no longer written down.
    IF v_run.actions >= v_run.max_actions + 20 THEN
        RETURN QUERY SELECT v_id, v_decision.verdict, v_decision.guard, v_decision.reason,
                            v_decision.level;
        RETURN;
    END IF;
    IF v_decision.verdict = 'authorised' THEN
        INSERT INTO public.audit_work (id, kind, queue, state, subject, priority, expires_at)
        VALUES (v_id, 'effect',
                CASE WHEN p_verb = 'playbook.run' THEN 'executor.plays' ELSE 'executor.light' END,
                'waiting', left(p_target, 200), 3, clock_timestamp() + interval '10 minutes');
        v_work := v_id;
    END IF;
    INSERT INTO public.personas_action (id, run_id, step_number, key, principal, ticket_ref, verb,
        entry, target, args, level, verdict, guard, reason, tree_hash, work_id)
    VALUES (v_id, p_run, p_step,
        CASE WHEN v_decision.guard IN ('run', 'token') THEN v_id::text ELSE left(p_key, 60) END,
        'run:' || p_run, v_run.ticket_ref, left(p_verb, 40), left(coalesce(p_entry, ''), 60),
        left(coalesce(p_target, ''), 200),
        CASE WHEN v_decision.verdict = 'denied' THEN '{}'::jsonb ELSE v_decision.args END,
        v_decision.level, v_decision.verdict, v_decision.guard, v_decision.reason,
        v_decision.tree_hash, v_work);
    UPDATE public.personas_run SET actions = actions + 1 WHERE id = p_run;
    PERFORM audit.put_pending('action.' || v_decision.verdict, v_id::text, v_run.ticket_ref,
        jsonb_build_object('run', p_run, 'step', p_step, 'card', v_run.card_id,
            'verb', left(p_verb, 40), 'entry', left(coalesce(p_entry, ''), 60),
            'target', left(coalesce(p_target, ''), 200),
            'args', CASE WHEN v_decision.verdict = 'denied'
                         THEN jsonb_build_object('asked_sha256', gate.sha256_hex(p_args::text))
                         ELSE v_decision.args END,
            'level', v_decision.level, 'guard', v_decision.guard,
            'reason', v_decision.reason, 'tree_hash', v_decision.tree_hash),
        v_work);
    RETURN QUERY SELECT v_id, v_decision.verdict, v_decision.guard, v_decision.reason,
                        v_decision.level;
END $$;

CREATE FUNCTION gate.finish_step(p_work uuid, p_fence bigint, p_token text, p_question jsonb,
    p_answer jsonb, p_checkpoint jsonb, p_next text, p_wait_s double precision, p_summary text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_work public.audit_work%ROWTYPE; v_run public.personas_run%ROWTYPE; v_number int;
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
    INSERT INTO public.personas_step
        (run_id, number, question, answer, checkpoint, next, started_at)
    VALUES (v_run.id, v_number, p_question, p_answer, p_checkpoint, p_next, v_work.claimed_at);
    UPDATE public.audit_work SET state = 'done', lease_until = NULL,
           settled_at = clock_timestamp() WHERE id = p_work;
    UPDATE public.personas_run
       SET steps = v_number, checkpoint = p_checkpoint,
           resume_at = clock_timestamp() + make_interval(secs => greatest(p_wait_s, 0))
     WHERE id = v_run.id;
    PERFORM audit.put_pending('step.taken', v_run.id || ':' || v_number, v_run.ticket_ref,
        jsonb_build_object('run', v_run.id, 'card', v_run.card_id, 'step', v_number,
            'question_sha256', gate.sha256_hex(p_question::text),
            'answer_sha256', gate.sha256_hex(p_answer::text),
            'choice', left(p_answer ->> 'choice', 200),
            'engine', left(p_answer ->> 'engine', 200), 'next', p_next));
    IF p_next = 'continue' THEN
        PERFORM gate.advance(v_run.id);
    ELSE
        PERFORM gate.end_run(v_run.id,
            CASE p_next WHEN 'done' THEN 'succeeded' ELSE 'failed' END, p_summary);
    END IF;
    RETURN 'ok';
END $$;

CREATE FUNCTION gate.release_step(p_work uuid, p_fence bigint, p_error text) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT audit.put_back(p_work, p_fence, p_error, ARRAY['step'])
$$;
