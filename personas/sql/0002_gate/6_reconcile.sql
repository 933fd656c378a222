-- The reconciler: what time, death and withdrawn rights do to permits and runs.

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
