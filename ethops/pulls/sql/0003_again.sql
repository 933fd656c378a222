-- A merge that was cut off can be ordered again, and the desk's role closes nothing unseen.
-- Frozen: a later change is a new file and migration.

-- As before, and: a merge that was begun and cut off for good is ended by whoever orders it again.
-- While it is `merging` nobody's word changes, so that it stands as it was approved.
CREATE OR REPLACE FUNCTION gate.order_merge(p_person text, p_number bigint, p_head text)
RETURNS TABLE (code text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v public.forge_pullrequest%ROWTYPE; v_ruling gate.ruling; v_standing record;
    v_id uuid := gen_random_uuid(); v_args text; v_given jsonb;
    v_deadline timestamptz := clock_timestamp() + interval '10 minutes';
BEGIN
    SELECT * INTO v FROM public.forge_pullrequest WHERE number = p_number FOR UPDATE;
    v_ruling := gate.not_reviewer(v, p_person, p_head);
    IF v_ruling.code = 'forge.not_open' AND v.state = 'merging' THEN
        v_ruling := CASE WHEN gate.stopped() THEN ('approvals.stopped',
            'ethops is stopped; resume first')::gate.ruling END;
    ELSIF v_ruling.code IS NULL THEN
        SELECT * INTO v_standing FROM forge.standing(p_number);
        v_ruling := CASE
            WHEN cardinality(v_standing.objectors) > 0 THEN ('forge.objected', format(
                '%s asked for changes', array_to_string(v_standing.objectors, ', ')))::gate.ruling
            WHEN cardinality(v_standing.approvers) = 0
                THEN ('forge.not_approved', 'nobody has approved this head')::gate.ruling END;
    END IF;
    IF v_ruling.code IS NOT NULL THEN
        PERFORM gate.refuse_reviewer(v, p_number, p_person, '', v_ruling);
        RETURN QUERY SELECT v_ruling.code, v_ruling.reason;
        RETURN;
    END IF;
    -- Ordered already, and not over: the row is held, so nobody orders it in this instant.
    IF EXISTS (SELECT 1 FROM public.personas_action a
                WHERE a.run_id IS NULL AND a.verb = 'pull.merge' AND a.outcome = ''
                  AND a.key LIKE format('merge:%s:%%', p_number)) THEN
        RETURN QUERY SELECT 'ok', 'ordered before';
        RETURN;
    END IF;
    v_given := jsonb_build_object('number', p_number::text, 'head', p_head);
    INSERT INTO public.audit_work (id, kind, queue, state, subject, priority, expires_at)
    VALUES (v_id, 'effect', gate.queue_of('pull.merge'), 'waiting', '', 2, v_deadline);
    v_args := audit.keep_value(v_given::text, v_id::text);
    v_deadline := v_deadline + gate.time_to_act('pull.merge', '');
    INSERT INTO public.personas_action (id, key, principal, ticket_ref, verb, target, args, level,
        verdict, work_id, deadline, args_digest)
    VALUES (v_id, left(format('merge:%s:%s', p_number, v_id), 60), left('person:' || p_person, 120),
            v.ticket_ref, 'pull.merge', '', v_given, 'act', 'authorised', v_id, v_deadline, v_args);
    PERFORM audit.put_pending('action.authorised', v_id::text, v.ticket_ref, jsonb_build_object(
        'principal', left('person:' || p_person, 120), 'verb', 'pull.merge', 'target', '',
        'cis', '[]'::jsonb, 'risk', '', 'level', 'act', 'deadline', audit.moment(v_deadline),
        'values', jsonb_build_object('args', v_args)), v_id);
    RETURN QUERY SELECT 'ok', 'ordered';
END $$;

-- Merges are looked up by their key alone.
CREATE INDEX personas_action_merge ON public.personas_action (key text_pattern_ops)
    WHERE verb = 'pull.merge';
-- It asks for no permission and writes no entry.
REVOKE EXECUTE ON FUNCTION forge.close_pull(bigint, text, text) FROM ethops_app;
