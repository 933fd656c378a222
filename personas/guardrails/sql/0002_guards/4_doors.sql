-- Doors: approving a card, and what the executor asks before it acts.

-- A person's word for a card as it is loaded; what he was shown must still be what is loaded.
CREATE FUNCTION gate.approve_card(p_card text, p_digest text, p_prompt_digest text, p_by text,
    p_why text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_card public.personas_card%ROWTYPE;
BEGIN
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'a card is approved by a named person, with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO v_card FROM public.personas_card WHERE name = p_card FOR UPDATE;
    IF NOT FOUND OR v_card.digest <> p_digest
            OR coalesce(v_card.document ->> 'prompt_digest', '') <> p_prompt_digest THEN
        RAISE EXCEPTION 'the card % is loaded with other digests than these', p_card
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO public.guardrails_cardapproval (card, digest, prompt_digest, by, why)
    VALUES (p_card, p_digest, p_prompt_digest, left(p_by, 150), p_why)
    ON CONFLICT (card, digest, prompt_digest) DO NOTHING;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM audit.put_pending('card.approved', p_card, '', jsonb_build_object(
        'card_digest', p_digest, 'prompt_digest', p_prompt_digest, 'by', left(p_by, 150),
        'why', left(p_why, 500)));
    RETURN true;
END $$;

-- What the scope says of a command that somebody holds, for whoever is about to run it.
CREATE FUNCTION gate.scope_in_hand(p_action uuid)
RETURNS TABLE (commands jsonb, options jsonb, risk text, timeout_s int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.commands, s.options, s.risk::text, s.timeout_s
      FROM public.audit_work w
      JOIN public.personas_action a ON a.id = w.id
      JOIN public.personas_run r ON r.id = a.run_id
      JOIN public.guardrails_commandscope s ON s.card_id = r.card_id AND s.name = a.entry
     WHERE w.id = p_action AND w.kind = 'effect' AND w.state IN ('leased', 'in_doubt')
       AND a.verb = 'command.run'
$$;

-- Why an effect in somebody's hands must not be done now: card, scope and rules as they are at
-- this moment. NULL where nothing speaks against it, and for what no run has asked.
CREATE FUNCTION gate.judge_in_hand(p_action uuid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v gate.ask; v_action public.personas_action%ROWTYPE;
BEGIN
    SELECT a.* INTO v_action FROM public.personas_action a
      JOIN public.audit_work w ON w.id = a.id
     WHERE a.id = p_action AND w.kind = 'effect' AND w.state = 'leased';
    IF NOT FOUND THEN RETURN 'nobody holds this effect'; END IF;
    IF v_action.run_id IS NULL THEN RETURN NULL; END IF;
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
        CASE WHEN v.verb = 'command.run' THEN
            coalesce(gate.guard_lifeline(v), gate.scope_fault(v),
                CASE WHEN gate.level_of(v) = 'observe' THEN
                    format('%s may only observe with %s by now', (v.run).card_id, v.entry) END) END,
        gate.guard_guardrail(v));
END $$;
