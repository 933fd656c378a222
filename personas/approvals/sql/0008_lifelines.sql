-- On a lifeline nothing is done without a person, and with one it may be: at level `propose`, with his
-- second factor, where he is somebody else than who asked for it. Frozen: a later change is a new file
-- and migration.

CREATE FUNCTION gate.is_lifeline(p_target text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT lifeline FROM public.cmdb_ci WHERE ref = p_target), false)
$$;

CREATE FUNCTION gate.is_approved_independently(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.approvals_approval WHERE action_id = p_action
                      AND state = 'approved' AND factor <> '' AND independent)
$$;

-- Any level that would act by itself is none for it; and one who operates alone is nobody else.
CREATE OR REPLACE FUNCTION gate.guard_lifeline(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN NOT coalesce((p.ci).lifeline, false) THEN NULL
        WHEN gate.level_given(p) <> 'propose'
            THEN format('%s is a lifeline: never without a person, so only at level propose',
                        p.target)
        WHEN (SELECT single FROM public.approvals_profile WHERE id = 1)
            THEN format('%s is a lifeline, and one person operates here: by hand, then on record',
                        p.target)
    END
$$;
UPDATE gate.guard SET says = 'the CI is no lifeline, or a person decides about it each time'
 WHERE name = 'lifeline';

-- As before, and: on a lifeline only what somebody independent has approved with a second factor.
CREATE OR REPLACE FUNCTION gate.still_permitted(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT (a.run_id IS NULL OR gate.is_live(r.state))
           AND gate.approval_stands(a.id)
           AND (a.verb <> 'playbook.run' OR EXISTS (
                SELECT 1 FROM public.personas_catalogueentry e, public.cmdb_ci c,
                       public.personas_autonomy u, public.personas_card p
                 WHERE e.name = a.entry AND e.enabled AND e.approved_hash = a.tree_hash
                   AND c.ref = a.target AND NOT c.retired
                   AND (NOT c.lifeline OR gate.is_approved_independently(a.id))
                   AND p.name = r.card_id AND p.enabled
                   AND u.card_id = r.card_id AND u.entry = a.entry
                   AND u.ci_class = c.ci_class
                   AND gate.level_rank(u.level) >= gate.level_rank(a.level)
                   AND u.level <> 'observe'))
          FROM public.personas_action a LEFT JOIN public.personas_run r ON r.id = a.run_id
         WHERE a.id = p_action), false)
$$;

-- As before, and: on a lifeline with a second factor in any case.
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
    v_needs := v.change_class <> 'standard' OR v_single OR gate.is_lifeline(v.target);
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

REVOKE ALL ON FUNCTION gate.is_lifeline(text), gate.is_approved_independently(uuid) FROM PUBLIC;
