-- Runs: started, advanced, lost and tried again, ended.

-- As before, and: a run that was held or retried gets work of its own for the same step.
CREATE OR REPLACE FUNCTION gate.next_step(p_run uuid, p_number int, p_not_before timestamptz)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT audit.put_work('step', 'agent', 'ready', p_run::text,
        jsonb_build_object('run', p_run, 'number', p_number),
        p_run || ':' || p_number || CASE WHEN r.starts > 1 THEN ':' || r.starts ELSE '' END,
        4, p_not_before, 4)
      FROM public.personas_run r WHERE r.id = p_run
$$;

-- A place is free for it. What was held meanwhile does not count against its time.
CREATE FUNCTION gate.start_run(p_run uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE public.personas_run
       SET state = 'starting', why = '', told_by = '', starts = starts + 1,
           started_at = coalesce(started_at, clock_timestamp()),
           deadline = CASE WHEN started_at IS NULL
               THEN clock_timestamp() + make_interval(secs => max_duration_s)
               ELSE deadline + (clock_timestamp() - coalesce(held_at, clock_timestamp())) END,
           held_at = NULL, resume_at = NULL
     WHERE id = p_run;
    PERFORM gate.advance(p_run);
END $$;

-- What a run tells a person at its end by a limit: what was tried, what is known, what is asked.
CREATE FUNCTION gate.summary_of(p_run uuid, p_what text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT left(p_what || '. Tried: ' || coalesce((
               SELECT string_agg(btrim(a.verb || ' ' || a.entry) || ' on ' || a.target || ' ('
                    || CASE WHEN a.verdict <> 'authorised' THEN a.verdict
                            ELSE coalesce(nullif(a.outcome, ''), 'not over') END || ')',
                    '; ' ORDER BY a.decided_at)
                 FROM (SELECT * FROM public.personas_action
                        WHERE run_id = p_run AND verb <> 'ticket.comment'
                        ORDER BY decided_at DESC LIMIT 20) a), 'nothing')
        || '. Known: ' || coalesce((
               SELECT 'step ' || s.number || ' asked ' || coalesce(s.question ->> 'kind', '?')
                    || ' and chose ' || coalesce(left(s.answer ->> 'choice', 60), '?')
                    || coalesce('; the probe says '
                        || left(s.question #>> '{facts,probe.symptom}', 60), '')
                 FROM public.personas_step s WHERE s.run_id = p_run
                ORDER BY s.number DESC LIMIT 1), 'no step was taken')
        || '. Asked: have a look, then resolve the ticket or assign it back.', 4000)
$$;

-- Nobody goes on with what this run has begun to think: its step, its question to a model, its
-- signer. The run is locked by the caller.
CREATE FUNCTION gate.let_go(p_run uuid, p_ending text, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM gate.end_incarnation(p_run, p_ending);
    UPDATE public.audit_work SET state = 'cancelled', lease_until = NULL,
           settled_at = clock_timestamp()
     WHERE kind = 'step' AND subject = p_run::text AND state IN ('ready', 'leased');
    -- One that is just being finished is left alone: whoever finishes it may wait for us.
    PERFORM gpu.cancel(free.id, p_why)
       FROM (SELECT w.id FROM public.audit_work w
              WHERE w.id IN (SELECT j.id FROM public.gpu_job j
                              WHERE j.run = p_run AND j.finished_at IS NULL)
                FOR UPDATE SKIP LOCKED) free;
END $$;

-- Permits that nobody has begun are void.
CREATE FUNCTION gate.void_run(p_run uuid, p_said text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_action uuid;
BEGIN
    FOR v_action IN
        UPDATE public.audit_work w SET state = 'cancelled', settled_at = clock_timestamp()
          FROM public.personas_action a
         WHERE a.id = w.id AND a.run_id = p_run AND w.kind = 'effect'
           AND w.state IN ('waiting', 'ready')
        RETURNING w.id
    LOOP
        PERFORM gate.close_action(v_action, 'void', jsonb_build_object('said', p_said),
                                  'action.void');
    END LOOP;
END $$;

-- As before, and: what it still had to do is cancelled, an isolated run may be cancelled, and a
-- run whose retries are used up lies in the dead letters. The freed place is given away by
-- whoever called this, as the last thing.
CREATE OR REPLACE FUNCTION gate.end_run(p_run uuid, p_state text, p_summary text,
    p_limit text DEFAULT '')
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run public.personas_run%ROWTYPE;
BEGIN
    UPDATE public.personas_run
       SET state = p_state, summary = left(p_summary, 4000), limit_hit = p_limit,
           dead_letter = p_limit = 'max_retries', why = '', told_by = '',
           ended_at = clock_timestamp(), token_hash = NULL
     WHERE id = p_run AND (gate.is_live(state) OR state = 'isolated')
    RETURNING * INTO v_run;
    IF NOT FOUND THEN RETURN; END IF;
    PERFORM gate.let_go(p_run, 'run ended', 'its run has ended');
    PERFORM audit.put_pending('run.ended', p_run::text, v_run.ticket_ref, jsonb_build_object(
        'card', v_run.card_id, 'state', p_state, 'steps', v_run.steps,
        'actions', v_run.actions, 'retries', v_run.retries, 'dead_letter', v_run.dead_letter,
        'limit_hit', p_limit, 'summary', left(p_summary, 1000)));
    PERFORM gate.tell_dispatcher(v_run);
END $$;

-- The dispatcher looks at the ticket of a run that went out of its hands.
CREATE FUNCTION gate.tell_dispatcher(p_run public.personas_run) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT audit.put_work('dispatch', 'control', 'ready', (p_run).ticket_ref,
        jsonb_build_object('ticket', (p_run).ticket_ref, 'why', 'run ' || (p_run).state,
                           'run', (p_run).id, 'card', (p_run).card_id, 'state', (p_run).state),
        'run:' || (p_run).id || CASE WHEN (p_run).starts > 1 THEN ':' || (p_run).starts ELSE '' END
            || CASE WHEN (p_run).state = 'isolated' THEN ':isolated' ELSE '' END,
        3, clock_timestamp(), 3)
$$;

-- As before, and: for a run that starts, too; and a limit ends it with all that a person needs.
CREATE OR REPLACE FUNCTION gate.advance(p_run uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run public.personas_run%ROWTYPE;
BEGIN
    SELECT * INTO v_run FROM public.personas_run WHERE id = p_run FOR UPDATE;
    IF NOT FOUND OR v_run.state NOT IN ('starting', 'running', 'waiting') THEN RETURN; END IF;
    IF EXISTS (SELECT 1 FROM public.audit_work WHERE kind = 'step' AND subject = p_run::text
                AND state IN ('waiting', 'ready', 'leased')) THEN RETURN; END IF;
    IF v_run.state = 'running' THEN
        UPDATE public.personas_run SET state = 'waiting', token_hash = NULL, why = '', told_by = ''
         WHERE id = p_run;
    END IF;
    -- A doubt that the probe could not settle does not hold the run: it looks at the CI instead.
    IF EXISTS (SELECT 1 FROM public.personas_action a
                 LEFT JOIN public.audit_work w ON w.id = a.work_id
                WHERE a.run_id = p_run AND a.verdict IN ('authorised', 'proposed')
                  AND a.outcome = ''
                  AND NOT (w.state = 'in_doubt' AND a.result <> '{}')) THEN
        RETURN;
    END IF;
    IF v_run.steps >= v_run.max_steps THEN
        PERFORM gate.end_run(p_run, 'failed', gate.summary_of(p_run,
            format('Stopped at its limit of %s steps', v_run.max_steps)), 'max_steps');
        RETURN;
    END IF;
    PERFORM gate.next_step(p_run, v_run.steps + 1,
        greatest(coalesce(v_run.resume_at, clock_timestamp()), clock_timestamp()));
END $$;

CREATE FUNCTION gate.most_retries() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 3 $$;

-- Seconds until try number n + 1: full jitter under a doubling bound.
CREATE FUNCTION gate.backoff(p_retry int) RETURNS interval
LANGUAGE sql VOLATILE AS $$
    SELECT make_interval(secs => random() * least(60, power(2, p_retry)))
$$;

-- The step of a run that is locked was not taken to its end: its worker raised, or died. Tried
-- again after a while, three times per intent; then it lies in the dead letters. The step's work
-- is ready again, or dead. Returns the state of the run.
CREATE FUNCTION gate.step_lost(p_run uuid, p_work uuid, p_ending text, p_why text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run public.personas_run%ROWTYPE; v_wait interval; v_kind text;
BEGIN
    SELECT * INTO v_run FROM public.personas_run WHERE id = p_run;
    IF v_run.state IS DISTINCT FROM 'running' THEN RETURN v_run.state; END IF;
    PERFORM gate.end_incarnation(p_run, p_ending);
    IF v_run.retries >= gate.most_retries() THEN
        PERFORM gate.end_run(p_run, 'failed', gate.summary_of(p_run, format(
            'Given up after %s retries; the last fault: %s', v_run.retries, left(p_why, 300))),
            'max_retries');
        RETURN 'failed';
    END IF;
    v_wait := gate.backoff(v_run.retries + 1);
    -- The kind of the fault, and no text that came from outside: these rows are never rewritten.
    v_kind := left(split_part(p_why, ':', 1), 60);
    UPDATE public.personas_run SET state = 'failed', token_hash = NULL, why = v_kind,
           told_by = '' WHERE id = p_run;
    UPDATE public.personas_run
       SET state = 'retrying', retries = retries + 1,
           why = format('retry %s of %s: %s', retries + 1, gate.most_retries(), v_kind)
     WHERE id = p_run;
    UPDATE public.audit_work SET not_before = clock_timestamp() + v_wait, published_at = NULL
     WHERE id = p_work AND state = 'ready';
    PERFORM pg_notify('ethops_ready', 'agent');
    RETURN 'retrying';
END $$;

-- As before, with the states of the table. It is part of a longer transaction about the ticket, so
-- that the place which it frees is given away by the reconciler.
CREATE OR REPLACE FUNCTION gate.take_over(p_ticket text, p_person text, p_why text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run uuid; v_count int := 0;
BEGIN
    FOR v_run IN SELECT id FROM public.personas_run WHERE ticket_ref = p_ticket
                  AND (gate.is_live(state) OR state = 'isolated') ORDER BY id FOR UPDATE LOOP
        PERFORM gate.end_run(v_run, 'cancelled', p_person || ': ' || p_why);
        v_count := v_count + 1;
    END LOOP;
    FOR v_run IN SELECT DISTINCT a.run_id FROM public.personas_action a
                   JOIN public.audit_work w ON w.id = a.work_id
                  WHERE a.ticket_ref = p_ticket AND a.run_id IS NOT NULL
                    AND w.kind = 'effect' AND w.state IN ('waiting', 'ready') LOOP
        PERFORM gate.void_run(v_run, p_person || ' has taken the ticket');
    END LOOP;
    PERFORM audit.put_pending('person.took_over', p_ticket, p_ticket,
        jsonb_build_object('person', p_person, 'why', left(p_why, 500), 'runs', v_count));
    RETURN v_count;
END $$;

-- As before, and: what a paused run was permitted waits with it.
CREATE OR REPLACE FUNCTION gate.held_back(p_action uuid, p_entry_seq bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN EXISTS (SELECT 1 FROM public.personas_action a
                       JOIN public.personas_run r ON r.id = a.run_id
                      WHERE a.id = p_action AND r.state = 'paused')
            THEN 'waits: its run is paused'
        WHEN gate.breaker_open() AND gate.is_change(
                (SELECT verb FROM public.personas_action WHERE id = p_action))
            THEN 'waits: the breaker of the fleet is open'
        WHEN NOT gate.is_risky(p_action) THEN NULL
        WHEN NOT audit.trusted() THEN 'waits until a person acknowledges what is wrong with the ledger'
        WHEN p_entry_seq > audit.witnessed_size() THEN 'waits for a witness'
    END
$$;

-- Whether what an executor is doing is wanted no more: it is told to end.
CREATE FUNCTION gate.called_off(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.personas_action a
                     JOIN public.personas_run r ON r.id = a.run_id
                    WHERE a.id = p_action AND r.state IN ('cancelled', 'isolated', 'timed_out'))
$$;
