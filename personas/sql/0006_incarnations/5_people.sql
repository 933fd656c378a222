-- Rules and people, as before, and: what a notice says lies beside the ledger.

CREATE OR REPLACE FUNCTION gate.order_notice(p_rule text, p_key text, p_ticket text, p_args jsonb)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_id uuid := gen_random_uuid(); v_bad text; v_args text;
    v_deadline timestamptz := clock_timestamp() + interval '1 hour';
BEGIN
    v_bad := gate.bad_args(gate.verb_parameters('notify'), p_args);
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION 'notice: %', v_bad USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM public.personas_action
                WHERE run_id IS NULL AND principal = 'rule:' || p_rule AND key = p_key) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.audit_work (id, kind, queue, state, subject, priority, expires_at)
    VALUES (v_id, 'effect', 'executor.light', 'waiting', left(p_ticket, 200), 2,
            v_deadline);
    v_args := audit.keep_value(p_args::text, v_id::text);
    v_deadline := v_deadline + gate.time_to_act('notify', '');
    INSERT INTO public.personas_action (id, key, principal, ticket_ref, verb, target, args, level,
        verdict, work_id, deadline, args_digest)
    VALUES (v_id, p_key, 'rule:' || p_rule, p_ticket, 'notify',
            left(p_args ->> 'target', 200), p_args,
            'act', 'authorised', v_id, v_deadline, v_args);
    PERFORM audit.put_pending('action.authorised', v_id::text, p_ticket, jsonb_build_object(
        'principal', 'rule:' || p_rule, 'verb', 'notify', 'target', p_args ->> 'target',
        'risk', '', 'level', 'act', 'deadline', audit.moment(v_deadline),
        'values', jsonb_build_object('args', v_args)), v_id);
    RETURN v_id;
EXCEPTION WHEN unique_violation THEN
    RETURN NULL;  -- another dispatcher ordered it in this instant
END $$;

-- Takes a value away from beside the ledger, and from the row of the action it belongs to.
CREATE FUNCTION gate.redact(p_digest text, p_by text, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- An open action still needs its arguments.
    IF EXISTS (SELECT 1 FROM public.personas_action WHERE args_digest = p_digest
                AND verdict = 'authorised' AND outcome = '') THEN
        RAISE EXCEPTION 'the action of this value is still open' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT audit.redact(p_digest, p_by, p_why) THEN RETURN false; END IF;
    UPDATE public.personas_action SET args = '{}', salt = NULL WHERE args_digest = p_digest;
    UPDATE public.personas_action SET result = '{"said": "redacted"}'
     WHERE said_digest = p_digest;
    RETURN true;
END $$;
