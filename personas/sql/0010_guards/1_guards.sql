-- Guards as rows: the gate asks each in its order, and a room that adds one adds a function and a
-- row. `says` is what it sees to, in the words of the page of an action.
CREATE TABLE gate.guard (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z_]{0,29}$'),
    position int NOT NULL UNIQUE,
    verbs text[] NOT NULL DEFAULT '{}',  -- empty: asked of every verb
    says text NOT NULL
);
CREATE VIEW reading.guard AS SELECT name, position, verbs, says FROM gate.guard;
GRANT SELECT ON reading.guard TO ethops_app;

-- One proposal with all that guards look at; `item` and `ci` are null where there is none, and
-- `given` is what the executor would be given.
CREATE TYPE gate.ask AS (
    run public.personas_run, intent public.personas_agentintent, card public.personas_card,
    token text, verb text, entry text, target text, args jsonb,
    item public.personas_catalogueentry, ci public.cmdb_ci, given jsonb);

CREATE FUNCTION gate.guard_run(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (p.run).state <> 'running' THEN format('the run is %s', (p.run).state) END
$$;

CREATE FUNCTION gate.guard_token(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p.token IS NULL
                  OR (p.run).token_hash IS DISTINCT FROM sha256(convert_to(p.token, 'UTF8'))
                THEN 'not the token of the step that is being taken' END
$$;

CREATE FUNCTION gate.guard_expiry(p gate.ask) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN (p.run).deadline < clock_timestamp() THEN 'the run is over its time' END
$$;

CREATE FUNCTION gate.guard_stop(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN gate.stopped() THEN 'ethops is stopped; only a named person resumes' END
$$;

CREATE FUNCTION gate.guard_budget(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (p.run).actions >= (p.run).max_actions
                THEN format('the run has used its %s actions', (p.run).max_actions) END
$$;

CREATE FUNCTION gate.guard_catalogue(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT coalesce((p.item).enabled, false)
                THEN format('%s is not in the catalogue', p.entry) END
$$;

-- A right covers the verb, and for a playbook the entry on CIs of the class, too.
CREATE FUNCTION gate.guard_grant(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN NOT EXISTS (SELECT 1 FROM public.personas_grant g
                          WHERE g.card_id = (p.run).card_id AND g.verb = p.verb)
            THEN format('no grant for %s covers %s', (p.run).card_id, p.verb)
        WHEN p.verb = 'playbook.run' AND NOT EXISTS (
                SELECT 1 FROM public.personas_grant g
                 WHERE g.card_id = (p.run).card_id AND g.verb = p.verb AND g.entry = p.entry
                   AND g.ci_class = coalesce((p.ci).ci_class, g.ci_class))
            THEN format('no grant for %s covers %s on a CI of class %s', (p.run).card_id, p.entry,
                        coalesce((p.ci).ci_class, 'unknown'))
    END
$$;

CREATE FUNCTION gate.guard_arguments(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_bad text;
BEGIN
    v_bad := gate.bad_args(gate.verb_parameters(p.verb), p.args);
    IF v_bad IS NOT NULL THEN RETURN format('%s: %s', p.verb, v_bad); END IF;
    IF p.verb = 'playbook.run' AND (p.ci).ref IS NOT NULL THEN
        v_bad := gate.bad_args((p.item).parameters, p.given);
        IF v_bad IS NOT NULL THEN
            RETURN format('%s of %s: %s', p.entry, p.target, v_bad);
        END IF;
    END IF;
    RETURN NULL;
END $$;

-- Fixed by the dispatcher: the ticket of the run, and its CIs.
CREATE FUNCTION gate.guard_scope(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN p.verb NOT IN ('playbook.run') THEN
            CASE WHEN p.target IS DISTINCT FROM (p.run).ticket_ref
                 THEN format('the run is for %s alone', (p.run).ticket_ref) END
        WHEN NOT (p.intent).scope ? p.target
            THEN format('%s is not a CI of %s', p.target, (p.run).ticket_ref)
        WHEN (p.ci).ref IS NULL THEN format('%s is not in the CMDB', p.target)
    END
$$;

CREATE FUNCTION gate.guard_join(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (p.intent).joined <> 'joined'
                THEN 'the alert was not joined to one CI: comment only' END
$$;

CREATE FUNCTION gate.guard_lifeline(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (p.ci).lifeline
                THEN format('%s is a lifeline: never without a person', p.target) END
$$;

CREATE FUNCTION gate.guard_pin(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (p.item).tree_hash IS DISTINCT FROM (p.item).approved_hash
                THEN format('%s has changed since it was approved', p.entry) END
$$;

CREATE FUNCTION gate.guard_ledger(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN gate.is_high((p.item).risk) AND NOT audit.trusted()
                THEN 'the ledger does not verify: a named person must acknowledge it' END
$$;

CREATE FUNCTION gate.guard_uses(p gate.ask) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_count int;
BEGIN
    -- Locked, so that two runs that ask at once are counted one after the other.
    PERFORM 1 FROM public.personas_catalogueentry WHERE name = p.entry FOR UPDATE;
    SELECT count(*) INTO v_count FROM public.personas_action a
     WHERE a.ticket_ref = (p.run).ticket_ref AND a.entry = p.entry AND a.target = p.target
       AND a.verdict = 'authorised' AND a.outcome NOT IN ('void', 'expired');
    IF v_count >= (p.item).max_per_ticket THEN
        RETURN format('%s was already used %s of %s times on this ticket', p.entry, v_count,
                      (p.item).max_per_ticket);
    END IF;
    SELECT count(*) INTO v_count FROM public.personas_action a
     WHERE a.entry = p.entry AND a.verdict = 'authorised'
       AND a.decided_at > clock_timestamp() - interval '1 hour';
    IF v_count >= (p.item).max_per_hour THEN
        RETURN format('%s was used %s times in an hour: a person must look', p.entry, v_count);
    END IF;
    RETURN NULL;
END $$;

INSERT INTO gate.guard (position, name, verbs, says) VALUES
    (10, 'run', '{}', 'the run is alive'),
    (20, 'token', '{}', 'the token is that of the step being taken'),
    (30, 'expiry', '{}', 'the run is within its time'),
    (40, 'stop', '{}', 'nobody has pressed the stop'),
    (50, 'budget', '{}', 'the run has actions left'),
    (58, 'catalogue', '{playbook.run}', 'the playbook is in the catalogue'),
    (60, 'grant', '{}', 'the card has the right'),
    (70, 'arguments', '{}', 'every argument matches its pattern'),
    (80, 'scope', '{}', 'it is of the run''s own ticket'),
    (100, 'join', '{playbook.run}', 'the alert was joined to one CI'),
    (110, 'lifeline', '{playbook.run}', 'the CI is no lifeline'),
    (120, 'pin', '{playbook.run}', 'the files are those that were approved'),
    (130, 'ledger', '{playbook.run}', 'the ledger verifies, or a person knows why not'),
    (140, 'uses', '{playbook.run}', 'uses per ticket and per hour are within bounds');
