-- The gate: what an agent may ask is decided here, where no prompt and no process reaches.
-- Frozen: a later change is a new file and migration. Rights stand in 0003.

CREATE SCHEMA gate;

INSERT INTO public.personas_stop (id) VALUES (1);

CREATE FUNCTION gate.sha256_hex(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT encode(sha256(convert_to(p_text, 'UTF8')), 'hex') $$;

CREATE FUNCTION gate.stopped() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT stopped FROM public.personas_stop WHERE id = 1
$$;

-- ---------------------------------------------------------------- guards
-- Arguments of the verbs: declared keys only, strings, lengths, full-match patterns.
CREATE FUNCTION gate.verb_parameters(p_verb text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_verb
        WHEN 'ticket.comment' THEN '{"text": {"max": 4000, "required": true}}'::jsonb
        WHEN 'ticket.assign' THEN
            '{"impact": {"pattern": "[1-3]", "required": true},
              "urgency": {"pattern": "[1-3]", "required": true},
              "team": {"pattern": "[a-z][a-z0-9_-]{0,59}", "required": true},
              "note": {"max": 4000}}'::jsonb
        WHEN 'ticket.resolve' THEN '{"solution": {"max": 4000, "required": true}}'::jsonb
        WHEN 'ticket.escalate' THEN
            '{"team": {"pattern": "[a-z][a-z0-9_-]{0,59}", "required": true},
              "tried": {"max": 4000, "required": true},
              "asked": {"max": 4000, "required": true}}'::jsonb
        WHEN 'playbook.run' THEN '{}'::jsonb
        WHEN 'notify' THEN
            '{"title": {"max": 250, "required": true}, "text": {"max": 4000, "required": true},
              "kind": {"pattern": "http|mail", "required": true},
              "target": {"max": 500, "required": true}}'::jsonb
    END
$$;

