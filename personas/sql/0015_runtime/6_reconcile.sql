-- The reconciler, as before, and: a worker that died is a retry; whoever waits gets a free place.

-- Runs that no step will end: a step died, or the time is over. A run that is held has no clock.
CREATE OR REPLACE FUNCTION gate.end_stuck_runs() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record; v_count int := 0;
BEGIN
    FOR v IN
        SELECT r.id, r.state, r.deadline < clock_timestamp() AS over FROM public.personas_run r
         WHERE (r.state = 'pending' AND r.held_at IS NULL AND r.deadline < clock_timestamp())
            OR (r.state IN ('starting', 'waiting', 'retrying') AND r.deadline < clock_timestamp())
            OR (r.state = 'running' AND r.deadline < clock_timestamp() - interval '1 minute')
            OR (r.state IN ('starting', 'running', 'waiting', 'retrying') AND EXISTS (
                SELECT 1 FROM public.audit_work w WHERE w.kind = 'step'
                   AND w.subject = r.id::text AND w.state = 'dead'
                   AND w.created_at >= coalesce(r.started_at, r.created_at)
                   AND NOT EXISTS (SELECT 1 FROM public.audit_work n WHERE n.kind = 'step'
                       AND n.subject = w.subject AND n.created_at > w.created_at)))
         LIMIT 100 FOR UPDATE SKIP LOCKED
    LOOP
        IF NOT v.over THEN
            PERFORM gate.end_run(v.id, 'failed',
                gate.summary_of(v.id, 'Given up: its step died'), 'max_retries');
        ELSIF v.state = 'pending' THEN
            PERFORM gate.end_run(v.id, 'timed_out', gate.summary_of(v.id,
                'Waited a day for its turn'), 'max_wait');
        ELSE
            PERFORM gate.end_run(v.id, 'timed_out', gate.summary_of(v.id,
                'Stopped at its limit of time'), 'max_duration');
        END IF;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

CREATE OR REPLACE FUNCTION gate.reconcile()
RETURNS TABLE (id uuid, kind text, subject text, state text, error text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v record;
BEGIN
    FOR v IN SELECT * FROM audit.reconcile() LOOP
        id := v.id; kind := v.kind; subject := v.subject; state := v.state; error := v.error;
        IF v.kind = 'step' AND v.state = 'ready' THEN
            -- Its work is locked already: a run that somebody holds is left to the next claim.
            PERFORM 1 FROM public.personas_run r WHERE r.id = v.subject::uuid
                FOR UPDATE SKIP LOCKED;
            IF FOUND THEN
                PERFORM gate.step_lost(v.subject::uuid, v.id, 'lost', v.error);
            END IF;
        END IF;
        IF v.state = 'in_doubt' THEN
            PERFORM audit.put_pending('action.in_doubt', v.id::text,
                (SELECT ticket_ref FROM public.personas_action a WHERE a.id = v.id),
                gate.permit_body(v.id) || jsonb_build_object('why', v.error));
        END IF;
        IF v.state IN ('ready', 'in_doubt') THEN PERFORM pg_notify('ethops_ready', ''); END IF;
        RETURN NEXT;
    END LOOP;
    PERFORM gate.void_permits();
    PERFORM gate.end_stuck_runs();
    PERFORM gate.admit();
    RETURN;
END $$;
