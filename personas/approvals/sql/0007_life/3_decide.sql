-- A person decides, as before, and: on what is so now.

-- As before, and: what he was shown in the end is written with his decision.
CREATE OR REPLACE FUNCTION gate.guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_moving text[] := ARRAY['state', 'implementer'];
    v_deciding text[] := ARRAY['approver', 'why', 'factor', 'factor_step', 'independent',
                               'decided_at', 'confirmed', 'confirmed_sha256'];
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'an approval stays: % refused', TG_OP
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (to_jsonb(OLD) - v_moving - v_deciding) <> (to_jsonb(NEW) - v_moving - v_deciding) THEN
        RAISE EXCEPTION 'what was proposed and shown does not change'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.state <> 'waiting' AND (to_jsonb(OLD) - v_moving) <> (to_jsonb(NEW) - v_moving) THEN
        RAISE EXCEPTION 'what was decided does not change'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.state <> OLD.state AND NOT gate.approval_moves(OLD.state, NEW.state) THEN
        RAISE EXCEPTION 'approval of %: no move from % to %', OLD.action_id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.implementer <> OLD.implementer AND OLD.implementer <> '' THEN
        RAISE EXCEPTION 'who carried it out does not change'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

-- As before, and: its CI is still ill, and was looked at lately.
CREATE OR REPLACE FUNCTION gate.not_approvable(p public.approvals_approval) RETURNS gate.ruling
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_loose text; v_unseen text;
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
    IF gate.healed(p) THEN
        RETURN ('approvals.healed', format('%s is well by itself by now', p.target))::gate.ruling;
    END IF;
    v_unseen := gate.unseen(p.target);
    IF v_unseen IS NOT NULL THEN
        RETURN ('approvals.unseen', format('nobody has looked at %s lately: %s', p.target,
                                           v_unseen))::gate.ruling;
    END IF;
    RETURN gate.judged_again(p.action_id);
END $$;

-- What counts is what he was shown of how it is now.
CREATE FUNCTION gate.not_shown(p public.approvals_approval, p_shown text, p_now text,
    p_changed text[])
RETURNS gate.ruling LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_shown = p_now THEN NULL
        WHEN p_shown = p.shown_sha256 THEN ('approvals.not_shown', format(
            'changed since it was proposed: %s; read it again', array_to_string(p_changed, ', ')))
            ::gate.ruling
        ELSE ('approvals.not_shown', 'what you were shown is not what is so now: read it again')
            ::gate.ruling END
$$;

-- As before, but for what he was shown, which is asked last.
CREATE OR REPLACE FUNCTION gate.not_approver(p public.approvals_approval, p_person text,
    p_shown text, p_diff text)
RETURNS gate.ruling
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.approvals_profile%ROWTYPE; v_behind text[];
BEGIN
    IF NOT gate.may_approve(p_person) THEN
        RETURN ('approvals.forbidden', format('%s may not approve', p_person))::gate.ruling;
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

-- As before, and: what he was shown in the end is kept with the decision, and its run goes on.
CREATE OR REPLACE FUNCTION gate.approve(p_action uuid, p_person text, p_shown text, p_diff text,
    p_code text, p_why text)