CREATE FUNCTION gate.bad_args(p_parameters jsonb, p_args jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE v_key text; v_rule jsonb; v_value text;
BEGIN
    IF p_parameters IS NULL THEN RETURN 'unknown verb'; END IF;
    IF jsonb_typeof(p_args) IS DISTINCT FROM 'object' THEN
        RETURN 'arguments are not an object';
    END IF;
    FOR v_key IN SELECT jsonb_object_keys(p_args) LOOP
        IF NOT p_parameters ? v_key THEN RETURN format('argument %s is not declared', v_key); END IF;
        IF jsonb_typeof(p_args -> v_key) <> 'string' THEN
            RETURN format('argument %s is not a string', v_key);
        END IF;
        v_rule := p_parameters -> v_key;
        v_value := p_args ->> v_key;
        IF length(v_value) > coalesce((v_rule ->> 'max')::int, 250) THEN
            RETURN format('argument %s is too long', v_key);
        END IF;
        IF v_rule ? 'pattern' AND (v_value ~ '[[:cntrl:]]'
                OR v_value !~ ('^(?:' || (v_rule ->> 'pattern') || ')$')) THEN
            RETURN format('argument %s does not match its pattern', v_key);
        END IF;
    END LOOP;
    FOR v_key, v_rule IN SELECT * FROM jsonb_each(p_parameters) LOOP
        IF coalesce((v_rule ->> 'required')::boolean, false) AND NOT p_args ? v_key THEN
            RETURN format('argument %s is missing', v_key);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- A playbook's arguments are what the CI declares, never what an agent says.
CREATE FUNCTION gate.args_from_ci(p_parameters jsonb, p_attributes jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(p.key, p_attributes -> (p.value ->> 'from')), '{}'::jsonb)
      FROM jsonb_each(p_parameters) p
     WHERE p_attributes ? (p.value ->> 'from')
$$;

CREATE TYPE gate.decision AS
    (verdict text, guard text, reason text, level text, args jsonb, tree_hash text);

CREATE FUNCTION gate.deny(p_guard text, p_reason text) RETURNS gate.decision
LANGUAGE sql IMMUTABLE AS $$
    SELECT ('denied', p_guard, p_reason, '', '{}'::jsonb, '')::gate.decision
$$;

-- Guards of a playbook, in order; the first that speaks decides.
CREATE FUNCTION gate.judge_playbook(p_run public.personas_run, p_entry text, p_target text)
RETURNS gate.decision
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_intent public.personas_agentintent%ROWTYPE;
    v_entry public.personas_catalogueentry%ROWTYPE;
    v_ci public.cmdb_ci%ROWTYPE;
    v_args jsonb; v_bad text; v_level text; v_count int;
BEGIN
    SELECT * INTO STRICT v_intent FROM public.personas_agentintent WHERE id = p_run.intent_id;
    SELECT * INTO v_entry FROM public.personas_catalogueentry WHERE name = p_entry;
    IF NOT FOUND OR NOT v_entry.enabled THEN
        RETURN gate.deny('catalogue', format('%s is not in the catalogue', p_entry));
    END IF;
    IF v_intent.joined <> 'joined' THEN
        RETURN gate.deny('join', 'the alert was not joined to one CI: comment only');
    END IF;
    IF NOT v_intent.scope ? p_target THEN
        RETURN gate.deny('scope', format('%s is not a CI of %s', p_target, p_run.ticket_ref));
    END IF;
    SELECT * INTO v_ci FROM public.cmdb_ci WHERE ref = p_target AND NOT retired;
    IF NOT FOUND THEN
        RETURN gate.deny('scope', format('%s is not in the CMDB', p_target));
    END IF;
    IF NOT EXISTS (SELECT 1 FROM public.personas_grant g
                    WHERE g.card_id = p_run.card_id AND g.verb = 'playbook.run'
                      AND g.entry = p_entry AND g.ci_class = v_ci.ci_class) THEN
        RETURN gate.deny('grant', format('no grant for %s covers %s on a CI of class %s',
                                         p_run.card_id, p_entry, v_ci.ci_class));
    END IF;
    IF v_ci.lifeline THEN
        RETURN gate.deny('lifeline', format('%s is a lifeline: never without a person', p_target));
    END IF;
    v_args := gate.args_from_ci(v_entry.parameters, v_ci.attributes);
    v_bad := gate.bad_args(v_entry.parameters, v_args);
    IF v_bad IS NOT NULL THEN
        RETURN gate.deny('arguments', format('%s of %s: %s', p_entry, p_target, v_bad));
    END IF;
    IF v_entry.tree_hash <> v_entry.approved_hash THEN
        RETURN gate.deny('pin', format('%s has changed since it was approved', p_entry));
    END IF;
    -- Locked, so that two runs that ask at once are counted one after the other.
    PERFORM 1 FROM public.personas_catalogueentry WHERE name = p_entry FOR UPDATE;
    SELECT count(*) INTO v_count FROM public.personas_action a
     WHERE a.ticket_ref = p_run.ticket_ref AND a.entry = p_entry AND a.target = p_target
       AND a.verdict = 'authorised' AND a.outcome NOT IN ('void', 'expired');
    IF v_count >= v_entry.max_per_ticket THEN
        RETURN gate.deny('budget', format('%s was already used %s of %s times on this ticket',
                                          p_entry, v_count, v_entry.max_per_ticket));
    END IF;
    SELECT count(*) INTO v_count FROM public.personas_action a
     WHERE a.entry = p_entry AND a.verdict = 'authorised'
       AND a.decided_at > clock_timestamp() - interval '1 hour';
    IF v_count >= v_entry.max_per_hour THEN
        RETURN gate.deny('budget', format('%s was used %s times in an hour: a person must look',
                                          p_entry, v_count));
    END IF;
    SELECT level INTO v_level FROM public.personas_autonomy
     WHERE card_id = p_run.card_id AND entry = p_entry AND ci_class = v_ci.ci_class;
    v_level := coalesce(v_level, 'observe');
    IF v_level <> 'act' THEN
        RETURN ('observed', 'autonomy', format('%s may only %s with %s on a CI of class %s',
                p_run.card_id, v_level, p_entry, v_ci.ci_class), v_level, v_args,
                v_entry.approved_hash)::gate.decision;
    END IF;
    RETURN ('authorised', '', '', v_level, v_args, v_entry.approved_hash)::gate.decision;
END $$;

-- Guards of every proposal, in order. p_run has been locked by the caller.
CREATE FUNCTION gate.judge(p_run public.personas_run, p_token text, p_verb text, p_entry text,
    p_target text, p_args jsonb)
RETURNS gate.decision
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_bad text;
BEGIN
    IF p_run.state <> 'running' THEN
        RETURN gate.deny('run', format('the run is %s', p_run.state));
    END IF;
    IF p_token IS NULL OR p_run.token_hash IS DISTINCT FROM sha256(convert_to(p_token, 'UTF8')) THEN
        RETURN gate.deny('token', 'not the token of the step that is being taken');
    END IF;
    IF p_run.deadline < clock_timestamp() THEN
        RETURN gate.deny('expiry', 'the run is over its time');
    END IF;
    IF gate.stopped() THEN
        RETURN gate.deny('stop', 'ethops is stopped; only a named person resumes');
    END IF;
    IF p_run.actions >= p_run.max_actions THEN
        RETURN gate.deny('budget', format('the run has used its %s actions', p_run.max_actions));
    END IF;
    IF p_verb NOT IN ('ticket.comment', 'ticket.assign', 'ticket.resolve', 'ticket.escalate',
                      'playbook.run') THEN
        RETURN gate.deny('grant', format('%s is nothing a card can be granted', p_verb));
    END IF;
    IF NOT EXISTS (SELECT 1 FROM public.personas_grant g
                    WHERE g.card_id = p_run.card_id AND g.verb = p_verb) THEN
        RETURN gate.deny('grant', format('no grant for %s covers %s', p_run.card_id, p_verb));
    END IF;
    v_bad := gate.bad_args(gate.verb_parameters(p_verb), p_args);
    IF v_bad IS NOT NULL THEN
        RETURN gate.deny('arguments', format('%s: %s', p_verb, v_bad));
    END IF;
    IF p_verb = 'playbook.run' THEN
        RETURN gate.judge_playbook(p_run, p_entry, p_target);
    END IF;
    IF p_target <> p_run.ticket_ref THEN
        RETURN gate.deny('scope', format('the run is for %s alone', p_run.ticket_ref));
    END IF;
    RETURN ('authorised', '', '', 'act', p_args, '')::gate.decision;
END $$;

-- ---------------------------------------------------------------- runs
CREATE FUNCTION gate.next_step(p_run uuid, p_number int, p_not_before timestamptz)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT audit.put_work('step', 'agent', 'ready', p_run::text,
        jsonb_build_object('run', p_run, 'number', p_number),
        p_run || ':' || p_number, 4, p_not_before, 3)
$$;

CREATE FUNCTION gate.dispatch(p_card text, p_ticket text, p_priority int, p_scope jsonb,
    p_joined text, p_inputs jsonb, p_dedup text)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_card public.personas_card%ROWTYPE; v_intent uuid; v_run uuid;
BEGIN
    SELECT * INTO v_card FROM public.personas_card WHERE name = p_card AND enabled;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no enabled card %', p_card USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM public.personas_run WHERE ticket_ref = p_ticket
                AND state IN ('pending', 'running', 'waiting')) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.personas_agentintent
        (card_id, ticket_ref, priority, scope, joined, inputs, dedup)
    VALUES (p_card, p_ticket, p_priority, p_scope, p_joined, p_inputs, p_dedup)
    ON CONFLICT (dedup) DO NOTHING RETURNING id INTO v_intent;
    IF v_intent IS NULL THEN RETURN NULL; END IF;
    INSERT INTO public.personas_run
        (intent_id, card_id, ticket_ref, state, max_steps, max_actions, deadline)
    VALUES (v_intent, p_card, p_ticket, 'pending', (v_card.limits ->> 'max_steps')::int,
        (v_card.limits ->> 'max_actions')::int,
        clock_timestamp() + make_interval(secs => (v_card.limits ->> 'max_duration_s')::int))
    RETURNING id INTO v_run;
    PERFORM gate.next_step(v_run, 1, clock_timestamp());
    PERFORM audit.put_pending('run.born', v_run::text, p_ticket, jsonb_build_object(
        'card', p_card, 'card_digest', v_card.digest, 'intent', v_intent, 'scope', p_scope,
        'joined', p_joined, 'limits', v_card.limits));
    RETURN v_run;
