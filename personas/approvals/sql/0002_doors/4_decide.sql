-- A person decides. Every rule about who may, and with what, stands here: pages, admin, API and
-- whoever else holds the login of the desk go through these doors.

-- A human of this desk with the permission; no card is one, whatever it is called.
CREATE FUNCTION gate.may_approve(p_person text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT 1 FROM public.personas_card WHERE name = p_person) AND EXISTS (
        SELECT 1 FROM public.auth_user u WHERE u.username = p_person AND u.is_active AND u.is_staff
           AND (u.is_superuser OR EXISTS (
                SELECT 1 FROM public.auth_permission p
                  JOIN public.django_content_type t ON t.id = p.content_type_id
                 WHERE t.app_label = 'approvals' AND p.codename = 'approve'
                   AND (EXISTS (SELECT 1 FROM public.auth_user_user_permissions up
                                 WHERE up.user_id = u.id AND up.permission_id = p.id)
                     OR EXISTS (SELECT 1 FROM public.auth_user_groups ug
                                  JOIN public.auth_group_permissions gp ON gp.group_id = ug.group_id
                                 WHERE ug.user_id = u.id AND gp.permission_id = p.id)))))
$$;

CREATE FUNCTION gate.is_of_desk(p_person text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.auth_user
                    WHERE username = p_person AND is_active AND is_staff)
       AND NOT EXISTS (SELECT 1 FROM public.personas_card WHERE name = p_person)
$$;

-- What must hold whoever approves: it waits, nothing has changed, nothing is stopped.
CREATE FUNCTION gate.not_approvable(p public.approvals_approval) RETURNS gate.ruling
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_loose text;
BEGIN
    IF p.state <> 'waiting' OR p.kind <> 'propose' OR p.expires_at < clock_timestamp() THEN
        RETURN ('approvals.over', format('it no longer waits: %s', CASE WHEN p.state <> 'waiting'
            THEN p.state WHEN p.kind <> 'propose' THEN 'it can only be objected to'
            ELSE 'expired' END))::gate.ruling;
    END IF;
    IF gate.stopped() THEN
        RETURN ('approvals.stopped', 'ethops is stopped; resume first')::gate.ruling;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM public.personas_run WHERE id = p.run_id
                    AND state NOT IN ('succeeded', 'failed', 'cancelled', 'timed_out',
                                      'isolated')) THEN
        RETURN ('approvals.over', 'the run that asked is over')::gate.ruling;
    END IF;
    v_loose := gate.loose_pins(p.action_id);
    IF v_loose IS NOT NULL THEN
        RETURN ('approvals.changed', format('changed since it was proposed: %s', v_loose))
            ::gate.ruling;
    END IF;
    RETURN gate.judged_again(p.action_id);
END $$;

-- What must hold of who approves. Persons behind the proposal do not decide about it, unless one
-- person is declared to operate this house alone: then later, with the diff, and never unmarked.
CREATE FUNCTION gate.not_approver(p public.approvals_approval, p_person text, p_shown text,
    p_diff text)
RETURNS gate.ruling
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.approvals_profile%ROWTYPE; v_behind text[];
BEGIN
    IF NOT gate.may_approve(p_person) THEN
        RETURN ('approvals.forbidden', format('%s may not approve', p_person))::gate.ruling;
    END IF;
    IF p_shown IS DISTINCT FROM p.shown_sha256 THEN
        RETURN ('approvals.not_shown', 'what you were shown is not what waits: look again')
            ::gate.ruling;
    END IF;
    SELECT * INTO STRICT v FROM public.approvals_profile WHERE id = 1;
    v_behind := p.asked_by || gate.behind(p.run_id, p.tree_hash);
    IF NOT v.single THEN
        IF p_person = ANY (v_behind) THEN
            RETURN ('approvals.not_independent',
                format('%s has asked for it or written what it runs: somebody else approves',
                       p_person))::gate.ruling;
        END IF;
        RETURN NULL;
    END IF;
    IF p.proposed_at + make_interval(secs => v.delay_s) > clock_timestamp() THEN
        RETURN ('approvals.too_early', format('one who operates alone approves %s s after it was '
            'proposed', v.delay_s))::gate.ruling;
    END IF;
    IF p.tree_hash <> '' AND (coalesce(p.facts ->> 'diff_sha256', '') = ''
            OR p_diff IS DISTINCT FROM p.facts ->> 'diff_sha256') THEN
        RETURN ('approvals.not_shown', 'the files and their diff were not shown')::gate.ruling;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION gate.refuse_person(p public.approvals_approval, p_person text,
    p_ruling gate.ruling)
RETURNS gate.ruling
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM audit.put_pending('person.refused', p.action_id::text, p.ticket_ref,
        jsonb_build_object('person', left(p_person, 150), 'entry', p.entry, 'target', p.target,
            'shown_sha256', p.shown_sha256, 'code', p_ruling.code,
            'reason', left(p_ruling.reason, 500)));
    RETURN p_ruling;
