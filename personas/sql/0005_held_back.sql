-- What holds back an effect that is authorised, recorded and due. The claim asks one function, so
-- that each reason is written there and the claim stays as it is.

-- Fail closed: what is not known to be harmless is risky, so are kinds of effect yet to come.
CREATE FUNCTION gate.is_risky(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT CASE
            WHEN a.verb IN ('ticket.comment', 'ticket.assign', 'ticket.resolve',
                            'ticket.escalate', 'notify') THEN false
            WHEN a.verb = 'playbook.run' THEN coalesce(e.risk NOT IN ('none', 'low'), true)
            ELSE true END
          FROM public.personas_action a
          LEFT JOIN public.personas_catalogueentry e ON e.name = a.entry
         WHERE a.id = p_action), true)
$$;

-- Why an effect is not handed out now, in words that people read; NULL where nothing holds it.
CREATE FUNCTION gate.held_back(p_action uuid, p_entry_seq bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN gate.is_risky(p_action) AND p_entry_seq > audit.witnessed_size()
            THEN 'waits for a witness'
    END
$$;

-- What is held back now, oldest first.
CREATE FUNCTION gate.held_effects()
RETURNS TABLE (action_id uuid, ticket_ref text, entry_seq bigint, why text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT * FROM (
        SELECT w.id, a.ticket_ref::text, w.entry_seq, gate.held_back(w.id, w.entry_seq) AS why
          FROM public.audit_work w JOIN public.personas_action a ON a.id = w.id
         WHERE w.kind = 'effect' AND w.state = 'ready' AND w.entry_seq IS NOT NULL
         ORDER BY w.entry_seq) due
     WHERE why IS NOT NULL
$$;

-- As before, and: nothing that is held back.
CREATE OR REPLACE FUNCTION gate.claim_effect(p_queue text, p_holder text,
    p_lease_s double precision)
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
               AND gate.held_back(c.id, c.entry_seq) IS NULL
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

REVOKE ALL ON FUNCTION gate.is_risky(uuid), gate.held_back(uuid, bigint), gate.held_effects()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.held_effects() TO ethops_app;