EXCEPTION WHEN unique_violation THEN
    RETURN NULL;  -- another dispatcher was first: one live run per ticket
END $$;

CREATE FUNCTION gate.end_run(p_run uuid, p_state text, p_summary text, p_limit text DEFAULT '')
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run public.personas_run%ROWTYPE;
BEGIN
    UPDATE public.personas_run
       SET state = p_state, summary = left(p_summary, 4000), limit_hit = p_limit,
           ended_at = clock_timestamp(), token_hash = NULL
     WHERE id = p_run AND state IN ('pending', 'running', 'waiting')
    RETURNING * INTO v_run;
    IF NOT FOUND THEN RETURN; END IF;
    -- A step still queued is cancelled by its claim: touching it here would lock work after run.
    PERFORM audit.put_pending('run.ended', p_run::text, v_run.ticket_ref, jsonb_build_object(
        'card', v_run.card_id, 'state', p_state, 'steps', v_run.steps,
        'actions', v_run.actions, 'limit_hit', p_limit, 'summary', left(p_summary, 1000)));
    PERFORM audit.put_work('dispatch', 'control', 'ready', v_run.ticket_ref,
        jsonb_build_object('ticket', v_run.ticket_ref, 'why', 'run ' || p_state, 'run', p_run,
                           'card', v_run.card_id, 'state', p_state),
        'run:' || p_run, 3, clock_timestamp(), 3);
