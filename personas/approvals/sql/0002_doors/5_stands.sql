-- Whether an approval still stands, and what time and change do to those that wait.

CREATE FUNCTION gate.is_of_catalogue(p_verb text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT p_verb NOT LIKE 'ticket.%' AND p_verb <> 'notify' $$;

-- Which actions may not happen without a person having had his say.
CREATE FUNCTION gate.needs_approval(p_action public.personas_action) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p_action.run_id IS NOT NULL AND (p_action.level IN ('propose', 'veto')
        OR (p_action.entry <> '' AND gate.is_of_catalogue(p_action.verb)
            AND gate.change_class((SELECT risk
              FROM public.personas_catalogueentry WHERE name = p_action.entry),
              p_action.ticket_ref) <> 'standard'))
$$;

-- True where none is needed, or where it was given for exactly this and nothing has changed since.
CREATE FUNCTION gate.approval_stands(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT CASE WHEN NOT gate.needs_approval(a) AND p.action_id IS NULL THEN true
            WHEN p.kind = 'propose' THEN p.state = 'approved'
            WHEN p.kind = 'veto' THEN p.state IN ('waiting', 'unopposed')
            ELSE false END
            AND (p.action_id IS NULL OR (a.tree_hash = p.tree_hash
                 AND a.args_digest = p.args_digest AND a.entry = p.entry
                 AND a.target = p.target AND gate.loose_pins(a.id) IS NULL
                 AND NOT (p.kind = 'veto' AND gate.change_class(a.risk, a.ticket_ref)
                                              <> 'standard')))
          FROM public.personas_action a
          LEFT JOIN public.approvals_approval p ON p.action_id = a.id
         WHERE a.id = p_action), false)
$$;

-- Why an action that people may object to does not begin yet: they have not had their time since
-- they were told. Where nobody could be told it never begins.
CREATE FUNCTION gate.veto_pending(p_action uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN p.action_id IS NULL OR p.kind <> 'veto' THEN NULL
        WHEN p.not_before > clock_timestamp() THEN 'waits whether somebody objects'
        WHEN told.at IS NULL THEN 'waits until people were told'
        WHEN told.at + make_interval(secs => (SELECT veto_s FROM public.approvals_profile))
             > clock_timestamp() THEN 'waits whether somebody objects'
        END
      FROM (SELECT p_action AS id) one
      LEFT JOIN public.approvals_approval p ON p.action_id = one.id
      LEFT JOIN LATERAL (
        SELECT min(n.settled_at) AS at FROM public.approvals_told t
          JOIN public.personas_action n ON n.run_id IS NULL AND n.principal = 'rule:veto'
               AND split_part(n.key, '+', 1) = t.key AND n.outcome = 'done'
         WHERE t.approval_id = p.action_id) told ON true
$$;

-- Says which notices tell of it; the desk orders them.
CREATE FUNCTION gate.told_of_veto(p_action uuid, p_key text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO public.approvals_told (approval_id, key)
    SELECT action_id, left(p_key, 60) FROM public.approvals_approval
     WHERE action_id = p_action AND kind = 'veto'
    ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION gate.end_approval(p_action uuid, p_state text, p_said text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.approvals_approval%ROWTYPE;
BEGIN
    -- Work before its approval: whoever claims it holds the work first.
    PERFORM 1 FROM public.audit_work WHERE id = p_action AND kind = 'effect' FOR UPDATE;
    UPDATE public.approvals_approval SET state = p_state,
           decided_at = CASE WHEN state = 'waiting' THEN clock_timestamp() ELSE decided_at END
     WHERE action_id = p_action AND gate.approval_moves(state, p_state) RETURNING * INTO v;
    IF NOT FOUND THEN RETURN; END IF;
    PERFORM audit.put_pending('approval.ended', p_action::text, v.ticket_ref,
        jsonb_build_object('run', v.run_id, 'entry', v.entry, 'target', v.target,
            'shown_sha256', v.shown_sha256, 'state', p_state, 'why', left(p_said, 500)));
    PERFORM gate.close_proposal(v, p_said);
END $$;

-- Why a waiting proposal waits no longer: (state, reason), or NULL while it does.
CREATE FUNCTION gate.approval_over(p public.approvals_approval) RETURNS gate.ruling
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_loose text; v_outcome text; v_run text;
BEGIN
    SELECT a.outcome, r.state INTO v_outcome, v_run FROM public.personas_action a
      JOIN public.personas_run r ON r.id = a.run_id WHERE a.id = p.action_id;
    IF v_outcome NOT IN ('', 'void', 'expired') THEN RETURN NULL; END IF;
    IF v_outcome <> '' THEN
        RETURN (CASE v_outcome WHEN 'expired' THEN 'expired' ELSE 'void' END,
                'its permit was taken back')::gate.ruling;
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
    RETURN NULL;
END $$;

-- Ends what has ended; what somebody holds is left for the next round. Returns how many.
CREATE FUNCTION gate.sweep_approvals() RETURNS int
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
    RETURN v_count;
END $$;
