-- Admission: a bounded queue of intents per environment, places per environment and per card.
-- `personas/runtime/admission.py` is the same policy without a database; a test compares them.

INSERT INTO public.personas_environment (name, max_concurrent, max_queued) VALUES
    ('operations', 32, 1000), ('torch.dev.gpu', 4, 100), ('ros.dev.gpu', 4, 100);

-- Whose turn comes first: a step of priority is worth a minute of waiting, so that nobody who
-- comes more than four minutes later ever overtakes.
CREATE FUNCTION gate.turn(p_at timestamptz, p_priority int) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$ SELECT p_at + p_priority * interval '60 s' $$;

-- One admission at a time. Who holds this waits for no other lock: whatever else a door locks, it
-- locks before.
CREATE FUNCTION gate.lock_admission() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM public.personas_environment ORDER BY name FOR NO KEY UPDATE;
END $$;

CREATE FUNCTION gate.at_work(p_environment text) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*)::int FROM public.personas_run r
      JOIN public.personas_agentintent i ON i.id = r.intent_id
     WHERE i.environment = p_environment AND gate.has_place(r.state)
$$;

-- A card that declares no number of places has as many as its environment.
CREATE FUNCTION gate.has_room(p_card text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.enabled
       AND NOT EXISTS (SELECT 1 FROM public.personas_isolatedcard x WHERE x.card_id = c.name)
       AND (c.limits ->> 'max_concurrent' IS NULL
            OR (SELECT count(*) FROM public.personas_run r
                 WHERE r.card_id = c.name AND gate.has_place(r.state))
               < (c.limits ->> 'max_concurrent')::int)
      FROM public.personas_card c WHERE c.name = p_card
$$;

-- Gives free places to those who wait, each environment for itself; returns how many began.
-- The last thing that a door does.
CREATE FUNCTION gate.admit() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_environment record; v_run uuid; v_count int := 0;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.personas_run WHERE state = 'pending') THEN
        RETURN 0;
    END IF;
    PERFORM gate.lock_admission();
    FOR v_environment IN SELECT * FROM public.personas_environment LOOP
        WHILE gate.at_work(v_environment.name) < v_environment.max_concurrent LOOP
            SELECT r.id INTO v_run FROM public.personas_run r
              JOIN public.personas_agentintent i ON i.id = r.intent_id
             WHERE r.state = 'pending' AND i.environment = v_environment.name
               AND gate.has_room(r.card_id)
             ORDER BY gate.turn(r.created_at, i.priority), r.id
             LIMIT 1 FOR UPDATE OF r SKIP LOCKED;
            EXIT WHEN NOT FOUND;
            PERFORM gate.start_run(v_run);
            v_count := v_count + 1;
        END LOOP;
    END LOOP;
    RETURN v_count;
END $$;

-- Seconds that a run of this environment took lately, for estimates; half a minute where none has
-- ended yet.
CREATE FUNCTION gate.usual_seconds(p_environment text) RETURNS double precision
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(avg(took), 30) FROM (
        SELECT extract(epoch FROM r.ended_at - r.started_at)::float8 AS took
          FROM public.personas_run r JOIN public.personas_agentintent i ON i.id = r.intent_id
         WHERE r.ended_at IS NOT NULL AND r.started_at IS NOT NULL
           AND i.environment = p_environment
         ORDER BY r.created_at DESC LIMIT 20) lately
$$;

-- Where an intent stands: 0 once its run has a place.
CREATE FUNCTION gate.queue_position(p_run uuid) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*)::int
      FROM public.personas_run r JOIN public.personas_agentintent i ON i.id = r.intent_id
      JOIN public.personas_run o ON o.state = 'pending'
      JOIN public.personas_agentintent j ON j.id = o.intent_id AND j.environment = i.environment
     WHERE r.id = p_run AND r.state = 'pending'
       AND (gate.turn(o.created_at, j.priority), o.id) <= (gate.turn(r.created_at, i.priority), r.id)
$$;

CREATE FUNCTION gate.estimated_start_s(p_environment text, p_position int) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN p_position = 0 THEN 0 ELSE ceil(
               p_position * gate.usual_seconds(p_environment) / greatest(max_concurrent, 1))::int END
      FROM public.personas_environment WHERE name = p_environment
$$;

-- One request for a run. `accepted` (it has a place, or one in the queue), `folded` (that work is
-- there already), `full` (nothing was written: come again), `isolated` (no new runs of this card).
CREATE FUNCTION gate.submit_intent(p_card text, p_ticket text, p_priority int, p_scope jsonb,
    p_joined text, p_inputs jsonb, p_dedup text, p_environment text, p_by text,
    p_max_duration_s int, p_job text, p_tenant text)
