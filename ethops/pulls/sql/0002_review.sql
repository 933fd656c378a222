-- People review pull requests, and have them merged: each word and each merge is on record, an
-- approval is of what was shown and asks for a code. Frozen: a later change is a new file and
-- migration.

-- As before, and: no card is a person, whatever a login is called.
CREATE OR REPLACE FUNCTION forge.may_review(p_person text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT 1 FROM public.personas_card WHERE lower(name) = lower(p_person))
       AND EXISTS (
        SELECT 1 FROM public.auth_user u
         WHERE u.username = p_person AND u.is_active AND u.is_staff
           AND (u.is_superuser OR EXISTS (
                SELECT 1 FROM public.auth_permission p
                  JOIN public.django_content_type t ON t.id = p.content_type_id
                 WHERE t.app_label = 'forge' AND p.codename = 'approve_pull'
                   AND (EXISTS (SELECT 1 FROM public.auth_user_user_permissions up
                                 WHERE up.user_id = u.id AND up.permission_id = p.id)
                     OR EXISTS (SELECT 1 FROM public.auth_user_groups ug
                                  JOIN public.auth_group_permissions gp ON gp.group_id = ug.group_id
                                 WHERE ug.user_id = u.id AND gp.permission_id = p.id)))))
$$;

-- What a pull request changes, as the executor saw it when it opened this head; NULL where it is
-- not kept, or too long to be shown whole.
CREATE FUNCTION gate.shown_of_pull(p_key uuid, p_head text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT nullif(a.result ->> 'diff', '') FROM public.personas_action a
     WHERE a.id = p_key AND a.verb = 'pull.open' AND a.outcome = 'done'
       AND a.result ->> 'head' = p_head
$$;

-- Why this person may not say this of this head; NULL where he may.
CREATE FUNCTION gate.not_reviewer(p public.forge_pullrequest, p_person text, p_head text)
RETURNS gate.ruling LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE
        WHEN p.number IS NULL THEN ('forge.not_found', 'there is no such pull request')::gate.ruling
        WHEN NOT forge.may_review(p_person) THEN ('forge.not_a_person',
            'only a person of the desk who may approve pull requests does that')::gate.ruling
        WHEN forge.is_behind(p, p_person) THEN ('forge.own_pull',
            'whoever is behind it neither approves nor merges it')::gate.ruling
        WHEN p.head <> p_head THEN ('forge.head_moved',
            'it has another head than the one that was shown')::gate.ruling
        WHEN p.state <> 'open' THEN ('forge.not_open', format('it is %s', p.state))::gate.ruling
        WHEN gate.stopped() THEN ('approvals.stopped',
            'ethops is stopped; resume first')::gate.ruling
    END;
END $$;

-- What was refused is on record, too.
CREATE FUNCTION gate.refuse_reviewer(p public.forge_pullrequest, p_number bigint, p_person text,
    p_shown text, p_ruling gate.ruling)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM audit.put_pending('person.refused', coalesce(p.key::text, 'pull ' || p_number),
        coalesce(p.ticket_ref, ''), jsonb_build_object('person', left(p_person, 150),
            'entry', '', 'target', '', 'shown_sha256', left(coalesce(p_shown, ''), 64),
            'code', p_ruling.code, 'reason', left(p_ruling.reason, 500)));
END $$;

-- Nothing is raised, so that a wrong code stays counted.
CREATE FUNCTION gate.review_pull(p_person text, p_number bigint, p_head text, p_shown text,
    p_verdict text, p_code text, p_why text)
RETURNS TABLE (code text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v public.forge_pullrequest%ROWTYPE; v_ruling gate.ruling; v_diff text; v_said text;
    v_factor text := '';
BEGIN
    SELECT * INTO v FROM public.forge_pullrequest WHERE number = p_number FOR UPDATE;
    v_ruling := gate.not_reviewer(v, p_person, p_head);
    IF v_ruling.code IS NULL AND p_verdict = 'approved' THEN
        v_diff := gate.shown_of_pull(v.key, v.head);
        IF v_diff IS NULL THEN
            v_ruling := ('approvals.not_shown', 'what it changes is not kept here whole')::gate.ruling;
        ELSIF gate.sha256_hex(v_diff) IS DISTINCT FROM p_shown THEN
            v_ruling := ('approvals.not_shown', 'that is not what was shown')::gate.ruling;
        ELSE
            SELECT t.said INTO v_said FROM gate.take_confirmed_code(p_person, p_code) t;
            v_ruling := gate.code_ruling(v_said);
            v_factor := 'totp';
        END IF;
    END IF;
    IF v_ruling.code IS NULL THEN
        v_said := forge.review_pull(p_number, p_head, p_person, p_verdict, left(p_why, 2000));
        IF v_said <> '' THEN v_ruling := (v_said, 'the forge refuses it')::gate.ruling; END IF;
    END IF;
    IF v_ruling.code IS NOT NULL THEN
        PERFORM gate.refuse_reviewer(v, p_number, p_person, p_shown, v_ruling);
        RETURN QUERY SELECT v_ruling.code, v_ruling.reason;
        RETURN;
    END IF;
    PERFORM audit.put_pending('person.reviewed', v.key::text, v.ticket_ref, jsonb_build_object(
        'person', p_person, 'pull', v.number, 'head', v.head, 'verdict', p_verdict,
        'shown_sha256', CASE p_verdict WHEN 'approved' THEN p_shown ELSE '' END,
        'factor', v_factor, 'why', left(p_why, 500)));
    RETURN QUERY SELECT 'ok', p_verdict;
END $$;

-- Has a head merged that somebody has approved: the executor does it, once it is on record. One that
-- was begun and cut off for good is ended by whoever orders it again: while it is `merging` nobody's
-- word changes, so that it stands as it was approved.
CREATE FUNCTION gate.order_merge(p_person text, p_number bigint, p_head text)
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

REVOKE ALL ON FUNCTION gate.shown_of_pull(uuid, text),
    gate.not_reviewer(public.forge_pullrequest, text, text),
    gate.refuse_reviewer(public.forge_pullrequest, bigint, text, text, gate.ruling),
    gate.review_pull(text, bigint, text, text, text, text, text),
    gate.order_merge(text, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.shown_of_pull(uuid, text),
    gate.review_pull(text, bigint, text, text, text, text, text),
    gate.order_merge(text, bigint, text) TO ethops_app;
-- Only by the door that asks for a code and writes it down.
REVOKE EXECUTE ON FUNCTION forge.review_pull(bigint, text, text, text, text) FROM ethops_app;
-- Merges are looked up by their key alone.
CREATE INDEX personas_action_merge ON public.personas_action (key text_pattern_ops)
    WHERE verb = 'pull.merge';
-- It asks for no permission and writes no entry.
REVOKE EXECUTE ON FUNCTION forge.close_pull(bigint, text, text) FROM ethops_app;
