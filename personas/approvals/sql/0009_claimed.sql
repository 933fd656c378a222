-- As before, and: waiting effects are looked at one by one in their order, and whoever comes first
-- is taken. Asking the guards about all that wait before the first is chosen costs more the longer
-- the queue is: with 4,700 waiting a claim took seconds.
CREATE OR REPLACE FUNCTION gate.claim_effect(p_queue text, p_holder text, p_lease_s double precision)
RETURNS TABLE (action_id uuid, fence bigint, verb text, entry text, target text, args jsonb,
    ticket_ref text, card text, run_id uuid, principal text, tree_hash text, entry_seq bigint,
    attempts int, timeout_s int, parameters jsonb, document jsonb, holder text,
    signed jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    -- A cursor is planned for its first rows: by the index that has them in order.
    v_waiting CURSOR FOR
        SELECT c.id, c.entry_seq FROM public.audit_work c
         WHERE c.queue = p_queue AND c.state = 'ready' AND c.kind = 'effect'
           AND c.not_before <= clock_timestamp() AND c.expires_at > clock_timestamp()
           AND c.entry_seq IS NOT NULL AND c.entry_lsn <= pg_current_wal_flush_lsn()
         ORDER BY c.priority, c.created_at;
    v_id uuid;
BEGIN
    PERFORM set_config('synchronous_commit', 'on', true);
    IF p_queue NOT IN ('executor.light', 'executor.plays') OR gate.stopped() THEN RETURN; END IF;
    FOR v_next IN v_waiting LOOP
        CONTINUE WHEN NOT gate.may_be_claimed(v_next.id, v_next.entry_seq);
        UPDATE public.audit_work w
           SET state = 'leased', fence = w.fence + 1, attempts = w.attempts + 1, holder = p_holder,
               lease_until = clock_timestamp() + make_interval(secs => p_lease_s),
               claimed_at = clock_timestamp()
         WHERE w.id = ANY (ARRAY(
                SELECT c.id FROM public.audit_work c
                 WHERE c.id = v_next.id AND c.state = 'ready' FOR UPDATE SKIP LOCKED))
        RETURNING w.id INTO v_id;
        EXIT WHEN v_id IS NOT NULL;
    END LOOP;
    IF v_id IS NULL THEN RETURN; END IF;
    UPDATE public.approvals_approval
       SET implementer = CASE implementer WHEN '' THEN left('executor:' || p_holder, 240)
                         ELSE implementer END,
           state = CASE WHEN kind = 'veto' AND state = 'waiting' THEN 'unopposed' ELSE state END,
           decided_at = coalesce(decided_at, clock_timestamp())
     WHERE action_id = v_id;
    RETURN QUERY SELECT * FROM gate.effect_facts(v_id);
EXCEPTION WHEN unique_violation THEN
    RETURN;  -- another play on the same CI was claimed in this instant
END $$;

-- Whether every guard of a claim lets this effect pass, and no play holds its CI.
CREATE FUNCTION gate.may_be_claimed(p_action uuid, p_entry_seq bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.personas_action a
                    WHERE a.id = p_action AND a.verdict = 'authorised' AND a.outcome = '')
       AND gate.still_permitted(p_action)
       AND gate.held_back(p_action, p_entry_seq) IS NULL
       AND gate.veto_pending(p_action) IS NULL
       AND NOT EXISTS (
            SELECT 1 FROM public.audit_work w JOIN public.audit_work o ON o.subject = w.subject
             WHERE w.id = p_action AND w.queue = 'executor.plays' AND o.kind = 'effect'
               AND o.queue = 'executor.plays' AND o.state IN ('leased', 'in_doubt'))
$$;

REVOKE ALL ON FUNCTION gate.may_be_claimed(uuid, bigint) FROM PUBLIC;
