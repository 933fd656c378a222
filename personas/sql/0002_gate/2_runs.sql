-- Runs: born, advanced, ended.

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
