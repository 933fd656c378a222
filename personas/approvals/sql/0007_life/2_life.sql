-- An approval has a life of its own, by class of change; the run that waits for it is parked.

-- How long a proposal of this class waits for a person.
CREATE FUNCTION gate.life_of(p_class text) RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT make_interval(secs => CASE p_class WHEN 'emergency' THEN emergency_s
        WHEN 'normal' THEN normal_s ELSE standard_s END)
      FROM public.approvals_profile WHERE id = 1
$$;

-- Whether something of a run is open, and all of it is what people decide about.
CREATE FUNCTION gate.waits_for_people(p_run uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(bool_and(coalesce(p.state, '') = 'waiting'), false)
      FROM (SELECT a.id FROM public.personas_action a
              LEFT JOIN public.audit_work w ON w.id = a.work_id
             WHERE a.run_id = p_run AND a.verdict IN ('authorised', 'proposed')
               AND a.outcome = ''
               AND NOT (coalesce(w.state, '') = 'in_doubt' AND a.result <> '{}')) open
      LEFT JOIN public.approvals_approval p ON p.action_id = open.id
$$;

-- As before, and: as long as its class says, whatever time its run had left.
CREATE OR REPLACE FUNCTION gate.put_approval(p_action uuid, p_kind text)
RETURNS public.approvals_approval
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_action public.personas_action%ROWTYPE; v_class text; v_pins jsonb; v_facts jsonb;
    v public.approvals_approval%ROWTYPE; v_profile public.approvals_profile%ROWTYPE;
    v_now timestamptz := clock_timestamp();
BEGIN
    SELECT * INTO STRICT v_action FROM public.personas_action WHERE id = p_action;
    SELECT * INTO STRICT v_profile FROM public.approvals_profile WHERE id = 1;
    v_class := gate.change_class(v_action.risk, v_action.ticket_ref);
    v_pins := gate.pins(v_action);
    v_facts := gate.shown_facts(v_action, p_kind, v_class, v_pins);
    INSERT INTO public.approvals_approval (action_id, kind, change_class, run_id, ticket_ref, entry,
        target, author, asked_by, facts, shown, shown_sha256, pins, tree_hash, args_digest,
        proposed_at, not_before, expires_at)
    VALUES (p_action, p_kind, v_class, v_action.run_id, v_action.ticket_ref, v_action.entry,
        v_action.target, v_action.principal, gate.behind(v_action.run_id, v_action.tree_hash),
        v_facts, v_facts::text, gate.sha256_hex(v_facts::text), v_pins, v_action.tree_hash,
        v_action.args_digest, v_now,
        CASE p_kind WHEN 'veto' THEN v_now + make_interval(secs => v_profile.veto_s) END,
        CASE p_kind WHEN 'veto' THEN v_now + make_interval(secs => v_profile.veto_s)
                                     + interval '10 minutes'
             ELSE v_now + gate.life_of(v_class) END)
    RETURNING * INTO v;
    PERFORM gate.tell_of_approval(v, '');
    RETURN v;
END $$;

-- As before, and: what its CI has healed from meanwhile is not done.
CREATE OR REPLACE FUNCTION gate.approval_stands(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT CASE WHEN NOT gate.needs_approval(a) AND p.action_id IS NULL THEN true
            WHEN p.kind = 'propose' THEN p.state = 'approved'
            WHEN p.kind = 'veto' THEN p.state IN ('waiting', 'unopposed')
            ELSE false END
            AND (p.action_id IS NULL OR (a.tree_hash = p.tree_hash
                 AND a.args_digest = p.args_digest AND a.entry = p.entry
                 AND a.target = p.target AND gate.loose_pins(a.id) IS NULL
                 AND NOT gate.healed(p)
                 AND NOT (p.kind = 'veto' AND gate.change_class(a.risk, a.ticket_ref)
                                              <> 'standard')))
          FROM public.personas_action a
          LEFT JOIN public.approvals_approval p ON p.action_id = a.id
         WHERE a.id = p_action), false)
$$;

