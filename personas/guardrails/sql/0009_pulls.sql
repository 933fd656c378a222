-- The verb by which an agent proposes a change of files: a pull request, which people review. It
-- names no branch and no commit. Frozen: a later change is a new file and migration.

-- As before, and: a pull request. `files` is JSON: a list of {"path", "content"}, without content
-- where the file is to go.
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
        WHEN 'pull.open' THEN
            '{"title": {"pattern": ".{3,120}", "required": true},
              "body": {"max": 4000, "required": true},
              "files": {"max": 60000, "required": true}}'::jsonb
        WHEN 'playbook.run' THEN '{}'::jsonb
        WHEN 'command.run' THEN '{"argv": {"max": 4000, "required": true}}'::jsonb
        WHEN 'notify' THEN
            '{"title": {"max": 250, "required": true}, "text": {"max": 4000, "required": true},
              "kind": {"pattern": "http|mail", "required": true},
              "target": {"max": 500, "required": true}}'::jsonb
    END
$$;

-- As before, and: a pull request is quickly opened, and its entry is none of the catalogue's.
CREATE OR REPLACE FUNCTION gate.queue_of(p_verb text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_verb LIKE 'ticket.%' OR p_verb LIKE 'pull.%' OR p_verb = 'notify'
                THEN 'executor.light' ELSE 'executor.plays' END
$$;
CREATE OR REPLACE FUNCTION gate.is_of_catalogue(p_verb text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_verb NOT LIKE 'ticket.%' AND p_verb NOT LIKE 'pull.%' AND p_verb <> 'notify'
$$;

-- As before, and: opening one touches nothing, since nothing is merged that nobody has approved.
CREATE OR REPLACE FUNCTION gate.is_risky(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT CASE
            WHEN a.verb IN ('ticket.comment', 'ticket.assign', 'ticket.resolve',
                            'ticket.escalate', 'ticket.ask', 'pull.open', 'notify') THEN false
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

-- As before: what touches no CI is offered for the run's ticket.
CREATE OR REPLACE FUNCTION gate.offers(p_run public.personas_run) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('verb', o.verb, 'entry', o.entry,
                                                          'target', o.target)), '[]'::jsonb)
      FROM (
        SELECT g.verb, '' AS entry, (p_run).ticket_ref AS target
          FROM public.personas_grant g
         WHERE g.card_id = (p_run).card_id AND NOT gate.touches_ci(g.verb)
        UNION ALL
        SELECT g.verb, g.entry, c.ref
          FROM public.personas_grant g
          JOIN public.personas_agentintent i ON i.id = (p_run).intent_id AND i.joined = 'joined'
          JOIN public.cmdb_ci c ON i.scope ? c.ref AND NOT c.retired
               AND g.ci_class IN ('', c.ci_class)
         WHERE g.card_id = (p_run).card_id AND gate.touches_ci(g.verb)) o
$$;

-- What is wrong with one file. Paths are as adapters/forge/files.py has them: no part begins with a
-- dot, so neither git's own files nor what forges, editors and shells obey can be named.
CREATE FUNCTION gate.file_fault(p_file jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN jsonb_typeof(p_file) <> 'object' THEN 'a file is {"path", "content"}'
        WHEN NOT p_file ?& '{path,content}'::text[] OR p_file - '{path,content}'::text[] <> '{}'
            THEN 'a file is {"path", "content"}'
        WHEN jsonb_typeof(p_file -> 'path') <> 'string' THEN 'a path is a text'
        WHEN jsonb_typeof(p_file -> 'content') NOT IN ('string', 'null') THEN 'content is a text'
        WHEN length(p_file ->> 'path') > 200 OR EXISTS (
                SELECT 1 FROM unnest(string_to_array(p_file ->> 'path', '/')) part
                 WHERE part !~ '^[A-Za-z0-9_]([A-Za-z0-9._+-]{0,98}[A-Za-z0-9_+-])?$'
                    OR part ~* '^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$')
                OR p_file ->> 'path' = ''
            THEN format('%s is no plain path', left(p_file ->> 'path', 200))
    END
$$;

CREATE FUNCTION gate.guard_files(p gate.ask) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE v_files jsonb; v_unread text;
BEGIN
    SELECT r.args, r.unread INTO v_files, v_unread FROM gate.read_args(p.args ->> 'files') r;
    IF coalesce(v_unread, '') <> '' OR jsonb_typeof(v_files) IS DISTINCT FROM 'array'
            OR jsonb_array_length(v_files) NOT BETWEEN 1 AND 20 THEN
        RETURN 'files are no list of 1 to 20';
    END IF;
    RETURN coalesce(
        (SELECT f.said FROM (SELECT gate.file_fault(e.value) AS said
                               FROM jsonb_array_elements(v_files) e) f
          WHERE f.said IS NOT NULL LIMIT 1),
        (SELECT format('%s is named twice', min(e.value ->> 'path'))
           FROM jsonb_array_elements(v_files) e
          GROUP BY lower(e.value ->> 'path') HAVING count(*) > 1 LIMIT 1));
END $$;

-- How many pull requests a ticket has left; none unless the site says so.
CREATE FUNCTION gate.pulls_left(p_ticket text) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT greatest(coalesce(gate.policy('ticket_pulls'), 0)::int - count(*)::int, 0)
      FROM public.personas_action a
     WHERE a.ticket_ref = p_ticket AND a.verb = 'pull.open' AND a.verdict = 'authorised'
       AND a.outcome NOT IN ('void', 'expired', 'failed')
$$;

CREATE FUNCTION gate.guard_pulls(p gate.ask) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_count bigint; v_since timestamptz;
BEGIN
    -- Locked, so that two runs that ask at once are counted one after the other.
    PERFORM 1 FROM public.personas_card WHERE name = (p.run).card_id FOR NO KEY UPDATE;
    IF gate.pulls_left((p.run).ticket_ref) = 0 THEN
        RETURN format('%s has no pull requests left (ticket_pulls)', (p.run).ticket_ref);
    END IF;
    v_since := clock_timestamp() - interval '1 hour';
    SELECT count(*) INTO v_count
      FROM public.personas_action a JOIN public.personas_run r ON r.id = a.run_id
     WHERE a.verb = 'pull.open' AND a.verdict = 'authorised' AND a.decided_at > v_since
       AND r.card_id = (p.run).card_id;
    IF v_count >= coalesce(gate.policy('pulls_per_hour'), 10) THEN
        RETURN format('%s has opened %s pull requests within an hour: a person must look',
                      (p.run).card_id, v_count);
    END IF;
    RETURN NULL;
END $$;

INSERT INTO gate.guard (position, name, verbs, says) VALUES
    (72, 'files', '{pull.open}', 'the files have plain names, and there are few'),
    (144, 'pulls', '{pull.open}', 'the ticket, and the card in this hour, have pull requests left');

-- Who is behind the run that asked for this: his approval of it is none.
CREATE FUNCTION gate.behind_action(p_action uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT to_jsonb(gate.behind(a.run_id, '')) FROM public.personas_action a
                      WHERE a.id = p_action AND a.run_id IS NOT NULL), '[]'::jsonb)
$$;

REVOKE ALL ON FUNCTION gate.file_fault(jsonb), gate.guard_files(gate.ask), gate.pulls_left(text),
    gate.guard_pulls(gate.ask), gate.behind_action(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.pulls_left(text) TO ethops_agent, ethops_app;
GRANT EXECUTE ON FUNCTION gate.behind_action(uuid) TO ethops_executor;
