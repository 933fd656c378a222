-- A run of which nothing is open but what people decide about is parked: it has no place and no
-- worker, and its clock stands still. Frozen: a later change is a new file and migration.

CREATE OR REPLACE FUNCTION gate.run_move(p_old text, p_new text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT (p_old, p_new) IN (
        ('pending', 'starting'), ('pending', 'failed'), ('pending', 'paused'), ('pending', 'isolated'),
        ('pending', 'cancelled'), ('pending', 'timed_out'),
        ('starting', 'running'), ('starting', 'parked'), ('starting', 'failed'),
        ('starting', 'paused'), ('starting', 'isolated'), ('starting', 'cancelled'),
        ('starting', 'timed_out'),
        ('running', 'waiting'), ('running', 'succeeded'), ('running', 'failed'),
        ('running', 'paused'), ('running', 'isolated'), ('running', 'cancelled'),
        ('running', 'timed_out'),
        ('waiting', 'running'), ('waiting', 'parked'), ('waiting', 'failed'), ('waiting', 'paused'),
        ('waiting', 'isolated'), ('waiting', 'cancelled'), ('waiting', 'timed_out'),
        ('parked', 'pending'), ('parked', 'paused'), ('parked', 'isolated'), ('parked', 'cancelled'),
        ('failed', 'retrying'),
        ('retrying', 'running'), ('retrying', 'failed'), ('retrying', 'paused'),
        ('retrying', 'isolated'), ('retrying', 'cancelled'), ('retrying', 'timed_out'),
        ('paused', 'pending'), ('paused', 'isolated'), ('paused', 'cancelled'),
        ('isolated', 'pending'), ('isolated', 'cancelled'))
$$;

CREATE OR REPLACE FUNCTION gate.is_live(p_state text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_state IN ('pending', 'starting', 'running', 'waiting', 'parked', 'paused', 'retrying')
$$;

-- As before, and: that a run is parked.
CREATE OR REPLACE FUNCTION gate.note_move() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_old text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.state ELSE '' END;
BEGIN
    INSERT INTO public.personas_transition (run_id, from_state, state, step, why, told_by)
    VALUES (NEW.id, v_old, NEW.state, NEW.steps, NEW.why, NEW.told_by);
    IF v_old <> '' AND NEW.state IN ('pending', 'parked', 'paused', 'isolated', 'retrying') THEN
        PERFORM audit.put_pending('run.state', NEW.id::text, NEW.ticket_ref, jsonb_build_object(
            'card', NEW.card_id, 'from_state', v_old, 'state', NEW.state, 'steps', NEW.steps,
            'retries', NEW.retries, 'by', NEW.told_by, 'why', left(NEW.why, 500)));
    END IF;
    RETURN NULL;
END $$;

-- As before, and: it is parked while it waits for people alone, and then waits for a place again,
-- which whoever called this gives away as the last thing, or else the reconciler.
CREATE OR REPLACE FUNCTION gate.advance(p_run uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run public.personas_run%ROWTYPE;
BEGIN
    SELECT * INTO v_run FROM public.personas_run WHERE id = p_run FOR UPDATE;
    IF NOT FOUND OR v_run.state NOT IN ('starting', 'running', 'waiting', 'parked') THEN
        RETURN;
    END IF;
    IF v_run.state = 'parked' THEN
        IF NOT gate.waits_for_people(p_run) THEN
            UPDATE public.personas_run SET state = 'pending', why = '', told_by = ''
             WHERE id = p_run;
        END IF;
        RETURN;
    END IF;
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
        IF gate.waits_for_people(p_run) THEN
            UPDATE public.personas_run SET state = 'parked', why = 'waits for a person',
                   told_by = '', held_at = coalesce(held_at, clock_timestamp())
             WHERE id = p_run;
        END IF;
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
