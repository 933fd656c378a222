-- Effects: the executor's doors.

CREATE FUNCTION gate.effect_facts(p_work uuid)
RETURNS TABLE (action_id uuid, fence bigint, verb text, entry text, target text, args jsonb,
    ticket_ref text, card text, run_id uuid, principal text, tree_hash text, entry_seq bigint,
    attempts int, timeout_s int, parameters jsonb, document jsonb, holder text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, w.fence, a.verb, a.entry, a.target, a.args, a.ticket_ref,
           coalesce(r.card_id, ''), a.run_id, a.principal, a.tree_hash, w.entry_seq, w.attempts,
           coalesce(c.timeout_s, 30), coalesce(c.parameters, '{}'), coalesce(c.document, '{}'),
           w.holder
      FROM public.personas_action a
      JOIN public.audit_work w ON w.id = a.work_id
      LEFT JOIN public.personas_run r ON r.id = a.run_id
      LEFT JOIN public.personas_catalogueentry c ON c.name = a.entry
     WHERE a.id = p_work
$$;

-- Whether a permit would still be given: its run lives, and for a playbook the entry is there as
-- approved, the CI is no lifeline, and the level is still act.
CREATE FUNCTION gate.still_permitted(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT (a.run_id IS NULL OR r.state IN ('pending', 'running', 'waiting'))
           AND (a.verb <> 'playbook.run' OR EXISTS (
                SELECT 1 FROM public.personas_catalogueentry e, public.cmdb_ci c,
                       public.personas_autonomy u, public.personas_card p
                 WHERE e.name = a.entry AND e.enabled AND e.approved_hash = a.tree_hash
                   AND c.ref = a.target AND NOT c.lifeline AND NOT c.retired
                   AND p.name = r.card_id AND p.enabled
                   AND u.card_id = r.card_id AND u.entry = a.entry
                   AND u.ci_class = c.ci_class AND u.level = 'act'))
          FROM public.personas_action a LEFT JOIN public.personas_run r ON r.id = a.run_id
         WHERE a.id = p_action), false)
$$;

-- Hands out what is authorised, in the ledger, flushed, unexpired, and not stopped.
CREATE FUNCTION gate.claim_effect(p_queue text, p_holder text, p_lease_s double precision)
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

