-- The verb by which an agent asks people: under which name the answer becomes a fact, what is
-- asked, and the fixed words that answer it.

-- As before, and: a question.
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
        WHEN 'ticket.ask' THEN
            '{"name": {"pattern": "[a-z][a-z0-9_]{0,39}", "required": true},
              "text": {"max": 1000, "required": true},
              "answers": {"pattern": "[a-z]{1,20}( [a-z]{1,20}){1,5}", "required": true}}'::jsonb
        WHEN 'playbook.run' THEN '{}'::jsonb
        WHEN 'command.run' THEN '{"argv": {"max": 4000, "required": true}}'::jsonb
        WHEN 'notify' THEN
            '{"title": {"max": 250, "required": true}, "text": {"max": 4000, "required": true},
              "kind": {"pattern": "http|mail", "required": true},
              "target": {"max": 500, "required": true}}'::jsonb
    END
$$;

-- As before, and: a question touches nothing.
CREATE OR REPLACE FUNCTION gate.is_risky(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT CASE
            WHEN a.verb IN ('ticket.comment', 'ticket.assign', 'ticket.resolve',
                            'ticket.escalate', 'ticket.ask', 'notify') THEN false
            WHEN a.verb = 'playbook.run' THEN coalesce(e.risk NOT IN ('none', 'low'), true)
            WHEN a.verb = 'command.run' THEN coalesce(s.risk NOT IN ('none', 'low'), true)
            ELSE true END
          FROM public.personas_action a
          LEFT JOIN public.personas_run r ON r.id = a.run_id
          LEFT JOIN public.personas_catalogueentry e ON e.name = a.entry
          LEFT JOIN public.guardrails_commandscope s
                 ON s.card_id = r.card_id AND s.name = a.entry
         WHERE a.id = p_action), true)
$$;

-- As before, and: or asks people.
CREATE OR REPLACE FUNCTION gate.guard_taint(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN gate.taint_of((p).run.id) = 'declared' THEN NULL
        WHEN (p).verb IN ('ticket.comment', 'ticket.escalate', 'ticket.ask') THEN NULL
        WHEN EXISTS (SELECT 1 FROM public.approvals_runplan f
                      WHERE f.run_id = (p).run.id AND f.offers @> jsonb_build_array(
                          jsonb_build_object('verb', (p).verb, 'entry', (p).entry,
                                             'target', (p).target))) THEN NULL
        ELSE format('the run has read what others wrote, and %s was not planned before it',
                    btrim(concat_ws(' ', (p).verb, (p).entry, 'on', (p).target))) END
$$;

-- How many questions a ticket has left; people are asked little.
CREATE FUNCTION gate.questions_left(p_ticket text) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT greatest(coalesce(gate.policy('ticket_questions'), 3)::int - count(*)::int, 0)
      FROM public.personas_action a
     WHERE a.ticket_ref = p_ticket AND a.verb = 'ticket.ask' AND a.verdict = 'authorised'
       AND a.outcome NOT IN ('void', 'expired', 'failed')
$$;

CREATE FUNCTION gate.guard_questions(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN gate.questions_left((p.run).ticket_ref) = 0
            THEN format('people were asked as often about %s as they may be', (p.run).ticket_ref)
        WHEN EXISTS (SELECT 1 FROM public.tickets_question q
                      WHERE q.ticket_id = (p.run).ticket_ref AND q.name = p.args ->> 'name')
            THEN format('%s was asked before', left(p.args ->> 'name', 40))
    END
$$;

INSERT INTO gate.guard (position, name, verbs, says) VALUES
    (143, 'questions', '{ticket.ask}', 'people are asked little, and each thing once');

REVOKE ALL ON FUNCTION gate.questions_left(text), gate.guard_questions(gate.ask) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.questions_left(text) TO ethops_agent, ethops_app;