RETURNS TABLE (verdict text, intent uuid, run uuid, queue_position int, estimated_start_s int,
    retry_after_s int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_card public.personas_card%ROWTYPE; v_environment public.personas_environment%ROWTYPE;
    v_intent uuid; v_run uuid; v_waits int; v_seconds int;
BEGIN
    SELECT * INTO v_card FROM public.personas_card WHERE name = p_card AND enabled;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no enabled card %', p_card USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF p_priority NOT BETWEEN 0 AND 4 OR coalesce(btrim(p_ticket), '') = '' THEN
        RAISE EXCEPTION 'an intent has a ticket, and a priority from 0 to 4'
            USING ERRCODE = 'check_violation';
    END IF;
    PERFORM gate.lock_admission();
    SELECT * INTO v_environment FROM public.personas_environment WHERE name = p_environment;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no environment %', p_environment USING ERRCODE = 'foreign_key_violation';
    END IF;
    SELECT r.intent_id, r.id INTO v_intent, v_run
      FROM public.personas_run r JOIN public.personas_agentintent i ON i.id = r.intent_id
     WHERE i.dedup = p_dedup OR (r.ticket_ref = p_ticket AND gate.is_live(r.state))
     ORDER BY i.dedup = p_dedup DESC LIMIT 1;
    IF FOUND THEN
        v_waits := gate.queue_position(v_run);
        RETURN QUERY SELECT 'folded'::text, v_intent, v_run, v_waits,
            gate.estimated_start_s((SELECT i.environment::text FROM public.personas_agentintent i
                                     WHERE i.id = v_intent), v_waits), 0;
        RETURN;
    END IF;
    IF EXISTS (SELECT 1 FROM public.personas_isolatedcard WHERE card_id = p_card) THEN
        RETURN QUERY SELECT 'isolated'::text, NULL::uuid, NULL::uuid, 0, 0, 0;
        RETURN;
    END IF;
    SELECT count(*) INTO v_waits
      FROM public.personas_run r JOIN public.personas_agentintent i ON i.id = r.intent_id
     WHERE r.state = 'pending' AND i.environment = p_environment;
    -- Who would not have to wait is not kept out by those who do.
    IF v_waits >= v_environment.max_queued AND NOT (gate.has_room(p_card)
            AND gate.at_work(p_environment) < v_environment.max_concurrent) THEN
        RETURN QUERY SELECT 'full'::text, NULL::uuid, NULL::uuid, 0, 0,
            least(greatest(gate.estimated_start_s(p_environment, 1), 1), 300);
        RETURN;
    END IF;
    v_seconds := (v_card.limits ->> 'max_duration_s')::int;
    INSERT INTO public.personas_agentintent (card_id, ticket_ref, priority, scope, joined, inputs,
        dedup, environment, requested_by, job, tenant)
    VALUES (p_card, p_ticket, p_priority, p_scope, p_joined, p_inputs, p_dedup, p_environment,
            left(p_by, 150), left(p_job, 100), left(p_tenant, 60))
    RETURNING id INTO v_intent;
    INSERT INTO public.personas_run (intent_id, card_id, ticket_ref, state, max_steps, max_actions,
        max_duration_s, deadline)
    VALUES (v_intent, p_card, p_ticket, 'pending', (v_card.limits ->> 'max_steps')::int,
        (v_card.limits ->> 'max_actions')::int,
        least(greatest(coalesce(p_max_duration_s, v_seconds), 1), v_seconds),
        -- Of its waiting: the time of its work is counted from its start.
        clock_timestamp() + interval '1 day')
    RETURNING id INTO v_run;
    PERFORM audit.put_pending('run.born', v_run::text, p_ticket, jsonb_build_object(
        'card', p_card, 'card_digest', v_card.digest, 'intent', v_intent, 'scope', p_scope,
        'joined', p_joined, 'limits', v_card.limits, 'priority', p_priority,
        'environment', p_environment));
    PERFORM gate.admit();
    v_waits := gate.queue_position(v_run);
    RETURN QUERY SELECT 'accepted'::text, v_intent, v_run, v_waits,
        gate.estimated_start_s(p_environment, v_waits), 0;
END $$;

-- As before: a run of the house's own, or NULL where that work is there already.
CREATE OR REPLACE FUNCTION gate.dispatch(p_card text, p_ticket text, p_priority int, p_scope jsonb,
    p_joined text, p_inputs jsonb, p_dedup text)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record;
BEGIN
    SELECT * INTO v FROM gate.submit_intent(p_card, p_ticket, p_priority, p_scope, p_joined,
        p_inputs, p_dedup, 'operations', 'rule:dispatcher', NULL, '', '');
    IF v.verdict IN ('full', 'isolated') THEN
        RAISE EXCEPTION 'no run of % now: %', p_card, v.verdict
            USING ERRCODE = 'configuration_limit_exceeded';
    END IF;
    RETURN CASE WHEN v.verdict = 'accepted' THEN v.run END;
END $$;

-- Who waits and who is at work, by environment.
CREATE FUNCTION gate.queue()
RETURNS TABLE (environment text, at_work int, max_concurrent int, queued int, max_queued int,
    oldest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.name::text, gate.at_work(e.name), e.max_concurrent, count(r.id)::int, e.max_queued,
           min(r.created_at)
      FROM public.personas_environment e
      LEFT JOIN public.personas_agentintent i ON i.environment = e.name
           AND EXISTS (SELECT 1 FROM public.personas_run p
                        WHERE p.intent_id = i.id AND p.state = 'pending')
      LEFT JOIN public.personas_run r ON r.intent_id = i.id AND r.state = 'pending'
     GROUP BY e.name, e.max_concurrent, e.max_queued ORDER BY e.name
$$;

CREATE FUNCTION gate.set_environment(p_name text, p_max_concurrent int, p_max_queued int,
    p_person text, p_why text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM gate.named(p_person, p_why);
    INSERT INTO public.personas_environment (name, max_concurrent, max_queued)
    VALUES (p_name, p_max_concurrent, p_max_queued)
    ON CONFLICT (name) DO UPDATE SET max_concurrent = excluded.max_concurrent,
        max_queued = excluded.max_queued;
    PERFORM audit.put_pending('person.set_environment', p_name, '', jsonb_build_object(
        'person', p_person, 'why', left(p_why, 500), 'max_concurrent', p_max_concurrent,
        'max_queued', p_max_queued));
    PERFORM gate.admit();
END $$;