CREATE FUNCTION gate.close_action(p_action uuid, p_outcome text, p_result jsonb, p_kind text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_action public.personas_action%ROWTYPE;
BEGIN
    UPDATE public.personas_action
       SET outcome = p_outcome, result = coalesce(p_result, '{}'), settled_at = clock_timestamp()
     WHERE id = p_action AND outcome = '' RETURNING * INTO v_action;
    IF NOT FOUND THEN RETURN; END IF;
    PERFORM audit.put_pending(p_kind, p_action::text, v_action.ticket_ref, jsonb_build_object(
        'verb', v_action.verb, 'entry', v_action.entry, 'target', v_action.target,
        'principal', v_action.principal, 'outcome', p_outcome,
        'result_sha256', gate.sha256_hex(coalesce(p_result, '{}')::text),
        'said', left(coalesce(p_result ->> 'said', ''), 500)));
    IF v_action.run_id IS NOT NULL THEN PERFORM gate.advance(v_action.run_id); END IF;
    IF v_action.verb = 'notify' AND p_outcome <> 'done' THEN
        PERFORM audit.put_work('dispatch', 'control', 'ready', v_action.ticket_ref,
            jsonb_build_object('ticket', v_action.ticket_ref, 'why', 'nobody told',
                               'action', p_action),
            'untold:' || p_action, 2, clock_timestamp() + interval '30 s', 3);
    END IF;
END $$;

-- An outcome that no executor reported: the desk concludes what was opened for the effect.
CREATE FUNCTION gate.conclude_elsewhere(p_action uuid, p_outcome text, p_said text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT audit.put_work('dispatch', 'control', 'ready', a.ticket_ref, jsonb_build_object(
               'ticket', a.ticket_ref, 'why', 'concluded elsewhere', 'action', p_action,
               'outcome', p_outcome, 'said', left(p_said, 500)),
           'concluded:' || p_action, 3, clock_timestamp(), 3)
      FROM public.personas_action a WHERE a.id = p_action
$$;

-- Locks the run before the work row, in the order that every other door does.
CREATE FUNCTION gate.lock_effect(p_action uuid) RETURNS public.audit_work
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_work public.audit_work%ROWTYPE;
BEGIN
    PERFORM 1 FROM public.personas_run
      WHERE id = (SELECT run_id FROM public.personas_action WHERE id = p_action) FOR UPDATE;
    SELECT * INTO v_work FROM public.audit_work
     WHERE id = p_action AND kind = 'effect' FOR UPDATE;
    RETURN v_work;
END $$;

CREATE FUNCTION gate.settle(p_action uuid, p_fence bigint, p_outcome text, p_result jsonb)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_work public.audit_work%ROWTYPE;
BEGIN
    IF p_outcome NOT IN ('done', 'failed') THEN
        RAISE EXCEPTION 'an effect settles as done or failed, not %', p_outcome
            USING ERRCODE = 'check_violation';
    END IF;
    v_work := gate.lock_effect(p_action);
    IF v_work.id IS NULL OR v_work.fence IS DISTINCT FROM p_fence
            OR v_work.state NOT IN ('leased', 'in_doubt') THEN
        PERFORM audit.put_pending('action.late', p_action::text, '', jsonb_build_object(
            'fence', p_fence, 'outcome', p_outcome));
        RETURN 'late';
    END IF;
    UPDATE public.audit_work SET state = p_outcome, lease_until = NULL,
           settled_at = clock_timestamp() WHERE id = p_action;
    PERFORM gate.close_action(p_action, p_outcome, p_result, 'action.outcome');
    RETURN 'settled';
END $$;

-- The holder stays who acted: what a probe finds on another host says nothing about that one.
-- Who is still acting excepts those effects, so that their true outcome is not fenced out.
CREATE FUNCTION gate.claim_doubt(p_queue text, p_lease_s double precision, p_except uuid[])
RETURNS TABLE (action_id uuid, fence bigint, verb text, entry text, target text, args jsonb,
    ticket_ref text, card text, run_id uuid, principal text, tree_hash text, entry_seq bigint,
    attempts int, timeout_s int, parameters jsonb, document jsonb, holder text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v_id uuid;
BEGIN
    IF p_queue NOT IN ('executor.light', 'executor.plays') THEN RETURN; END IF;
    UPDATE public.audit_work w
       SET fence = w.fence + 1,
           not_before = clock_timestamp() + make_interval(secs => p_lease_s)
     WHERE w.id = ANY (ARRAY(
            SELECT c.id FROM public.audit_work c
             WHERE c.queue = p_queue AND c.state = 'in_doubt'
               AND c.not_before <= clock_timestamp() AND c.id <> ALL (p_except)
             ORDER BY c.not_before LIMIT 1 FOR UPDATE SKIP LOCKED))
    RETURNING w.id INTO v_id;
    IF v_id IS NOT NULL THEN RETURN QUERY SELECT * FROM gate.effect_facts(v_id); END IF;
END $$;

-- What the probe of the world found. Absent goes back to ready: the world was asked and has it not.
CREATE FUNCTION gate.resolve_doubt(p_action uuid, p_fence bigint, p_finding text, p_result jsonb)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_work public.audit_work%ROWTYPE; v_ticket text; v_run uuid;
BEGIN
    v_work := gate.lock_effect(p_action);
    IF v_work.id IS NULL OR v_work.state <> 'in_doubt' OR v_work.fence IS DISTINCT FROM p_fence THEN
        RETURN 'late';
    END IF;
    IF p_finding IN ('done', 'failed') THEN
        UPDATE public.audit_work SET state = p_finding, settled_at = clock_timestamp()
         WHERE id = p_action;
        PERFORM gate.close_action(p_action, p_finding, p_result, 'action.outcome');
    ELSIF p_finding = 'absent' AND v_work.attempts < v_work.max_attempts
            AND v_work.expires_at > clock_timestamp() AND gate.still_permitted(p_action) THEN
        UPDATE public.audit_work SET state = 'ready', published_at = NULL,
               not_before = clock_timestamp() WHERE id = p_action;
        PERFORM pg_notify('ethops_ready', v_work.queue);
    ELSIF p_finding = 'absent' THEN
        UPDATE public.audit_work SET state = 'failed', settled_at = clock_timestamp()
         WHERE id = p_action;
        PERFORM gate.close_action(p_action, 'failed', p_result, 'action.outcome');
        PERFORM gate.conclude_elsewhere(p_action, 'failed', 'it never began');
    ELSIF p_finding = 'unknown' THEN
        UPDATE public.personas_action SET result = p_result || '{"finding": "unknown"}'
         WHERE id = p_action RETURNING ticket_ref, run_id INTO v_ticket, v_run;
        PERFORM audit.put_work('dispatch', 'control', 'ready', v_ticket,
            jsonb_build_object('ticket', v_ticket, 'why', 'in doubt', 'action', p_action),
            'doubt:' || p_action, 2, clock_timestamp(), 3);
        IF v_run IS NOT NULL THEN PERFORM gate.advance(v_run); END IF;
    ELSE
        RAISE EXCEPTION 'a probe finds done, failed, absent or unknown, not %', p_finding
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN p_finding;
END $$;
