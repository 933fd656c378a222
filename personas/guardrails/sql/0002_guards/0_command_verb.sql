-- The verb `command.run` in what the gate had before: it touches a CI as a playbook does, by grant
-- and class of CI, within the ticket's own, never a lifeline, as far as a person has promoted it.

CREATE FUNCTION gate.touches_ci(p_verb text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT p_verb IN ('playbook.run', 'command.run') $$;

-- As before, and: a command's one argument, its argument vector as JSON.
CREATE OR REPLACE FUNCTION gate.verb_parameters(p_verb text) RETURNS jsonb
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
        WHEN 'command.run' THEN '{"argv": {"max": 4000, "required": true}}'::jsonb
        WHEN 'notify' THEN
            '{"title": {"max": 250, "required": true}, "text": {"max": 4000, "required": true},
              "kind": {"pattern": "http|mail", "required": true},
              "target": {"max": 500, "required": true}}'::jsonb
    END
$$;

-- As before, for whatever touches a CI.
CREATE OR REPLACE FUNCTION gate.guard_grant(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN NOT EXISTS (SELECT 1 FROM public.personas_grant g
                          WHERE g.card_id = (p.run).card_id AND g.verb = p.verb)
            THEN format('no grant for %s covers %s', (p.run).card_id, p.verb)
        WHEN gate.touches_ci(p.verb) AND NOT EXISTS (
                SELECT 1 FROM public.personas_grant g
                 WHERE g.card_id = (p.run).card_id AND g.verb = p.verb AND g.entry = p.entry
                   AND g.ci_class = coalesce((p.ci).ci_class, g.ci_class))
            THEN format('no grant for %s covers %s on a CI of class %s', (p.run).card_id, p.entry,
                        coalesce((p.ci).ci_class, 'unknown'))
    END
$$;

CREATE OR REPLACE FUNCTION gate.guard_scope(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN NOT gate.touches_ci(p.verb) THEN
            CASE WHEN p.target IS DISTINCT FROM (p.run).ticket_ref
                 THEN format('the run is for %s alone', (p.run).ticket_ref) END
        WHEN NOT (p.intent).scope ? p.target
            THEN format('%s is not a CI of %s', p.target, (p.run).ticket_ref)
        WHEN (p.ci).ref IS NULL THEN format('%s is not in the CMDB', p.target)
    END
$$;

UPDATE gate.guard SET verbs = verbs || '{command.run}'
 WHERE name IN ('join', 'lifeline', 'ledger', 'duplicate', 'hour_share');

-- As before, and: a command's CI. Its arguments are what was asked: the scope bounds them.
CREATE OR REPLACE FUNCTION gate.asked(p_run public.personas_run, p_token text, p_verb text,
    p_entry text, p_target text, p_args jsonb)
RETURNS gate.ask
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_ask gate.ask; v_intent public.personas_agentintent; v_card public.personas_card;
    v_item public.personas_catalogueentry; v_ci public.cmdb_ci; v_given jsonb := p_args;
BEGIN
    SELECT * INTO STRICT v_intent FROM public.personas_agentintent WHERE id = p_run.intent_id;
    SELECT * INTO STRICT v_card FROM public.personas_card WHERE name = p_run.card_id;
    IF gate.touches_ci(p_verb) THEN
        SELECT * INTO v_ci FROM public.cmdb_ci WHERE ref = p_target AND NOT retired;
    END IF;
    IF p_verb = 'playbook.run' THEN
        SELECT * INTO v_item FROM public.personas_catalogueentry WHERE name = p_entry;
        -- A playbook's arguments are what the CI declares, never what an agent says.
        v_given := gate.args_from_ci(coalesce(v_item.parameters, '{}'), coalesce(v_ci.attributes, '{}'));
    END IF;
    v_ask := ROW(p_run, v_intent, v_card, p_token, p_verb, p_entry, p_target, p_args,
                 v_item, v_ci, v_given);
    RETURN v_ask;
END $$;
