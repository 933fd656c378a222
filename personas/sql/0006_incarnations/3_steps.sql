-- Steps, as before, and: whoever takes one has a key, and signs what is asked and how it ends.

DROP FUNCTION gate.claim_step(text, double precision);
CREATE FUNCTION gate.claim_step(p_holder text, p_lease_s double precision,
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
    PERFORM gate.end_incarnation(v_run.id, 'lost');
    PERFORM gate.bear_incarnation(v_run, v_work, p_instance, p_public_key);
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

DROP FUNCTION gate.propose(uuid, text, int, text, text, text, text, jsonb);

-- How long an effect may take once it was claimed, with its doubts: then a person must look.
CREATE FUNCTION gate.time_to_act(p_verb text, p_entry text) RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT make_interval(secs => 3 * coalesce((SELECT timeout_s FROM
        public.personas_catalogueentry WHERE p_verb = 'playbook.run' AND name = p_entry), 30))
        + interval '5 minutes'
$$;

-- What an entry says of a proposal beside the decision itself.
CREATE FUNCTION gate.asked_body(p_run public.personas_run, p_step int, p_key text, p_verb text,
    p_entry text, p_target text)
RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('run', (p_run).id, 'step', p_step, 'card', (p_run).card_id,
        'key', left(p_key, 60), 'verb', left(p_verb, 40), 'entry', left(p_entry, 60),
        'target', left(p_target, 200),
        'cis', CASE WHEN p_verb = 'playbook.run' THEN jsonb_build_array(left(p_target, 200))
                    ELSE i.scope END,
        'documents', '[]'::jsonb)
        || gate.thought((p_run).id, p_step)
      FROM public.personas_agentintent i WHERE i.id = (p_run).intent_id
$$;

-- p_args is the text whose commitment under p_salt was signed. `counted` tells the signer whether
-- the statement is in its chain now.
CREATE FUNCTION gate.propose(p_run uuid, p_token text, p_step int, p_key text, p_verb text,
    p_entry text, p_target text, p_args text, p_salt text, p_statement text, p_signature text)
RETURNS TABLE (action_id uuid, verdict text, guard text, reason text, level text, counted boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_run public.personas_run%ROWTYPE; v_old public.personas_action%ROWTYPE;
    v_decision gate.decision; v_id uuid := gen_random_uuid(); v_work uuid; v_signed jsonb;
    v_salt bytea; v_asked text := ''; v_args text := ''; v_deadline timestamptz; v_risk text;
    v_known boolean;
BEGIN
    SELECT * INTO v_run FROM public.personas_run WHERE id = p_run FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM gate.note_stranger(p_run, p_verb);
        RETURN QUERY SELECT v_id, 'denied'::text, 'run'::text, 'no such run'::text, ''::text, false;
        RETURN;
    END IF;
    v_decision := gate.judge(v_run, p_token, p_verb, coalesce(p_entry, ''),
                             coalesce(p_target, ''), p_args::jsonb);
    -- A step repeated by another worker gets its first verdict back; but only its holder does.
    v_known := v_decision.guard NOT IN ('run', 'token');
    IF v_known THEN
        SELECT * INTO v_old FROM public.personas_action
         WHERE run_id = p_run AND step_number = p_step AND key = p_key;
        IF FOUND THEN
            RETURN QUERY SELECT v_old.id, v_old.verdict::text, v_old.guard::text, v_old.reason,
                                v_old.level::text, false;
            RETURN;
        END IF;
        IF p_step IS DISTINCT FROM v_run.steps + 1 THEN
            v_decision := gate.deny('token', format('step %s is not being taken', p_step));
            v_known := false;
        END IF;
    END IF;
    -- Past its budget and some more a run is told, but no longer written down.
    IF v_run.actions >= v_run.max_actions + 20 THEN
        RETURN QUERY SELECT v_id, v_decision.verdict, v_decision.guard, v_decision.reason,
                            v_decision.level, false;
        RETURN;
    END IF;
    IF v_known AND p_salt ~ '^[0-9a-f]{32}$' THEN
        v_salt := decode(p_salt, 'hex');
        v_asked := audit.commitment(v_salt, p_args);
        v_signed := gate.take_statement(p_run, p_statement, p_signature, jsonb_build_object(
            'kind', 'propose', 'run', p_run, 'step', p_step, 'card', v_run.card_id, 'key', p_key,
            'verb', p_verb, 'entry', p_entry, 'target', p_target, 'asked_digest', v_asked));
    END IF;
    -- What nobody signed is not permitted; that it was asked is on record all the same.
    IF v_signed IS NULL AND v_decision.verdict <> 'denied' THEN
        v_decision := gate.deny('signature', 'not signed by who takes this step');
    END IF;
    SELECT coalesce(max(risk), '') INTO v_risk
      FROM public.personas_catalogueentry WHERE p_verb = 'playbook.run' AND name = p_entry;
    IF v_decision.verdict <> 'denied' THEN
        -- A playbook's arguments come from the CI: they are not what was asked.
        v_args := CASE WHEN v_decision.args = p_args::jsonb
                       THEN audit.keep_value(p_args, v_id::text, v_salt)
                       ELSE audit.keep_value(v_decision.args::text, v_id::text) END;
    END IF;
    IF v_decision.verdict = 'authorised' THEN
        v_deadline := clock_timestamp() + interval '10 minutes';
        INSERT INTO public.audit_work (id, kind, queue, state, subject, priority, expires_at)
        VALUES (v_id, 'effect',
                CASE WHEN p_verb = 'playbook.run' THEN 'executor.plays' ELSE 'executor.light' END,
                'waiting', left(p_target, 200), 3, v_deadline);
        v_work := v_id;
        v_deadline := v_deadline + gate.time_to_act(p_verb, p_entry);
    END IF;
    INSERT INTO public.personas_action (id, run_id, step_number, key, principal, ticket_ref, verb,
        entry, target, args, level, verdict, guard, reason, tree_hash, work_id, risk, deadline,
        incarnation_id, statement, signature, salt, asked_digest, args_digest)
    VALUES (v_id, p_run, p_step,
        CASE WHEN v_decision.guard IN ('run', 'token') THEN v_id::text ELSE left(p_key, 60) END,
        'run:' || p_run, v_run.ticket_ref, left(p_verb, 40), left(coalesce(p_entry, ''), 60),
        left(coalesce(p_target, ''), 200),
        CASE WHEN v_decision.verdict = 'denied' THEN '{}'::jsonb ELSE v_decision.args END,
        v_decision.level, v_decision.verdict, v_decision.guard, v_decision.reason,
        v_decision.tree_hash, v_work, v_risk, v_deadline, (v_signed ->> 'instance')::uuid,
        CASE WHEN v_signed IS NULL THEN '' ELSE p_statement END,
        CASE WHEN v_signed IS NULL THEN '' ELSE p_signature END,
        CASE WHEN v_decision.verdict <> 'denied' THEN v_salt END, v_asked, v_args);
    UPDATE public.personas_run SET actions = actions + 1 WHERE id = p_run;
    PERFORM audit.put_pending('action.' || v_decision.verdict, v_id::text, v_run.ticket_ref,
        gate.asked_body(v_run, p_step, p_key, p_verb, coalesce(p_entry, ''),
                        coalesce(p_target, ''))
        || jsonb_build_object('level', v_decision.level, 'guard', v_decision.guard,
            'reason', v_decision.reason, 'tree_hash', v_decision.tree_hash, 'risk', v_risk,
            'approval', CASE WHEN v_decision.tree_hash <> '' THEN 'catalogue:' || p_entry
                             ELSE '' END,
            'asked_digest', CASE WHEN v_asked <> '' THEN v_asked
                                 ELSE gate.sha256_hex(p_args) END)
        || CASE WHEN v_deadline IS NULL THEN '{}'
                ELSE jsonb_build_object('deadline', audit.moment(v_deadline)) END
        || CASE WHEN v_args = '' THEN '{}'
                ELSE jsonb_build_object('values', jsonb_build_object('args', v_args)) END
        || coalesce(v_signed, '{}'), v_work);
    RETURN QUERY SELECT v_id, v_decision.verdict, v_decision.guard, v_decision.reason,
                        v_decision.level, v_signed IS NOT NULL;
END $$;

DROP FUNCTION gate.finish_step(uuid, bigint, text, jsonb, jsonb, jsonb, text, double precision,
    text);
CREATE FUNCTION gate.finish_step(p_work uuid, p_fence bigint, p_token text, p_question text,
    p_answer text, p_checkpoint jsonb, p_next text, p_wait_s double precision, p_summary text,
    p_statement text, p_signature text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_work public.audit_work%ROWTYPE; v_run public.personas_run%ROWTYPE; v_number int;
    v_signed jsonb;
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
    IF p_next = 'continue' THEN
        PERFORM gate.advance(v_run.id);
    ELSE
        PERFORM gate.end_run(v_run.id,
            CASE p_next WHEN 'done' THEN 'succeeded' ELSE 'failed' END, p_summary);
    END IF;
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
    IF v_state <> 'late' THEN PERFORM gate.end_incarnation(v_run, 'released'); END IF;
    RETURN v_state;
END $$;

DROP FUNCTION gate.ask_model(uuid, bigint, text, text, jsonb, int, double precision);
CREATE FUNCTION gate.ask_model(p_work uuid, p_fence bigint, p_token text, p_slot text,
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
    UPDATE public.personas_run SET state = 'waiting', token_hash = NULL WHERE id = v_run.id;
    RETURN 'parked';
END $$;

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
    PERFORM gate.end_incarnation(p_run, 'run ended');
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
