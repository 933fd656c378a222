-- A permit that expires says what it waited for, and its ticket is told.

-- What a permit that was not taken waited for, in words; empty where nothing held it.
CREATE FUNCTION gate.waited_for(p_action uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN gate.stopped() THEN 'the stop was pressed'
        WHEN w.entry_seq IS NULL OR w.entry_lsn IS NULL THEN 'it waited to be written into the ledger'
        ELSE coalesce(regexp_replace(gate.held_back(w.id, w.entry_seq), '^waits', 'it waited'), '')
    END FROM public.audit_work w WHERE w.id = p_action
$$;

CREATE OR REPLACE FUNCTION gate.void_permits() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record; v_count int := 0; v_expired boolean; v_said text;
BEGIN
    FOR v IN
        SELECT w.id, a.run_id, a.verb, a.ticket_ref, w.expires_at
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
        v_expired := v.expires_at < clock_timestamp();
        v_said := CASE WHEN NOT v_expired THEN 'the permit would no longer be given'
                       WHEN gate.waited_for(v.id) = '' THEN 'the permit expired'
                       ELSE 'the permit expired: ' || gate.waited_for(v.id) END;
        UPDATE public.audit_work SET state = 'cancelled', settled_at = clock_timestamp()
         WHERE id = v.id AND state IN ('waiting', 'ready');
        CONTINUE WHEN NOT FOUND;
        PERFORM gate.close_action(v.id, CASE WHEN v_expired THEN 'expired' ELSE 'void' END,
            jsonb_build_object('said', v_said),
            CASE WHEN v_expired THEN 'action.expired' ELSE 'action.void' END);
        -- A notice that nobody got is told of by close_action already.
        IF v_expired AND v.ticket_ref <> '' AND v.verb <> 'notify' THEN
            PERFORM audit.put_work('dispatch', 'control', 'ready', v.ticket_ref,
                jsonb_build_object('ticket', v.ticket_ref, 'why', 'expired', 'action', v.id),
                'expired:' || v.id, 2, clock_timestamp(), 3);
        END IF;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

REVOKE ALL ON FUNCTION gate.waited_for(uuid) FROM PUBLIC;