RETURNS TABLE (code text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v public.approvals_approval%ROWTYPE; v_ruling gate.ruling; v_single boolean; v_taken record;
    v_needs boolean; v_step bigint; v_now record;
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
    SELECT * INTO STRICT v_now FROM gate.shown_now(p_action);
    IF v_ruling.code IS NULL THEN
        v_ruling := gate.not_shown(v, coalesce(p_shown, ''), v_now.sha256, v_now.changed);
    END IF;
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
           independent = NOT v_single, decided_at = clock_timestamp(),
           confirmed = v_now.shown, confirmed_sha256 = v_now.sha256
     WHERE action_id = p_action RETURNING * INTO v;
    PERFORM gate.permit_approved(v);
    PERFORM gate.tell_of_approval(v, format('%s approved it%s%s', p_person,
        CASE v.factor WHEN '' THEN '' ELSE ' with a second factor' END,
        CASE WHEN v.independent THEN '' ELSE ', not independent: one person operates here' END));
    PERFORM gate.advance(v.run_id);
    PERFORM gate.admit();
    RETURN QUERY SELECT 'ok', 'approved';
END $$;

-- As before, and: its run goes on at once.
CREATE OR REPLACE FUNCTION gate.reject(p_action uuid, p_person text, p_why text)
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
    PERFORM gate.admit();
    RETURN QUERY SELECT 'ok', v_state;
END $$;

-- As before, and: the hash of what he was shown when he decided, which need not be that of the
-- proposal.
CREATE OR REPLACE FUNCTION gate.decided_body(p public.approvals_approval) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('run', p.run_id, 'entry', p.entry, 'target', p.target,
        'change_class', p.change_class, 'shown_sha256', p.shown_sha256, 'pins', p.pins,
        'approver', p.approver, 'factor', p.factor, 'independent', p.independent,
        'why', left(p.why, 500))
        || CASE p.confirmed_sha256 WHEN '' THEN '{}'
                ELSE jsonb_build_object('confirmed_sha256', p.confirmed_sha256) END
$$;

-- As before, and: it healed by itself.
CREATE OR REPLACE FUNCTION gate.approval_over(p public.approvals_approval) RETURNS gate.ruling
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_loose text; v_outcome text; v_run text; v_said text;
BEGIN
    SELECT a.outcome, a.result ->> 'said', r.state INTO v_outcome, v_said, v_run
      FROM public.personas_action a
      JOIN public.personas_run r ON r.id = a.run_id WHERE a.id = p.action_id;
    IF v_outcome NOT IN ('', 'void', 'expired') THEN RETURN NULL; END IF;
    IF v_outcome <> '' THEN
        RETURN (CASE v_outcome WHEN 'expired' THEN 'expired' ELSE 'void' END,
                coalesce(nullif(v_said, ''), 'its permit was taken back'))::gate.ruling;
    END IF;
    IF p.state <> 'waiting' THEN RETURN NULL; END IF;
    IF gate.stopped() THEN
        RETURN ('withdrawn', 'ethops was stopped while it waited')::gate.ruling;
    END IF;
    IF v_run IN ('succeeded', 'failed', 'cancelled', 'timed_out', 'isolated') THEN
        RETURN ('withdrawn', format('the run that asked is over: %s', v_run))::gate.ruling;
    END IF;
    IF p.expires_at < clock_timestamp() THEN
        RETURN ('expired', CASE p.kind WHEN 'veto' THEN 'nobody could be told in time to object'
                           ELSE 'nobody decided in time' END)::gate.ruling;
    END IF;
    v_loose := gate.loose_pins(p.action_id);
    IF v_loose IS NOT NULL THEN
        RETURN ('void', format('changed since it was proposed: %s', v_loose))::gate.ruling;
    END IF;
    IF gate.healed(p) THEN
        RETURN ('void', format('%s is well by itself by now', p.target))::gate.ruling;
    END IF;
    RETURN NULL;
END $$;

-- As before, and: runs that go on have a place again.
CREATE OR REPLACE FUNCTION gate.sweep_approvals() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.approvals_approval%ROWTYPE; v_over gate.ruling; v_count int := 0;
BEGIN
    FOR v IN
        SELECT p.* FROM public.approvals_approval p
          JOIN public.personas_action a ON a.id = p.action_id
         WHERE p.state = 'waiting'
            OR (p.state = 'approved' AND a.outcome IN ('void', 'expired'))
         ORDER BY p.proposed_at LIMIT 200
    LOOP
        v_over := gate.approval_over(v);
        CONTINUE WHEN v_over.code IS NULL;
        PERFORM 1 FROM public.personas_run WHERE id = v.run_id FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        PERFORM gate.end_approval(v.action_id, v_over.code, v_over.reason);
        v_count := v_count + 1;
    END LOOP;
    IF v_count > 0 THEN PERFORM gate.admit(); END IF;
    RETURN v_count;
END $$;

-- Every alert of a ticket has ended: what waits for a person, and what he allowed and nobody has
-- begun, is void. Returns how many.
CREATE FUNCTION gate.alert_ended(p_ticket text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record; v_count int := 0;
BEGIN
    PERFORM 1 FROM public.personas_run WHERE ticket_ref = p_ticket AND gate.is_live(state)
        FOR UPDATE;
    FOR v IN SELECT p.action_id FROM public.approvals_approval p
              JOIN public.personas_action a ON a.id = p.action_id
              LEFT JOIN public.audit_work w ON w.id = a.work_id
             WHERE p.ticket_ref = p_ticket AND p.state IN ('waiting', 'approved')
               AND a.outcome = '' AND coalesce(w.state, 'ready') IN ('waiting', 'ready')
             ORDER BY p.proposed_at LOOP
        PERFORM gate.end_approval(v.action_id, 'void', 'its alert has ended by itself');
        v_count := v_count + 1;
    END LOOP;
    IF v_count > 0 THEN PERFORM gate.admit(); END IF;
    RETURN v_count;
END $$;

REVOKE ALL ON FUNCTION gate.observed(text), gate.unseen(text),
    gate.healed(public.approvals_approval),
    gate.shown_facts(public.personas_action, text, text, jsonb),
    gate.facts_now(public.approvals_approval), gate.differing(jsonb, jsonb), gate.shown_now(uuid),
    gate.not_shown(public.approvals_approval, text, text, text[]), gate.life_of(text), gate.waits_for_people(uuid), gate.why_not_standing(uuid),
    gate.alert_ended(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.shown_now(uuid), gate.alert_ended(text) TO ethops_app;