END $$;

-- What a code was worth, as a ruling; NULL where it was right.
CREATE FUNCTION gate.code_ruling(p_said text) RETURNS gate.ruling
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_said WHEN 'ok' THEN NULL
        WHEN 'none' THEN ('approvals.no_factor',
            'you have no second factor: manage.py factor enrol NAME')::gate.ruling
        WHEN 'locked' THEN ('approvals.locked',
            'too many wrong codes: wait, then use a new one')::gate.ruling
        WHEN 'used' THEN ('approvals.wrong_code',
            'that code was used before: wait for the next')::gate.ruling
        ELSE ('approvals.wrong_code', 'the code is not right')::gate.ruling END
$$;

-- Approves, or says why not. Nothing is raised, so that a wrong code stays counted.
CREATE FUNCTION gate.approve(p_action uuid, p_person text, p_shown text, p_diff text,
    p_code text, p_why text)
RETURNS TABLE (code text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v public.approvals_approval%ROWTYPE; v_ruling gate.ruling; v_single boolean; v_taken record;
    v_needs boolean; v_step bigint;
BEGIN
    SELECT p.single INTO STRICT v_single FROM public.approvals_profile p WHERE p.id = 1;
    -- The run before its approval, as everywhere.
    PERFORM 1 FROM public.personas_run
      WHERE id = (SELECT run_id FROM public.approvals_approval WHERE action_id = p_action)
        FOR UPDATE;
    SELECT * INTO v FROM public.approvals_approval WHERE action_id = p_action FOR UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'approvals.not_found', 'no such proposal';
        RETURN;
    END IF;
    v_ruling := gate.not_approver(v, p_person, p_shown, p_diff);
    IF v_ruling.code IS NULL THEN v_ruling := gate.not_approvable(v); END IF;
    v_needs := v.change_class <> 'standard' OR v_single;
    IF v_ruling.code IS NULL AND (v_needs OR coalesce(p_code, '') <> '') THEN
        SELECT * INTO v_taken FROM gate.take_confirmed_code(p_person, p_code);
        v_ruling := gate.code_ruling(v_taken.said);
        v_step := v_taken.step;
    END IF;
    IF v_ruling.code IS NOT NULL THEN
        v_ruling := gate.refuse_person(v, p_person, v_ruling);
        RETURN QUERY SELECT v_ruling.code, v_ruling.reason;
        RETURN;
    END IF;
    UPDATE public.approvals_approval
       SET state = 'approved', approver = 'person:' || p_person, why = left(p_why, 2000),
           factor = CASE WHEN v_step IS NULL THEN '' ELSE 'totp' END, factor_step = v_step,
           independent = NOT v_single, decided_at = clock_timestamp()
     WHERE action_id = p_action RETURNING * INTO v;
    PERFORM gate.permit_approved(v);
    PERFORM gate.tell_of_approval(v, format('%s approved it%s%s', p_person,
        CASE v.factor WHEN '' THEN '' ELSE ' with a second factor' END,
        CASE WHEN v.independent THEN '' ELSE ', not independent: one person operates here' END));
    RETURN QUERY SELECT 'ok', 'approved';
END $$;

CREATE FUNCTION gate.take_confirmed_code(p_person text, p_code text, OUT said text, OUT step bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.approvals_factor
                    WHERE person = p_person AND confirmed_at IS NOT NULL) THEN
        said := 'none'; RETURN;
    END IF;
    SELECT t.said, t.step INTO said, step FROM gate.take_code(p_person, p_code) t;
END $$;

-- What every entry about a decision says of it.
CREATE FUNCTION gate.decided_body(p public.approvals_approval) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('run', p.run_id, 'entry', p.entry, 'target', p.target,
        'change_class', p.change_class, 'shown_sha256', p.shown_sha256, 'pins', p.pins,
        'approver', p.approver, 'factor', p.factor, 'independent', p.independent,
        'why', left(p.why, 500))
$$;

-- The proposal becomes a permit like every other: recorded before it can be claimed.
CREATE FUNCTION gate.permit_approved(p public.approvals_approval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v public.personas_action%ROWTYPE; v_run public.personas_run%ROWTYPE;
    v_expires timestamptz := clock_timestamp() + interval '10 minutes'; v_deadline timestamptz;
BEGIN
    SELECT * INTO STRICT v FROM public.personas_action WHERE id = p.action_id;
    SELECT * INTO STRICT v_run FROM public.personas_run WHERE id = v.run_id;
    v_deadline := v_expires + gate.time_to_act(v.verb, v.entry);
    INSERT INTO public.audit_work (id, kind, queue, state, subject, priority, expires_at)
    VALUES (v.id, 'effect', gate.queue_of(v.verb), 'waiting', left(v.target, 200), 3, v_expires);
    UPDATE public.personas_action
       SET verdict = 'authorised', work_id = v.id, deadline = v_deadline WHERE id = v.id;
    PERFORM audit.put_pending('person.approved', v.id::text, v.ticket_ref, gate.decided_body(p));
    PERFORM audit.put_pending('action.authorised', v.id::text, v.ticket_ref,
        gate.asked_body(v_run, v.step_number, v.key, v.verb, v.entry, v.target)
        || jsonb_build_object('level', v.level, 'guard', '', 'reason', '',
            'tree_hash', v.tree_hash, 'risk', v.risk, 'approval', p.approver,
            'shown_sha256', p.shown_sha256, 'factor', p.factor, 'independent', p.independent,
            'instance', v.incarnation_id, 'asked_digest', v.asked_digest,
            'deadline', audit.moment(v_deadline),
            'values', jsonb_build_object('args', v.args_digest)), v.id);
END $$;

CREATE FUNCTION gate.queue_of(p_verb text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_verb LIKE 'ticket.%' OR p_verb = 'notify' THEN 'executor.light'
                ELSE 'executor.plays' END
$$;

-- Rejects what waits, or objects to what is about to happen. Refusing needs no independence and no
-- second factor: nobody is kept from it.
CREATE FUNCTION gate.reject(p_action uuid, p_person text, p_why text)
RETURNS TABLE (code text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v public.approvals_approval%ROWTYPE; v_work public.audit_work%ROWTYPE; v_state text;
BEGIN
    PERFORM 1 FROM public.personas_run
      WHERE id = (SELECT run_id FROM public.approvals_approval WHERE action_id = p_action)
        FOR UPDATE;
    SELECT * INTO v_work FROM public.audit_work WHERE id = p_action AND kind = 'effect' FOR UPDATE;
    SELECT * INTO v FROM public.approvals_approval WHERE action_id = p_action FOR UPDATE;
    IF v.action_id IS NULL THEN
        RETURN QUERY SELECT 'approvals.not_found', 'no such proposal';
        RETURN;
    END IF;
    IF NOT gate.is_of_desk(p_person) THEN
        RETURN QUERY SELECT 'approvals.forbidden', format('%s is nobody of this desk', p_person);
        RETURN;
    END IF;
    IF v.state <> 'waiting' OR v_work.state NOT IN ('waiting', 'ready') THEN
        RETURN QUERY SELECT 'approvals.over', format('it no longer waits: %s', v.state);
        RETURN;
    END IF;
    v_state := CASE v.kind WHEN 'veto' THEN 'vetoed' ELSE 'rejected' END;
    UPDATE public.approvals_approval
       SET state = v_state, approver = 'person:' || p_person, why = left(p_why, 2000),
           decided_at = clock_timestamp()
     WHERE action_id = p_action RETURNING * INTO v;
    PERFORM audit.put_pending(CASE v.kind WHEN 'veto' THEN 'person.vetoed'
        ELSE 'person.rejected' END, p_action::text, v.ticket_ref, gate.decided_body(v));
    PERFORM gate.close_proposal(v, format('%s %s it%s', p_person, v_state,
        CASE WHEN coalesce(btrim(p_why), '') = '' THEN '' ELSE ': ' || left(p_why, 500) END));
    RETURN QUERY SELECT 'ok', v_state;
END $$;

-- The action of a proposal that came to nothing: its run goes on with why, and its ticket is told.
CREATE FUNCTION gate.close_proposal(p public.approvals_approval, p_said text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_result jsonb := jsonb_build_object('said', p_said, 'approval', p.state);
    v_outcome text := CASE p.state WHEN 'expired' THEN 'expired' ELSE 'void' END;
BEGIN
    IF EXISTS (SELECT 1 FROM public.personas_action
                WHERE id = p.action_id AND verdict = 'authorised') THEN
        UPDATE public.audit_work SET state = 'cancelled', settled_at = clock_timestamp()
         WHERE id = p.action_id AND state IN ('waiting', 'ready');
        IF FOUND THEN
            PERFORM gate.close_action(p.action_id, v_outcome, v_result, 'action.' || v_outcome);
        END IF;
    ELSE
        UPDATE public.personas_action
           SET outcome = v_outcome, result = v_result, settled_at = clock_timestamp()
         WHERE id = p.action_id AND outcome = '';
        PERFORM gate.advance(p.run_id);
    END IF;
    PERFORM gate.tell_of_approval(p, p_said);
END $$;

CREATE FUNCTION gate.tell_of_approval(p public.approvals_approval, p_said text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT audit.put_work('dispatch', 'control', 'ready', p.ticket_ref, jsonb_build_object(
               'ticket', p.ticket_ref, 'why', 'approval', 'action', p.action_id,
               'state', p.state, 'said', left(p_said, 1000)),
           'approval:' || p.action_id || ':' || p.state, 2, clock_timestamp(), 3)
$$;
