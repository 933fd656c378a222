-- What was permitted before a person took the ticket, or before it was a major one.

-- As before, and: nobody has taken its ticket, and it only looks where the ticket is a major one.
CREATE OR REPLACE FUNCTION gate.still_permitted(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT (a.run_id IS NULL OR (gate.is_live(r.state) AND gate.held_by(a.ticket_ref) IS NULL
                AND (gate.major_of(a.ticket_ref) IS NULL
                     OR gate.only_looks(r.card_id, a.verb, a.entry))))
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

-- As before, and: what was called off while an executor had it in hand.
CREATE OR REPLACE FUNCTION gate.judge_in_hand(p_action uuid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v gate.ask; v_action public.personas_action%ROWTYPE;
BEGIN
    SELECT a.* INTO v_action FROM public.personas_action a
      JOIN public.audit_work w ON w.id = a.id
     WHERE a.id = p_action AND w.kind = 'effect' AND w.state = 'leased';
    IF NOT FOUND THEN RETURN 'nobody holds this effect'; END IF;
    IF v_action.run_id IS NULL THEN RETURN NULL; END IF;
    IF gate.called_off(p_action) THEN RETURN 'its run was called off'; END IF;
    v.run := (SELECT t FROM public.personas_run t WHERE t.id = v_action.run_id);
    v.intent := (SELECT t FROM public.personas_agentintent t WHERE t.id = (v.run).intent_id);
    v.card := (SELECT t FROM public.personas_card t WHERE t.name = (v.run).card_id);
    v.item := (SELECT t FROM public.personas_catalogueentry t
                WHERE v_action.verb = 'playbook.run' AND t.name = v_action.entry);
    v.ci := (SELECT t FROM public.cmdb_ci t
              WHERE t.ref = v_action.target AND NOT t.retired AND gate.touches_ci(v_action.verb));
    v.verb := v_action.verb; v.entry := v_action.entry; v.target := v_action.target;
    v.args := v_action.args; v.given := v_action.args;
    RETURN coalesce(gate.guard_card(v), gate.guard_grant(v), gate.guard_scope(v),
        gate.guard_major(v),
        CASE WHEN v.verb = 'command.run' THEN
            coalesce(gate.guard_lifeline(v), gate.scope_fault(v),
                CASE WHEN gate.level_of(v) = 'observe' THEN
                    format('%s may only observe with %s by now', (v.run).card_id, v.entry) END) END,
        gate.guard_guardrail(v));
END $$;

INSERT INTO gate.guard (position, name, verbs, says) VALUES
    (43, 'person', '{}', 'no person has the ticket'),
    (83, 'major', '{}', 'the ticket is no major incident, or it only looks');

REVOKE ALL ON FUNCTION gate.held_by(text), gate.guard_person(gate.ask), gate.refuse_taken(),
    gate.major_of(text), gate.only_looks(text, text, text), gate.guard_major(gate.ask)
    FROM PUBLIC;