-- As before, and: also where the run is parked.
CREATE OR REPLACE FUNCTION gate.still_permitted(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT (a.run_id IS NULL OR gate.is_live(r.state))
           AND gate.approval_stands(a.id)
           AND (a.verb <> 'playbook.run' OR EXISTS (
                SELECT 1 FROM public.personas_catalogueentry e, public.cmdb_ci c,
                       public.personas_autonomy u, public.personas_card p
                 WHERE e.name = a.entry AND e.enabled AND e.approved_hash = a.tree_hash
                   AND c.ref = a.target AND NOT c.lifeline AND NOT c.retired
                   AND p.name = r.card_id AND p.enabled
                   AND u.card_id = r.card_id AND u.entry = a.entry
                   AND u.ci_class = c.ci_class
                   AND gate.level_rank(u.level) >= gate.level_rank(a.level)
                   AND u.level <> 'observe'))
          FROM public.personas_action a LEFT JOIN public.personas_run r ON r.id = a.run_id
         WHERE a.id = p_action), false)
$$;

-- As before, and: what a person decided on an old look waits until his CI is looked at again.
CREATE OR REPLACE FUNCTION gate.held_back(p_action uuid, p_entry_seq bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN EXISTS (SELECT 1 FROM public.personas_action a
                       JOIN public.personas_run r ON r.id = a.run_id
                      WHERE a.id = p_action AND r.state = 'paused')
            THEN 'waits: its run is paused'
        WHEN gate.breaker_open() AND gate.is_change(
                (SELECT verb FROM public.personas_action WHERE id = p_action))
            THEN 'waits: the breaker of the fleet is open'
        WHEN EXISTS (SELECT 1 FROM public.approvals_approval p WHERE p.action_id = p_action
                        AND gate.unseen(p.target) IS NOT NULL)
            THEN 'waits until its CI is looked at again'
        WHEN NOT gate.is_risky(p_action) THEN NULL
        WHEN NOT audit.trusted() THEN 'waits until a person acknowledges what is wrong with the ledger'
        WHEN p_entry_seq > audit.witnessed_size() THEN 'waits for a witness'
    END
$$;

-- Why a permit that a person gave, or may object to, is no longer one; NULL where that is not why.
CREATE FUNCTION gate.why_not_standing(p_action uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN gate.healed(p) THEN format('%s is well by itself by now', p.target)
                ELSE 'changed since it was proposed: ' || gate.loose_pins(p.action_id) END
      FROM public.approvals_approval p WHERE p.action_id = p_action
$$;

-- As before, and: says why, where it is known.
CREATE OR REPLACE FUNCTION gate.void_permits() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record; v_count int := 0; v_expired boolean; v_said text;
BEGIN
    FOR v IN
        SELECT w.id, a.run_id, a.verb, a.ticket_ref, w.expires_at
          FROM public.audit_work w JOIN public.personas_action a ON a.id = w.id
         WHERE w.kind = 'effect' AND w.state IN ('waiting', 'ready')
           AND (w.expires_at < clock_timestamp() OR NOT gate.still_permitted(w.id)) LIMIT 100
    LOOP
        -- A stop is no reason to forget that a person has to be told.
        CONTINUE WHEN v.verb = 'notify' AND gate.stopped();
        IF v.run_id IS NOT NULL THEN
            PERFORM 1 FROM public.personas_run WHERE id = v.run_id FOR UPDATE SKIP LOCKED;
            CONTINUE WHEN NOT FOUND;
        END IF;
        v_expired := v.expires_at < clock_timestamp();
        v_said := CASE WHEN NOT v_expired THEN coalesce(gate.why_not_standing(v.id),
                                                        'the permit would no longer be given')
                       WHEN gate.waited_for(v.id) = '' THEN 'the permit expired'
                       ELSE 'the permit expired: ' || gate.waited_for(v.id) END;
        UPDATE public.audit_work SET state = 'cancelled', settled_at = clock_timestamp()
         WHERE id = v.id AND state IN ('waiting', 'ready');
        CONTINUE WHEN NOT FOUND;
        PERFORM gate.close_action(v.id, CASE WHEN v_expired THEN 'expired' ELSE 'void' END,
            jsonb_build_object('said', v_said),
            CASE WHEN v_expired THEN 'action.expired' ELSE 'action.void' END);
        -- A notice that nobody got is told of by close_action already.
        IF v_expired AND v.ticket_ref <> '' AND v.verb <> 'notify' THEN
            PERFORM audit.put_work('dispatch', 'control', 'ready', v.ticket_ref,
                jsonb_build_object('ticket', v.ticket_ref, 'why', 'expired', 'action', v.id),
                'expired:' || v.id, 2, clock_timestamp(), 3);
        END IF;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;
