-- Guards of a playbook, as before, and: nothing risky on a ledger that does not verify.
CREATE OR REPLACE FUNCTION gate.judge_playbook(p_run public.personas_run, p_entry text, p_target text)
RETURNS gate.decision
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_intent public.personas_agentintent%ROWTYPE;
    v_entry public.personas_catalogueentry%ROWTYPE;
    v_ci public.cmdb_ci%ROWTYPE;
    v_args jsonb; v_bad text; v_level text; v_count int;
BEGIN
    SELECT * INTO STRICT v_intent FROM public.personas_agentintent WHERE id = p_run.intent_id;
    SELECT * INTO v_entry FROM public.personas_catalogueentry WHERE name = p_entry;
    IF NOT FOUND OR NOT v_entry.enabled THEN
        RETURN gate.deny('catalogue', format('%s is not in the catalogue', p_entry));
    END IF;
    IF v_intent.joined <> 'joined' THEN
        RETURN gate.deny('join', 'the alert was not joined to one CI: comment only');
    END IF;
    IF NOT v_intent.scope ? p_target THEN
        RETURN gate.deny('scope', format('%s is not a CI of %s', p_target, p_run.ticket_ref));
    END IF;
    SELECT * INTO v_ci FROM public.cmdb_ci WHERE ref = p_target AND NOT retired;
    IF NOT FOUND THEN
        RETURN gate.deny('scope', format('%s is not in the CMDB', p_target));
    END IF;
    IF NOT EXISTS (SELECT 1 FROM public.personas_grant g
                    WHERE g.card_id = p_run.card_id AND g.verb = 'playbook.run'
                      AND g.entry = p_entry AND g.ci_class = v_ci.ci_class) THEN
        RETURN gate.deny('grant', format('no grant for %s covers %s on a CI of class %s',
                                         p_run.card_id, p_entry, v_ci.ci_class));
    END IF;
    IF v_ci.lifeline THEN
        RETURN gate.deny('lifeline', format('%s is a lifeline: never without a person', p_target));
    END IF;
    v_args := gate.args_from_ci(v_entry.parameters, v_ci.attributes);
    v_bad := gate.bad_args(v_entry.parameters, v_args);
    IF v_bad IS NOT NULL THEN
        RETURN gate.deny('arguments', format('%s of %s: %s', p_entry, p_target, v_bad));
    END IF;
    IF v_entry.tree_hash <> v_entry.approved_hash THEN
        RETURN gate.deny('pin', format('%s has changed since it was approved', p_entry));
    END IF;
    IF gate.is_high(v_entry.risk) AND NOT audit.trusted() THEN
        RETURN gate.deny('ledger', 'the ledger does not verify: a named person must acknowledge it');
    END IF;
    -- Locked, so that two runs that ask at once are counted one after the other.
    PERFORM 1 FROM public.personas_catalogueentry WHERE name = p_entry FOR UPDATE;
    SELECT count(*) INTO v_count FROM public.personas_action a
     WHERE a.ticket_ref = p_run.ticket_ref AND a.entry = p_entry AND a.target = p_target
       AND a.verdict = 'authorised' AND a.outcome NOT IN ('void', 'expired');
    IF v_count >= v_entry.max_per_ticket THEN
        RETURN gate.deny('budget', format('%s was already used %s of %s times on this ticket',
                                          p_entry, v_count, v_entry.max_per_ticket));
    END IF;
    SELECT count(*) INTO v_count FROM public.personas_action a
     WHERE a.entry = p_entry AND a.verdict = 'authorised'
       AND a.decided_at > clock_timestamp() - interval '1 hour';
    IF v_count >= v_entry.max_per_hour THEN
        RETURN gate.deny('budget', format('%s was used %s times in an hour: a person must look',
                                          p_entry, v_count));
    END IF;
    SELECT level INTO v_level FROM public.personas_autonomy
     WHERE card_id = p_run.card_id AND entry = p_entry AND ci_class = v_ci.ci_class;
    v_level := coalesce(v_level, 'observe');
    IF v_level <> 'act' THEN
        RETURN ('observed', 'autonomy', format('%s may only %s with %s on a CI of class %s',
                p_run.card_id, v_level, p_entry, v_ci.ci_class), v_level, v_args,
                v_entry.approved_hash)::gate.decision;
    END IF;
    RETURN ('authorised', '', '', v_level, v_args, v_entry.approved_hash)::gate.decision;
END $$;
