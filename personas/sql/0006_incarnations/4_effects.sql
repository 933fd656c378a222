-- Effects, as before, and: who acts gets what was signed; nothing risky is handed out while the
-- ledger does not verify; an outcome names its intent, and what was said lies beside the ledger.

DROP FUNCTION gate.claim_effect(text, text, double precision);
DROP FUNCTION gate.claim_doubt(text, double precision, uuid[]);
DROP FUNCTION gate.effect_facts(uuid);
CREATE FUNCTION gate.effect_facts(p_work uuid)
RETURNS TABLE (action_id uuid, fence bigint, verb text, entry text, target text, args jsonb,
    ticket_ref text, card text, run_id uuid, principal text, tree_hash text, entry_seq bigint,
    attempts int, timeout_s int, parameters jsonb, document jsonb, holder text,
    signed jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, w.fence, a.verb, a.entry, a.target, a.args, a.ticket_ref,
           coalesce(r.card_id, ''), a.run_id, a.principal, a.tree_hash, w.entry_seq, w.attempts,
           coalesce(c.timeout_s, 30), coalesce(c.parameters, '{}'), coalesce(c.document, '{}'),
           w.holder,
           CASE WHEN a.run_id IS NOT NULL THEN jsonb_build_object('step', a.step_number,
               'key', a.key, 'instance', i.id, 'public_key', encode(i.public_key, 'hex'),
               'statement', a.statement, 'signature', a.signature,
               'salt', encode(a.salt, 'hex')) END
      FROM public.personas_action a
      JOIN public.audit_work w ON w.id = a.work_id
      LEFT JOIN public.personas_run r ON r.id = a.run_id
      LEFT JOIN public.personas_incarnation i ON i.id = a.incarnation_id
      LEFT JOIN public.personas_catalogueentry c ON c.name = a.entry
     WHERE a.id = p_work
$$;

-- As before, and: while the ledger does not verify, until a named person has acknowledged it.
CREATE OR REPLACE FUNCTION gate.held_back(p_action uuid, p_entry_seq bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN NOT gate.is_risky(p_action) THEN NULL
        WHEN NOT audit.trusted() THEN 'waits until a person acknowledges what is wrong with the ledger'
        WHEN p_entry_seq > audit.witnessed_size() THEN 'waits for a witness'
    END
$$;

CREATE FUNCTION gate.claim_effect(p_queue text, p_holder text, p_lease_s double precision)
RETURNS TABLE (action_id uuid, fence bigint, verb text, entry text, target text, args jsonb,
    ticket_ref text, card text, run_id uuid, principal text, tree_hash text, entry_seq bigint,
    attempts int, timeout_s int, parameters jsonb, document jsonb, holder text,
    signed jsonb)
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

CREATE OR REPLACE FUNCTION gate.close_action(p_action uuid, p_outcome text, p_result jsonb, p_kind text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_action public.personas_action%ROWTYPE; v_work public.audit_work%ROWTYPE;
    v_said text := left(coalesce(p_result ->> 'said', ''), 500);
    v_digest text := '';
BEGIN
    IF v_said <> '' THEN v_digest := audit.keep_value(v_said, p_action::text); END IF;
    UPDATE public.personas_action
       SET outcome = p_outcome, result = coalesce(p_result, '{}'), said_digest = v_digest,
           settled_at = clock_timestamp()
     WHERE id = p_action AND outcome = '' RETURNING * INTO v_action;
    IF NOT FOUND THEN RETURN; END IF;
    SELECT * INTO v_work FROM public.audit_work WHERE id = p_action;
    PERFORM audit.put_pending(p_kind, p_action::text, v_action.ticket_ref, jsonb_build_object(
        'verb', v_action.verb, 'entry', v_action.entry, 'target', v_action.target,
        'principal', v_action.principal, 'run', v_action.run_id, 'step', v_action.step_number,
        'card', coalesce((SELECT card_id FROM public.personas_run WHERE id = v_action.run_id), ''),
        'instance', v_action.incarnation_id, 'risk', v_action.risk, 'outcome', p_outcome,
        'intent_seq', v_work.entry_seq, 'attempts', v_work.attempts, 'executor', v_work.holder,
        'latency_us', round(1e6 * extract(epoch FROM clock_timestamp() - v_work.claimed_at)),
        'change', coalesce(p_result ->> 'change', ''),
        'result_sha256', gate.sha256_hex(coalesce(p_result, '{}')::text))
        || CASE WHEN v_digest = '' THEN '{}'
                ELSE jsonb_build_object('values', jsonb_build_object('said', v_digest)) END);
    IF v_action.run_id IS NOT NULL THEN PERFORM gate.advance(v_action.run_id); END IF;
    IF v_action.verb = 'notify' AND p_outcome <> 'done' THEN
        PERFORM audit.put_work('dispatch', 'control', 'ready', v_action.ticket_ref,
            jsonb_build_object('ticket', v_action.ticket_ref, 'why', 'nobody told',
                               'action', p_action),
            'untold:' || p_action, 2, clock_timestamp() + interval '30 s', 3);
    END IF;
END $$;

CREATE FUNCTION gate.claim_doubt(p_queue text, p_lease_s double precision, p_except uuid[])
RETURNS TABLE (action_id uuid, fence bigint, verb text, entry text, target text, args jsonb,
    ticket_ref text, card text, run_id uuid, principal text, tree_hash text, entry_seq bigint,
    attempts int, timeout_s int, parameters jsonb, document jsonb, holder text,
    signed jsonb)
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

-- Intents that nobody settled before their deadline: a person must look, and it is on record.
CREATE FUNCTION gate.overdue()
RETURNS TABLE (id uuid, ticket_ref text, sentence text, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, a.ticket_ref::text, btrim(a.verb || ' ' || a.entry) || ' on ' || a.target,
           w.state::text
      FROM public.personas_action a JOIN public.audit_work w ON w.id = a.work_id
     WHERE a.verdict = 'authorised' AND a.outcome = '' AND a.abandoned_at IS NULL
       AND a.deadline < clock_timestamp() AND NOT (w.state = 'leased'
           AND w.lease_until > clock_timestamp())
     ORDER BY a.deadline LIMIT 50
$$;

-- Says, in the caller's transaction, that a person was given this; its outcome may still come.
CREATE FUNCTION gate.abandon(p_action uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.personas_action%ROWTYPE; v_work public.audit_work%ROWTYPE;
BEGIN
    UPDATE public.personas_action SET abandoned_at = clock_timestamp()
     WHERE id = p_action AND verdict = 'authorised' AND outcome = '' AND abandoned_at IS NULL
       AND deadline < clock_timestamp() RETURNING * INTO v;
    IF NOT FOUND THEN RETURN false; END IF;
    SELECT * INTO v_work FROM public.audit_work WHERE id = p_action;
    PERFORM audit.put_pending('action.abandoned', p_action::text, v.ticket_ref, jsonb_build_object(
        'verb', v.verb, 'entry', v.entry, 'target', v.target, 'principal', v.principal,
        'run', v.run_id, 'instance', v.incarnation_id, 'intent_seq', v_work.entry_seq,
        'deadline', audit.moment(v.deadline), 'state', v_work.state, 'executor', v_work.holder));
    RETURN true;
END $$;