END $$;

-- What a run does next: waits while an action is open, else takes its next step.
CREATE FUNCTION gate.advance(p_run uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run public.personas_run%ROWTYPE;
BEGIN
    SELECT * INTO v_run FROM public.personas_run WHERE id = p_run FOR UPDATE;
    IF NOT FOUND OR v_run.state NOT IN ('running', 'waiting') THEN RETURN; END IF;
    IF EXISTS (SELECT 1 FROM public.audit_work WHERE kind = 'step' AND subject = p_run::text
                AND state IN ('waiting', 'ready', 'leased')) THEN RETURN; END IF;
    IF v_run.state = 'running' THEN
        UPDATE public.personas_run SET state = 'waiting', token_hash = NULL WHERE id = p_run;
    END IF;
    -- A doubt that the probe could not settle does not hold the run: it looks at the CI instead.
    IF EXISTS (SELECT 1 FROM public.personas_action a
                 LEFT JOIN public.audit_work w ON w.id = a.work_id
                WHERE a.run_id = p_run AND a.verdict = 'authorised' AND a.outcome = ''
                  AND NOT (w.state = 'in_doubt' AND a.result <> '{}')) THEN
        RETURN;
    END IF;
    IF v_run.steps >= v_run.max_steps THEN
        PERFORM gate.end_run(p_run, 'failed',
            format('stopped at its limit of %s steps', v_run.max_steps), 'max_steps');
        RETURN;
    END IF;
    PERFORM gate.next_step(p_run, v_run.steps + 1,
        greatest(coalesce(v_run.resume_at, clock_timestamp()), clock_timestamp()));
END $$;

-- ---------------------------------------------------------------- steps (the agent's doors)
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

-- ---------------------------------------------------------------- effects (the executor's doors)
CREATE FUNCTION gate.effect_facts(p_work uuid)
RETURNS TABLE (action_id uuid, fence bigint, verb text, entry text, target text, args jsonb,
    ticket_ref text, card text, run_id uuid, principal text, tree_hash text, entry_seq bigint,
    attempts int, timeout_s int, parameters jsonb, document jsonb, holder text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, w.fence, a.verb, a.entry, a.target, a.args, a.ticket_ref,
           coalesce(r.card_id, ''), a.run_id, a.principal, a.tree_hash, w.entry_seq, w.attempts,
           coalesce(c.timeout_s, 30), coalesce(c.parameters, '{}'), coalesce(c.document, '{}'),
           w.holder
      FROM public.personas_action a
      JOIN public.audit_work w ON w.id = a.work_id
      LEFT JOIN public.personas_run r ON r.id = a.run_id
      LEFT JOIN public.personas_catalogueentry c ON c.name = a.entry
     WHERE a.id = p_work
$$;

-- Whether a permit would still be given: its run lives, and for a playbook the entry is there as
-- approved, the CI is no lifeline, and the level is still act.
CREATE FUNCTION gate.still_permitted(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT (a.run_id IS NULL OR r.state IN ('pending', 'running', 'waiting'))
           AND (a.verb <> 'playbook.run' OR EXISTS (
                SELECT 1 FROM public.personas_catalogueentry e, public.cmdb_ci c,
                       public.personas_autonomy u, public.personas_card p
                 WHERE e.name = a.entry AND e.enabled AND e.approved_hash = a.tree_hash
                   AND c.ref = a.target AND NOT c.lifeline AND NOT c.retired
                   AND p.name = r.card_id AND p.enabled
                   AND u.card_id = r.card_id AND u.entry = a.entry
                   AND u.ci_class = c.ci_class AND u.level = 'act'))
          FROM public.personas_action a LEFT JOIN public.personas_run r ON r.id = a.run_id
         WHERE a.id = p_action), false)
$$;

-- Hands out what is authorised, in the ledger, flushed, unexpired, and not stopped.
CREATE FUNCTION gate.claim_effect(p_queue text, p_holder text, p_lease_s double precision)
RETURNS TABLE (action_id uuid, fence bigint, verb text, entry text, target text, args jsonb,
    ticket_ref text, card text, run_id uuid, principal text, tree_hash text, entry_seq bigint,
    attempts int, timeout_s int, parameters jsonb, document jsonb, holder text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v_id uuid;
BEGIN
    PERFORM set_config('synchronous_commit', 'on', true);
    IF p_queue NOT IN ('executor.light', 'executor.plays') OR gate.stopped() THEN RETURN; END IF;
    UPDATE public.audit_work w
       SET state = 'leased', fence = w.fence + 1, attempts = w.attempts + 1, holder = p_holder,
           lease_until = clock_timestamp() + make_interval(secs => p_lease_s),
           claimed_at = clock_timestamp()
     WHERE w.id = ANY (ARRAY(
            SELECT c.id FROM public.audit_work c
             WHERE c.queue = p_queue AND c.state = 'ready' AND c.kind = 'effect'
               AND c.not_before <= clock_timestamp() AND c.expires_at > clock_timestamp()
               AND c.entry_seq IS NOT NULL AND c.entry_lsn <= pg_current_wal_flush_lsn()
               AND EXISTS (SELECT 1 FROM public.personas_action a
                            WHERE a.id = c.id AND a.verdict = 'authorised' AND a.outcome = '')
               AND gate.still_permitted(c.id)
               AND (c.queue <> 'executor.plays' OR NOT EXISTS (
                    SELECT 1 FROM public.audit_work o
                     WHERE o.subject = c.subject AND o.kind = 'effect'
                       AND o.queue = 'executor.plays' AND o.state IN ('leased', 'in_doubt')))
             ORDER BY c.priority, c.created_at LIMIT 1 FOR UPDATE SKIP LOCKED))
    RETURNING w.id INTO v_id;
    IF v_id IS NOT NULL THEN RETURN QUERY SELECT * FROM gate.effect_facts(v_id); END IF;
EXCEPTION WHEN unique_violation THEN
    RETURN;  -- another play on the same CI was claimed in this instant
END $$;

CREATE FUNCTION gate.close_action(p_action uuid, p_outcome text, p_result jsonb, p_kind text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_action public.personas_action%ROWTYPE;
BEGIN
    UPDATE public.personas_action
       SET outcome = p_outcome, result = coalesce(p_result, '{}'), settled_at = clock_timestamp()
     WHERE id = p_action AND outcome = '' RETURNING * INTO v_action;
    IF NOT FOUND THEN RETURN; END IF;
    PERFORM audit.put_pending(p_kind, p_action::text, v_action.ticket_ref, jsonb_build_object(
        'verb', v_action.verb, 'entry', v_action.entry, 'target', v_action.target,
        'principal', v_action.principal, 'outcome', p_outcome,
        'result_sha256', gate.sha256_hex(coalesce(p_result, '{}')::text),
        'said', left(coalesce(p_result ->> 'said', ''), 500)));
    IF v_action.run_id IS NOT NULL THEN PERFORM gate.advance(v_action.run_id); END IF;
    IF v_action.verb = 'notify' AND p_outcome <> 'done' THEN
        PERFORM audit.put_work('dispatch', 'control', 'ready', v_action.ticket_ref,
            jsonb_build_object('ticket', v_action.ticket_ref, 'why', 'nobody told',
                               'action', p_action),
            'untold:' || p_action, 2, clock_timestamp() + interval '30 s', 3);
    END IF;
END $$;

-- An outcome that no executor reported: the desk concludes what was opened for the effect.
CREATE FUNCTION gate.conclude_elsewhere(p_action uuid, p_outcome text, p_said text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT audit.put_work('dispatch', 'control', 'ready', a.ticket_ref, jsonb_build_object(
               'ticket', a.ticket_ref, 'why', 'concluded elsewhere', 'action', p_action,
               'outcome', p_outcome, 'said', left(p_said, 500)),
           'concluded:' || p_action, 3, clock_timestamp(), 3)
      FROM public.personas_action a WHERE a.id = p_action
$$;

-- Locks the run before the work row, in the order that every other door does.
CREATE FUNCTION gate.lock_effect(p_action uuid) RETURNS public.audit_work
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_work public.audit_work%ROWTYPE;
BEGIN
    PERFORM 1 FROM public.personas_run
      WHERE id = (SELECT run_id FROM public.personas_action WHERE id = p_action) FOR UPDATE;
    SELECT * INTO v_work FROM public.audit_work
     WHERE id = p_action AND kind = 'effect' FOR UPDATE;
    RETURN v_work;
END $$;

CREATE FUNCTION gate.settle(p_action uuid, p_fence bigint, p_outcome text, p_result jsonb)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_work public.audit_work%ROWTYPE;
BEGIN
    IF p_outcome NOT IN ('done', 'failed') THEN
        RAISE EXCEPTION 'an effect settles as done or failed, not %', p_outcome
            USING ERRCODE = 'check_violation';
    END IF;
    v_work := gate.lock_effect(p_action);
    IF v_work.id IS NULL OR v_work.fence IS DISTINCT FROM p_fence
            OR v_work.state NOT IN ('leased', 'in_doubt') THEN
        PERFORM audit.put_pending('action.late', p_action::text, '', jsonb_build_object(
            'fence', p_fence, 'outcome', p_outcome));
        RETURN 'late';
    END IF;
    UPDATE public.audit_work SET state = p_outcome, lease_until = NULL,
           settled_at = clock_timestamp() WHERE id = p_action;
    PERFORM gate.close_action(p_action, p_outcome, p_result, 'action.outcome');
    RETURN 'settled';
END $$;

-- The holder stays who acted: what a probe finds on another host says nothing about that one.
-- Who is still acting excepts those effects, so that their true outcome is not fenced out.
CREATE FUNCTION gate.claim_doubt(p_queue text, p_lease_s double precision, p_except uuid[])
RETURNS TABLE (action_id uuid, fence bigint, verb text, entry text, target text, args jsonb,
    ticket_ref text, card text, run_id uuid, principal text, tree_hash text, entry_seq bigint,
    attempts int, timeout_s int, parameters jsonb, document jsonb, holder text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v_id uuid;
BEGIN
    IF p_queue NOT IN ('executor.light', 'executor.plays') THEN RETURN; END IF;
    UPDATE public.audit_work w
       SET fence = w.fence + 1,
           not_before = clock_timestamp() + make_interval(secs => p_lease_s)
     WHERE w.id = ANY (ARRAY(
            SELECT c.id FROM public.audit_work c
             WHERE c.queue = p_queue AND c.state = 'in_doubt'
               AND c.not_before <= clock_timestamp() AND c.id <> ALL (p_except)
             ORDER BY c.not_before LIMIT 1 FOR UPDATE SKIP LOCKED))
    RETURNING w.id INTO v_id;
    IF v_id IS NOT NULL THEN RETURN QUERY SELECT * FROM gate.effect_facts(v_id); END IF;
END $$;

-- What the probe of the world found. Absent goes back to ready: the world was asked and has it not.
CREATE FUNCTION gate.resolve_doubt(p_action uuid, p_fence bigint, p_finding text, p_result jsonb)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_work public.audit_work%ROWTYPE; v_ticket text; v_run uuid;
BEGIN
    v_work := gate.lock_effect(p_action);
    IF v_work.id IS NULL OR v_work.state <> 'in_doubt' OR v_work.fence IS DISTINCT FROM p_fence THEN
        RETURN 'late';
    END IF;
    IF p_finding IN ('done', 'failed') THEN
        UPDATE public.audit_work SET state = p_finding, settled_at = clock_timestamp()
         WHERE id = p_action;
        PERFORM gate.close_action(p_action, p_finding, p_result, 'action.outcome');
    ELSIF p_finding = 'absent' AND v_work.attempts < v_work.max_attempts
            AND v_work.expires_at > clock_timestamp() AND gate.still_permitted(p_action) THEN
        UPDATE public.audit_work SET state = 'ready', published_at = NULL,
               not_before = clock_timestamp() WHERE id = p_action;
        PERFORM pg_notify('ethops_ready', v_work.queue);
    ELSIF p_finding = 'absent' THEN
        UPDATE public.audit_work SET state = 'failed', settled_at = clock_timestamp()
         WHERE id = p_action;
        PERFORM gate.close_action(p_action, 'failed', p_result, 'action.outcome');
        PERFORM gate.conclude_elsewhere(p_action, 'failed', 'it never began');
    ELSIF p_finding = 'unknown' THEN
        UPDATE public.personas_action SET result = p_result || '{"finding": "unknown"}'
         WHERE id = p_action RETURNING ticket_ref, run_id INTO v_ticket, v_run;
        PERFORM audit.put_work('dispatch', 'control', 'ready', v_ticket,
            jsonb_build_object('ticket', v_ticket, 'why', 'in doubt', 'action', p_action),
            'doubt:' || p_action, 2, clock_timestamp(), 3);
        IF v_run IS NOT NULL THEN PERFORM gate.advance(v_run); END IF;
    ELSE
        RAISE EXCEPTION 'a probe finds done, failed, absent or unknown, not %', p_finding
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN p_finding;
END $$;

-- ---------------------------------------------------------------- people and rules
CREATE FUNCTION gate.order_notice(p_rule text, p_key text, p_ticket text, p_args jsonb)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_id uuid := gen_random_uuid(); v_bad text;
BEGIN
    v_bad := gate.bad_args(gate.verb_parameters('notify'), p_args);
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION 'notice: %', v_bad USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM public.personas_action
                WHERE run_id IS NULL AND principal = 'rule:' || p_rule AND key = p_key) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.audit_work (id, kind, queue, state, subject, priority, expires_at)
    VALUES (v_id, 'effect', 'executor.light', 'waiting', left(p_ticket, 200), 2,
            clock_timestamp() + interval '1 hour');
    INSERT INTO public.personas_action (id, key, principal, ticket_ref, verb, target, args, level,
        verdict, work_id)
    VALUES (v_id, p_key, 'rule:' || p_rule, p_ticket, 'notify',
            left(p_args ->> 'target', 200), p_args,
            'act', 'authorised', v_id);
    PERFORM audit.put_pending('action.authorised', v_id::text, p_ticket, jsonb_build_object(
        'principal', 'rule:' || p_rule, 'verb', 'notify', 'target', p_args ->> 'target',
        'args_sha256', gate.sha256_hex(p_args::text)), v_id);
    RETURN v_id;
EXCEPTION WHEN unique_violation THEN
    RETURN NULL;  -- another dispatcher ordered it in this instant
END $$;

-- A person has the ticket: its runs end, and what was permitted but not begun is void.
CREATE FUNCTION gate.take_over(p_ticket text, p_person text, p_why text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run uuid; v_action uuid; v_count int := 0;
BEGIN
    FOR v_run IN SELECT id FROM public.personas_run WHERE ticket_ref = p_ticket
                  AND state IN ('pending', 'running', 'waiting') FOR UPDATE LOOP
        PERFORM gate.end_run(v_run, 'cancelled', p_person || ': ' || p_why);
        v_count := v_count + 1;
    END LOOP;
    FOR v_action IN
        UPDATE public.audit_work w SET state = 'cancelled', settled_at = clock_timestamp()
          FROM public.personas_action a
         WHERE a.id = w.id AND a.ticket_ref = p_ticket AND a.run_id IS NOT NULL
           AND w.kind = 'effect' AND w.state IN ('waiting', 'ready')
        RETURNING w.id
    LOOP
        PERFORM gate.close_action(v_action, 'void', jsonb_build_object('said', p_person
            || ' has taken the ticket'), 'action.void');
    END LOOP;
    PERFORM audit.put_pending('person.took_over', p_ticket, p_ticket,
        jsonb_build_object('person', p_person, 'why', left(p_why, 500), 'runs', v_count));
    RETURN v_count;
END $$;

CREATE FUNCTION gate.press_stop(p_by text, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE public.personas_stop SET stopped = true, by = left(p_by, 150), why = left(p_why, 2000),
           at = clock_timestamp() WHERE id = 1;
    PERFORM audit.put_pending('person.stopped', 'ethops', '',
        jsonb_build_object('person', p_by, 'why', left(p_why, 500)));
END $$;

CREATE FUNCTION gate.lift_stop(p_by text, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF coalesce(btrim(p_by), '') = '' THEN
        RAISE EXCEPTION 'only a named person resumes' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE public.personas_stop SET stopped = false, by = left(p_by, 150),
           why = left(p_why, 2000), at = clock_timestamp() WHERE id = 1;
    PERFORM audit.put_pending('person.resumed', 'ethops', '',
        jsonb_build_object('person', p_by, 'why', left(p_why, 500)));
    PERFORM pg_notify('ethops_ready', '');
END $$;

CREATE FUNCTION gate.set_autonomy(p_card text, p_entry text, p_ci_class text, p_level text,
    p_by text, p_why text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF p_level NOT IN ('observe', 'act') THEN
        RAISE EXCEPTION 'level % needs approvals, which are not there yet: observe or act', p_level
            USING ERRCODE = 'check_violation';
    END IF;
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'a level is set by a named person, with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO public.personas_autonomy (card_id, entry, ci_class, level, set_by, why)
    VALUES (p_card, p_entry, p_ci_class, p_level, left(p_by, 150), p_why)
    ON CONFLICT (card_id, entry, ci_class) DO UPDATE
       SET level = excluded.level, set_by = excluded.set_by, why = excluded.why,
           set_at = clock_timestamp();
    PERFORM audit.put_pending('person.set_autonomy', p_card || ' x ' || p_entry || ' x '
        || p_ci_class, '', jsonb_build_object('level', p_level, 'person', p_by, 'why', p_why));
END $$;

-- What a person found out about an effect in doubt.
CREATE FUNCTION gate.person_settles(p_action uuid, p_person text, p_finding text, p_why text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_work public.audit_work%ROWTYPE;
BEGIN
    IF p_finding NOT IN ('done', 'failed') OR coalesce(btrim(p_person), '') = '' THEN
        RAISE EXCEPTION 'a named person settles a doubt as done or failed'
            USING ERRCODE = 'check_violation';
    END IF;
    v_work := gate.lock_effect(p_action);
    IF v_work.id IS NULL OR v_work.state <> 'in_doubt' THEN RETURN 'not in doubt'; END IF;
    UPDATE public.audit_work SET state = p_finding, settled_at = clock_timestamp()
     WHERE id = p_action;
    PERFORM gate.close_action(p_action, p_finding, jsonb_build_object('said',
        p_person || ': ' || p_why), 'action.outcome');
    PERFORM gate.conclude_elsewhere(p_action, p_finding, p_person || ': ' || p_why);
    RETURN 'settled';
END $$;

-- Permits that expired, or would no longer be given, are void; the run is locked first, and one
-- that somebody holds is left for the next round.
CREATE FUNCTION gate.void_permits() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record; v_count int := 0; v_expired boolean;
BEGIN
    FOR v IN
        SELECT w.id, a.run_id, a.verb, w.expires_at
          FROM public.audit_work w JOIN public.personas_action a ON a.id = w.id
         WHERE w.kind = 'effect' AND w.state IN ('waiting', 'ready')
           AND (w.expires_at < clock_timestamp() OR NOT gate.still_permitted(w.id)) LIMIT 100
    LOOP
        -- A stop is no reason to forget that a person has to be told.
        CONTINUE WHEN v.verb = 'notify' AND gate.stopped();
        IF v.run_id IS NOT NULL THEN
            PERFORM 1 FROM public.personas_run WHERE id = v.run_id FOR UPDATE SKIP LOCKED;
            CONTINUE WHEN NOT FOUND;
        END IF;
        UPDATE public.audit_work SET state = 'cancelled', settled_at = clock_timestamp()
         WHERE id = v.id AND state IN ('waiting', 'ready');
        CONTINUE WHEN NOT FOUND;
        v_expired := v.expires_at < clock_timestamp();
        PERFORM gate.close_action(v.id, CASE WHEN v_expired THEN 'expired' ELSE 'void' END,
            jsonb_build_object('said', CASE WHEN v_expired THEN 'the permit expired'
                                            ELSE 'the permit would no longer be given' END),
            CASE WHEN v_expired THEN 'action.expired' ELSE 'action.void' END);
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- Runs that no step will end: a step died, or the time is over.
CREATE FUNCTION gate.end_stuck_runs() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record; v_count int := 0;
BEGIN
    FOR v IN
        SELECT r.id, r.deadline < clock_timestamp() AS over FROM public.personas_run r
         WHERE (r.state IN ('pending', 'waiting') AND r.deadline < clock_timestamp())
            OR (r.state = 'running' AND r.deadline < clock_timestamp() - interval '1 minute')
            OR (r.state IN ('pending', 'running', 'waiting') AND EXISTS (
                SELECT 1 FROM public.audit_work w WHERE w.kind = 'step'
                   AND w.subject = r.id::text AND w.state = 'dead'))
         LIMIT 100 FOR UPDATE SKIP LOCKED
    LOOP
        IF v.over THEN
            PERFORM gate.end_run(v.id, 'timed_out', 'over its time', 'max_duration');
        ELSE
            PERFORM gate.end_run(v.id, 'failed', 'a step failed three times', 'max_attempts');
        END IF;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- What the reconciler moved, and dead work that no person knows of yet.
CREATE FUNCTION gate.reconcile()
RETURNS TABLE (id uuid, kind text, subject text, state text, error text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v record;
BEGIN
    FOR v IN SELECT * FROM audit.reconcile() LOOP
        id := v.id; kind := v.kind; subject := v.subject; state := v.state; error := v.error;
        IF v.state = 'in_doubt' THEN
            PERFORM audit.put_pending('action.in_doubt', v.id::text,
                (SELECT ticket_ref FROM public.personas_action a WHERE a.id = v.id),
                jsonb_build_object('why', v.error));
        END IF;
        IF v.state IN ('ready', 'in_doubt') THEN PERFORM pg_notify('ethops_ready', ''); END IF;
        RETURN NEXT;
    END LOOP;
    PERFORM gate.void_permits();
    PERFORM gate.end_stuck_runs();
    RETURN;
END $$;

-- ---------------------------------------------------------------- what agents may read
CREATE VIEW reading.catalogue AS
    SELECT name, title, risk, parameters, document, enabled
      FROM public.personas_catalogueentry;
CREATE VIEW reading.card AS
    SELECT name, title, team, limits, document, enabled FROM public.personas_card;
CREATE VIEW reading.past_action AS
    SELECT a.ticket_ref, a.entry, a.target, a.verdict, a.outcome, a.decided_at
      FROM public.personas_action a WHERE a.entry <> '';
