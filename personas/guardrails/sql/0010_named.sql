-- Who works on a request does what its model names, there where its form says, and nothing else:
-- both stand in the intent, which the dispatcher wrote and no agent can. Nothing is looked up.
-- Frozen: a later change is a new file and migration.

CREATE FUNCTION gate.guard_named(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN NOT gate.touches_ci(p.verb) THEN NULL
        WHEN (p.run).ticket_ref NOT LIKE 'REQ-%' AND NOT (p.intent).inputs ? 'fulfil' THEN NULL
        -- What a person has asked for in so many words, guard_command compares with those.
        WHEN p.verb = 'command.run' AND (p.intent).inputs ? 'command' THEN NULL
        WHEN p.verb = 'playbook.run' AND (p.intent).inputs #>> '{fulfil,ci}' = p.target
         AND (p.intent).inputs #> '{fulfil,steps}'
             @> jsonb_build_array(jsonb_build_object('entry', p.entry)) THEN NULL
        ELSE format('no step of the request is %s on %s', coalesce(nullif(p.entry, ''), p.verb),
                    p.target) END
$$;
REVOKE ALL ON FUNCTION gate.guard_named(gate.ask) FROM PUBLIC;

-- Of all verbs, so that it stands in one expression with its neighbours.
INSERT INTO gate.guard (position, name, verbs, says) VALUES
    (84, 'named', '{}', 'of a request, what its model names where its form says');
