-- As before, and: while the stop is pressed, notices wait by design and are not overdue.
CREATE OR REPLACE FUNCTION gate.overdue()
RETURNS TABLE (id uuid, ticket_ref text, sentence text, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, a.ticket_ref::text, btrim(a.verb || ' ' || a.entry) || ' on ' || a.target,
           w.state::text
      FROM public.personas_action a JOIN public.audit_work w ON w.id = a.work_id
     WHERE a.verdict = 'authorised' AND a.outcome = '' AND a.abandoned_at IS NULL
       AND a.deadline < clock_timestamp()
       AND NOT (w.state = 'leased' AND w.lease_until > clock_timestamp())
       AND NOT (a.verb = 'notify' AND w.state IN ('waiting', 'ready') AND gate.stopped())
     ORDER BY a.deadline LIMIT 50
$$;

-- What an entry about a permit says of it, so that it can be read by itself.
CREATE FUNCTION gate.permit_body(p_action uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT jsonb_build_object('verb', a.verb, 'entry', a.entry, 'target', a.target,
            'principal', a.principal, 'run', a.run_id, 'step', a.step_number,
            'card', coalesce(r.card_id, ''), 'instance', a.incarnation_id, 'risk', a.risk,
            'intent_seq', w.entry_seq, 'attempts', w.attempts, 'executor', w.holder)
          FROM public.personas_action a LEFT JOIN public.audit_work w ON w.id = a.work_id
          LEFT JOIN public.personas_run r ON r.id = a.run_id WHERE a.id = p_action), '{}')
$$;

CREATE OR REPLACE FUNCTION gate.reconcile()
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
                gate.permit_body(v.id) || jsonb_build_object('why', v.error));
        END IF;
        IF v.state IN ('ready', 'in_doubt') THEN PERFORM pg_notify('ethops_ready', ''); END IF;
        RETURN NEXT;
    END LOOP;
    PERFORM gate.void_permits();
    PERFORM gate.end_stuck_runs();
    RETURN;
END $$;

CREATE OR REPLACE FUNCTION gate.settle(p_action uuid, p_fence bigint, p_outcome text, p_result jsonb)
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
        PERFORM audit.put_pending('action.late', p_action::text,
            (SELECT ticket_ref FROM public.personas_action WHERE id = p_action),
            gate.permit_body(p_action)
            || jsonb_build_object('fence', p_fence, 'outcome', p_outcome));
        RETURN 'late';
    END IF;
    UPDATE public.audit_work SET state = p_outcome, lease_until = NULL,
           settled_at = clock_timestamp() WHERE id = p_action;
    PERFORM gate.close_action(p_action, p_outcome, p_result, 'action.outcome');
    RETURN 'settled';
END $$;

REVOKE ALL ON FUNCTION gate.permit_body(uuid) FROM PUBLIC;
