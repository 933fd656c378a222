-- Guards: what decides a proposal.

-- Arguments of the verbs: declared keys only, strings, lengths, full-match patterns.
CREATE FUNCTION gate.verb_parameters(p_verb text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_verb
        WHEN 'ticket.comment' THEN '{"text": {"max": 4000, "required": true}}'::jsonb
        WHEN 'ticket.assign' THEN
            '{"impact": {"pattern": "[1-3]", "required": true},
              "urgency": {"pattern": "[1-3]", "required": true},
              "team": {"pattern": "[a-z][a-z0-9_-]{0,59}", "required": true},
              "note": {"max": 4000}}'::jsonb
        WHEN 'ticket.resolve' THEN '{"solution": {"max": 4000, "required": true}}'::jsonb
        WHEN 'ticket.escalate' THEN
            '{"team": {"pattern": "[a-z][a-z0-9_-]{0,59}", "required": true},
              "tried": {"max": 4000, "required": true},
              "asked": {"max": 4000, "required": true}}'::jsonb
        WHEN 'playbook.run' THEN '{}'::jsonb
        WHEN 'notify' THEN
            '{"title": {"max": 250, "required": true}, "text": {"max": 4000, "required": true},
              "kind": {"pattern": "http|mail", "required": true},
              "target": {"max": 500, "required": true}}'::jsonb
    END
$$;

CREATE FUNCTION gate.bad_args(p_parameters jsonb, p_args jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE v_key text; v_rule jsonb; v_value text;
BEGIN
    IF p_parameters IS NULL THEN RETURN 'unknown verb'; END IF;
    IF jsonb_typeof(p_args) IS DISTINCT FROM 'object' THEN
        RETURN 'arguments are not an object';
    END IF;
    FOR v_key IN SELECT jsonb_object_keys(p_args) LOOP
        IF NOT p_parameters ? v_key THEN RETURN format('argument %s is not declared', v_key); END IF;
        IF jsonb_typeof(p_args -> v_key) <> 'string' THEN
            RETURN format('argument %s is not a string', v_key);
        END IF;
        v_rule := p_parameters -> v_key;
        v_value := p_args ->> v_key;
        IF length(v_value) > coalesce((v_rule ->> 'max')::int, 250) THEN
            RETURN format('argument %s is too long', v_key);
        END IF;
        IF v_rule ? 'pattern' AND (v_value ~ '[[:cntrl:]]'
                OR v_value !~ ('^(?:' || (v_rule ->> 'pattern') || ')$')) THEN
            RETURN format('argument %s does not match its pattern', v_key);
        END IF;
    END LOOP;
    FOR v_key, v_rule IN SELECT * FROM jsonb_each(p_parameters) LOOP
        IF coalesce((v_rule ->> 'required')::boolean, false) AND NOT p_args ? v_key THEN
            RETURN format('argument %s is missing', v_key);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- A playbook's arguments are what the CI declares, never what an agent says.
CREATE FUNCTION gate.args_from_ci(p_parameters jsonb, p_attributes jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(p.key, p_attributes -> (p.value ->> 'from')), '{}'::jsonb)
      FROM jsonb_each(p_parameters) p
     WHERE p_attributes ? (p.value ->> 'from')
$$;

CREATE TYPE gate.decision AS
    (verdict text, guard text, reason text, level text, args jsonb, tree_hash text);

CREATE FUNCTION gate.deny(p_guard text, p_reason text) RETURNS gate.decision
LANGUAGE sql IMMUTABLE AS $$
    SELECT ('denied', p_guard, p_reason, '', '{}'::jsonb, '')::gate.decision
$$;

-- Guards of a playbook, in order; the first that speaks decides.
CREATE FUNCTION gate.judge_playbook(p_run public.personas_run, p_entry text, p_target text)
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

-- Guards of every proposal, in order. p_run has been locked by the caller.
CREATE FUNCTION gate.judge(p_run public.personas_run, p_token text, p_verb text, p_entry text,
    p_target text, p_args jsonb)
RETURNS gate.decision
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_bad text;
BEGIN
    IF p_run.state <> 'running' THEN
        RETURN gate.deny('run', format('the run is %s', p_run.state));
    END IF;
    IF p_token IS NULL OR p_run.token_hash IS DISTINCT FROM sha256(convert_to(p_token, 'UTF8')) THEN
        RETURN gate.deny('token', 'not the token of the step that is being taken');
    END IF;
    IF p_run.deadline < clock_timestamp() THEN
        RETURN gate.deny('expiry', 'the run is over its time');
    END IF;
    IF gate.stopped() THEN
        RETURN gate.deny('stop', 'ethops is stopped; only a named person resumes');
    END IF;
    IF p_run.actions >= p_run.max_actions THEN
        RETURN gate.deny('budget', format('the run has used its %s actions', p_run.max_actions));
    END IF;
    IF p_verb NOT IN ('ticket.comment', 'ticket.assign', 'ticket.resolve', 'ticket.escalate',
                      'playbook.run') THEN
        RETURN gate.deny('grant', format('%s is nothing a card can be granted', p_verb));
    END IF;
    IF NOT EXISTS (SELECT 1 FROM public.personas_grant g
                    WHERE g.card_id = p_run.card_id AND g.verb = p_verb) THEN
        RETURN gate.deny('grant', format('no grant for %s covers %s', p_run.card_id, p_verb));
    END IF;
    v_bad := gate.bad_args(gate.verb_parameters(p_verb), p_args);
    IF v_bad IS NOT NULL THEN
        RETURN gate.deny('arguments', format('%s: %s', p_verb, v_bad));
    END IF;
    IF p_verb = 'playbook.run' THEN
        RETURN gate.judge_playbook(p_run, p_entry, p_target);
    END IF;
    IF p_target <> p_run.ticket_ref THEN
        RETURN gate.deny('scope', format('the run is for %s alone', p_run.ticket_ref));
    END IF;
    RETURN ('authorised', '', '', 'act', p_args, '')::gate.decision;
END $$;
