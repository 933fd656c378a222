-- What a named person may do to a run and to a card; every act is on record.

CREATE FUNCTION gate.named(p_person text, p_why text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(btrim(p_person), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'a named person does this, and says why' USING ERRCODE = 'check_violation';
    END IF;
END $$;

-- What a state allows: 'restart' bears a new run of the same intent, 'retry' takes one out of the
-- dead letters, with its checkpoint.
CREATE FUNCTION gate.may_control(p_run public.personas_run, p_act text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_act
        WHEN 'pause' THEN gate.run_move((p_run).state, 'paused')
        WHEN 'resume' THEN gate.run_move((p_run).state, 'pending')
        WHEN 'isolate' THEN gate.run_move((p_run).state, 'isolated')
        WHEN 'cancel' THEN gate.run_move((p_run).state, 'cancelled')
        WHEN 'retry' THEN (p_run).state = 'failed' AND (p_run).dead_letter
        WHEN 'restart' THEN (p_run).state <> 'succeeded'
        ELSE false END
$$;

-- Sets a run aside: it keeps its checkpoint, nobody goes on with its step, and its time stands
-- still. What it was permitted waits while it is paused, and is void once it is isolated.
CREATE FUNCTION gate.hold_run(p_run uuid, p_state text, p_person text, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run public.personas_run%ROWTYPE;
BEGIN
    UPDATE public.personas_run
       SET state = p_state, why = left(p_why, 500), told_by = left(p_person, 150), token_hash = NULL,
           held_at = coalesce(held_at, clock_timestamp())
     WHERE id = p_run RETURNING * INTO v_run;
    PERFORM gate.let_go(p_run, 'run ' || p_state, 'its run is ' || p_state);
    IF p_state = 'isolated' THEN
        PERFORM gate.void_run(p_run, p_person || ' has isolated the run');
        PERFORM gate.tell_dispatcher(v_run);
    END IF;
END $$;

-- Back into the queue, with the place that its age gives it; a retry has its place at once.
CREATE FUNCTION gate.return_run(p_run uuid, p_state text, p_person text, p_why text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM gate.lock_admission();
    UPDATE public.personas_run SET state = p_state, why = left(p_why, 500),
           told_by = left(p_person, 150), ended_at = NULL
     WHERE id = p_run;
    IF p_state = 'retrying' THEN
        UPDATE public.personas_run
           SET retries = 0, dead_letter = false, limit_hit = '', summary = '',
               starts = starts + 1,
               deadline = clock_timestamp() + make_interval(secs => max_duration_s)
         WHERE id = p_run;
        PERFORM gate.next_step(p_run, (SELECT steps + 1 FROM public.personas_run WHERE id = p_run),
                               clock_timestamp());
    END IF;
    RETURN '';
EXCEPTION WHEN unique_violation THEN
    RETURN 'another run is at work on its ticket';
END $$;

-- A new run of the same intent, after the old one is ended. Returns what keeps it from beginning.
CREATE FUNCTION gate.restart_run(p_run public.personas_run, p_person text, p_why text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_intent public.personas_agentintent%ROWTYPE; v_dedup text := 'restart:' || (p_run).id;
    v record;
BEGIN
    IF gate.is_live((p_run).state) OR (p_run).state = 'isolated' THEN
        PERFORM gate.end_run((p_run).id, 'cancelled', p_person || ' restarts it: ' || p_why);
        PERFORM gate.void_run((p_run).id, p_person || ' has restarted the run');
    END IF;
    SELECT * INTO STRICT v_intent FROM public.personas_agentintent WHERE id = (p_run).intent_id;
    SELECT * INTO v FROM gate.submit_intent(v_intent.card_id, v_intent.ticket_ref,
        v_intent.priority, v_intent.scope, v_intent.joined, v_intent.inputs,
        v_dedup || ':' || (SELECT count(*) FROM public.personas_agentintent
                            WHERE starts_with(dedup, v_dedup)),
        v_intent.environment, 'person:' || p_person, (p_run).max_duration_s, v_intent.job,
        v_intent.tenant);
    RETURN CASE v.verdict WHEN 'accepted' THEN '' WHEN 'full' THEN 'the queue is full'
                WHEN 'isolated' THEN 'its card is isolated'
                ELSE 'another run is at work on its ticket' END;
END $$;

-- One act of a named person on one run: its state afterwards, and why it was not done, if so.
CREATE FUNCTION gate.control_run(p_run uuid, p_act text, p_person text, p_why text)
RETURNS TABLE (state text, refused text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v_run public.personas_run%ROWTYPE; v_refused text := ''; v_state text;
BEGIN
    PERFORM gate.named(p_person, p_why);
    SELECT * INTO v_run FROM public.personas_run r WHERE r.id = p_run FOR UPDATE;
    IF NOT FOUND THEN RETURN; END IF;
    IF NOT gate.may_control(v_run, p_act) THEN
        RETURN QUERY SELECT v_run.state::text, format('a run that is %s cannot be told to %s',
            replace(v_run.state, '_', ' '), p_act);
        RETURN;
    END IF;
    IF p_act = 'cancel' THEN
        PERFORM gate.end_run(p_run, 'cancelled', p_person || ': ' || p_why);
        PERFORM gate.void_run(p_run, p_person || ' has cancelled the run');
    ELSIF p_act IN ('pause', 'isolate') THEN
        PERFORM gate.hold_run(p_run, p_act || 'd', p_person, p_why);
    ELSIF p_act = 'restart' THEN
        v_refused := gate.restart_run(v_run, p_person, p_why);
    ELSE
        v_refused := gate.return_run(p_run,
            CASE p_act WHEN 'resume' THEN 'pending' ELSE 'retrying' END, p_person, p_why);
    END IF;
    IF v_refused <> '' THEN
        -- All or nothing: a run is not ended for a restart that cannot be.
        RAISE EXCEPTION '%', v_refused USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    PERFORM audit.put_pending('person.controlled', p_run::text, v_run.ticket_ref,
        jsonb_build_object('person', p_person, 'act', p_act, 'why', left(p_why, 500),
            'card', v_run.card_id, 'from_state', v_run.state));
    PERFORM gate.admit();
    SELECT r.state INTO v_state FROM public.personas_run r WHERE r.id = p_run;
    RETURN QUERY SELECT v_state, '';
END $$;

-- No new runs of a card, and those there are set aside; returns how many.
CREATE FUNCTION gate.isolate_card(p_card text, p_person text, p_why text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run uuid; v_count int := 0;
BEGIN
    PERFORM gate.named(p_person, p_why);
    INSERT INTO public.personas_isolatedcard (card_id, by, why)
    VALUES (p_card, left(p_person, 150), left(p_why, 2000)) ON CONFLICT DO NOTHING;
    FOR v_run IN SELECT id FROM public.personas_run WHERE card_id = p_card
                  AND gate.is_live(state) ORDER BY id FOR UPDATE LOOP
        PERFORM gate.hold_run(v_run, 'isolated', p_person, p_why);
        v_count := v_count + 1;
    END LOOP;
    PERFORM audit.put_pending('person.isolated_card', p_card, '', jsonb_build_object(
        'person', p_person, 'why', left(p_why, 500), 'card', p_card, 'runs', v_count));
    PERFORM gate.admit();
    RETURN v_count;
END $$;

-- New runs of it may be born again; those that were set aside stay so, each for a person to decide.
CREATE FUNCTION gate.release_card(p_card text, p_person text, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM gate.named(p_person, p_why);
    DELETE FROM public.personas_isolatedcard WHERE card_id = p_card;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM audit.put_pending('person.released_card', p_card, '', jsonb_build_object(
        'person', p_person, 'why', left(p_why, 500), 'card', p_card));
    PERFORM gate.admit();
    RETURN true;
END $$;
