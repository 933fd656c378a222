-- The door by which the desk has a silence made, moved or ended: what a person decided when he
-- declared the window. Frozen: a later change is a new file and migration.

GRANT SELECT, INSERT ON public.muting_muting TO ethops_app;
GRANT UPDATE (until, may_until, agreed, action, asked_until, tries, next_at, said)
    ON public.muting_muting TO ethops_app;

-- As before, and: a silence touches no CI. An Alertmanager that is away says nothing of the fleet.
CREATE OR REPLACE FUNCTION gate.is_change(p_verb text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_verb NOT LIKE 'ticket.%' AND p_verb NOT IN ('notify', 'alerts.silence')
$$;

-- Once per key; NULL where that was ordered before. No agent has this verb: `gate.verb_parameters`
-- does not know it.
CREATE FUNCTION gate.order_silence(p_person text, p_key text, p_cis jsonb, p_args jsonb)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_id uuid := gen_random_uuid(); v_bad text; v_args text;
    v_principal text := left('person:' || coalesce(btrim(p_person), ''), 120);
    v_deadline timestamptz := clock_timestamp() + interval '10 minutes';
BEGIN
    v_bad := gate.bad_args('{"key": {"pattern": "[0-9a-f-]{36}", "required": true},
        "url": {"pattern": "https?://[!-~]+", "max": 500, "required": true},
        "matchers": {"max": 8000, "required": true},
        "begins": {"max": 40, "required": true}, "ends": {"max": 40, "required": true},
        "why": {"max": 300, "required": true}}'::jsonb, p_args);
    IF v_principal = 'person:' THEN v_bad := 'nobody is named'; END IF;
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION 'silence: %', v_bad USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM public.personas_action
                WHERE run_id IS NULL AND principal = v_principal AND key = p_key) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.audit_work (id, kind, queue, state, subject, priority, expires_at)
    VALUES (v_id, 'effect', 'executor.light', 'waiting', '', 2, v_deadline);
    v_args := audit.keep_value(p_args::text, v_id::text);
    v_deadline := v_deadline + gate.time_to_act('alerts.silence', '');
    INSERT INTO public.personas_action (id, key, principal, ticket_ref, verb, target, args, level,
        verdict, work_id, deadline, args_digest)
    VALUES (v_id, p_key, v_principal, '', 'alerts.silence', '', p_args,
            'act', 'authorised', v_id, v_deadline, v_args);
    PERFORM audit.put_pending('action.authorised', v_id::text, '', jsonb_build_object(
        'principal', v_principal, 'verb', 'alerts.silence', 'target', '', 'cis', p_cis,
        'risk', '', 'level', 'act', 'deadline', audit.moment(v_deadline),
        'values', jsonb_build_object('args', v_args)), v_id);
    RETURN v_id;
EXCEPTION WHEN unique_violation THEN
    RETURN NULL;  -- somebody else ordered it in this instant
END $$;

REVOKE ALL ON FUNCTION gate.order_silence(text, text, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.order_silence(text, text, jsonb, jsonb) TO ethops_app;
