-- What guards count is counted at once, after one turn was taken; and what is put down as an
-- observation takes nobody's turn. Nothing else is decided. Each of some twenty statements had to be
-- made ready anew at each proposal, which cost more than what it found. Frozen: a later change is a
-- new file and migration.

-- How often the like was permitted. Where it is missing, nobody has counted: then guards refuse.
CREATE TYPE gate.counted AS (
    runs bigint, ticket_changes bigint, ticket_uses bigint, hour_uses bigint, hour_here bigint,
    fleet bigint, other_entry text, other_ticket text);
ALTER TYPE gate.ask ADD ATTRIBUTE counted gate.counted;

-- As before, in one statement.
CREATE OR REPLACE FUNCTION gate.asked(p_run public.personas_run, p_token text, p_verb text,
    p_entry text, p_target text, p_args jsonb)
RETURNS gate.ask
LANGUAGE plpgsql STABLE AS $$
DECLARE v_ask gate.ask; v_touches boolean := gate.touches_ci(p_verb);
BEGIN
    -- Turns are taken by locks: who counts in a snapshot from before he waited counts too few, and
    -- does not see the stop either.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'what is so now is judged, in READ COMMITTED alone'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT p_run, i, p_token, p_verb, p_entry, p_target, p_args, e, c,
        -- A playbook's arguments are what the CI declares, never what an agent says.
        CASE WHEN p_verb = 'playbook.run'
             THEN gate.args_from_ci(coalesce(e.parameters, '{}'), coalesce(c.attributes, '{}'))
             ELSE p_args END,
        ROW(
        coalesce((SELECT s.stopped FROM public.personas_stop s WHERE s.id = 1), false),
        -- As gate.card_approved says.
        EXISTS (SELECT 1 FROM public.personas_card d
                  JOIN public.guardrails_cardapproval a ON a.card = d.name AND a.digest = d.digest
                   AND a.prompt_digest = coalesce(d.document ->> 'prompt_digest', '')
                 WHERE d.name = p_run.card_id AND d.enabled
                   AND coalesce(jsonb_typeof(d.document -> 'waiting'), 'null') = 'null'),
        EXISTS (SELECT 1 FROM public.personas_grant g
                 WHERE g.card_id = p_run.card_id AND g.verb = p_verb),
        NOT v_touches OR EXISTS (
            SELECT 1 FROM public.personas_grant g
             WHERE g.card_id = p_run.card_id AND g.verb = p_verb AND g.entry = p_entry
               AND g.ci_class = coalesce(c.ci_class, g.ci_class)),
        coalesce(j.read, 0) + coalesce(n.tokens_in, 0),
        coalesce(j.written, 0) + coalesce(n.tokens_out, 0),
        -- As gate.taint_of, gate.held_by and gate.major_of say.
        coalesce((SELECT b.trust FROM public.approvals_taint b WHERE b.run_id = p_run.id
                   ORDER BY gate.trust_rank(b.trust) DESC LIMIT 1), 'declared'),
        coalesce(k.assignee, ''),
        coalesce((SELECT m.ticket_id FROM public.tickets_major m
                   WHERE m.ticket_id IN (k.ref, k.parent_id) AND m.ended_at IS NULL LIMIT 1), ''),
        coalesce(r.refusing, false), coalesce(r.confirming, false),
        CASE WHEN v_touches THEN gate.level_on(p_run.card_id, p_entry, c.ci_class, c.ref) END,
        -- As gate.risk_of says of an entry of the catalogue.
        CASE WHEN p_verb = 'playbook.run' THEN e.risk
             WHEN gate.is_of_catalogue(p_verb)
             THEN gate.risk_of(p_run.card_id, p_verb, p_entry) END,
        CASE WHEN gate.is_of_catalogue(p_verb) THEN coalesce(
            (SELECT jsonb_object_agg(y.name, y.value) FROM public.autonomy_policy y), '{}') END,
        coalesce(j.thought, '{}'))::gate.known,
        NULL
      INTO STRICT v_ask
      FROM public.personas_agentintent i
      LEFT JOIN public.tickets_ticket k ON k.ref = p_run.ticket_ref
      LEFT JOIN public.cmdb_ci c ON v_touches AND c.ref = p_target AND NOT c.retired
      LEFT JOIN public.personas_catalogueentry e ON p_verb = 'playbook.run' AND e.name = p_entry
      LEFT JOIN public.autonomy_spent n ON n.run_id = p_run.id
     CROSS JOIN (SELECT (sum(one.tokens_asked) FILTER (WHERE one.finished_at IS NULL))::bigint AS read,
                        (sum(one.tokens_done) FILTER (WHERE one.finished_at IS NULL))::bigint AS written,
                        -- As gate.thought says of the step that is being taken.
                        (array_agg(jsonb_build_object('inference', one.id, 'slot', one.slot,
                                                      'model_digest', one.model_digest)
                                   ORDER BY one.created_at)
                            FILTER (WHERE one.step = p_run.steps + 1))[1] AS thought
                   FROM public.gpu_job one WHERE one.run = p_run.id) j
     CROSS JOIN (SELECT bool_or(l.effect <> 'confirm') AS refusing,
                        bool_or(l.effect = 'confirm') AS confirming
                   FROM public.guardrails_rule l
                  WHERE l.enabled AND gate.takes_in(l.applies -> 'verbs', p_verb)
                    AND gate.takes_in(l.applies -> 'cards', p_run.card_id)
                    AND gate.takes_in(l.applies -> 'entries', p_entry)) r
     WHERE i.id = p_run.intent_id;
    RETURN v_ask;
END $$;

-- Of all who ask for the same one after the other: entry or scope, then the fleet, then the CI, always
-- in this order.
CREATE FUNCTION gate.take_turn(p gate.ask) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF p.verb = 'playbook.run' THEN
        PERFORM 1 FROM public.personas_catalogueentry WHERE name = p.entry FOR UPDATE;
    ELSIF p.verb = 'command.run' THEN
        PERFORM 1 FROM public.guardrails_commandscope s
          WHERE s.card_id = (p.run).card_id AND s.name = p.entry FOR UPDATE;
    END IF;
    IF gate.would_only_look(p) THEN RETURN; END IF;
    PERFORM 1 FROM public.autonomy_breaker WHERE id = 1 FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO public.autonomy_breaker (id) VALUES (1) ON CONFLICT DO NOTHING;
        PERFORM 1 FROM public.autonomy_breaker WHERE id = 1 FOR UPDATE;
    END IF;
END $$;

-- Counts what is so now.
CREATE FUNCTION gate.count_now(p gate.ask) RETURNS gate.counted LANGUAGE plpgsql VOLATILE AS $$
DECLARE v gate.counted; v_since timestamptz := clock_timestamp() - interval '1 hour';
BEGIN
    SELECT (SELECT count(*) FROM public.personas_run WHERE ticket_ref = (p.run).ticket_ref),
           t.changes, t.uses, h.uses, h.here, gate.fleet_changes(v_since), o.entry, o.ticket_ref
      INTO v
      FROM (SELECT count(*) FILTER (WHERE gate.is_change(a.verb)
                                      AND NOT gate.only_looks(a.verb, a.risk)) AS changes,
                   count(*) FILTER (WHERE a.entry = p.entry AND a.target = p.target) AS uses
              FROM public.personas_action a
             WHERE a.ticket_ref = (p.run).ticket_ref AND a.verdict = 'authorised'
               AND a.outcome NOT IN ('void', 'expired')) t
     CROSS JOIN (SELECT count(*) AS uses, count(*) FILTER (WHERE a.target = p.target) AS here
                   FROM public.personas_action a
                  WHERE a.entry = p.entry AND a.entry <> '' AND a.verdict = 'authorised'
                    AND a.decided_at > v_since) h
      LEFT JOIN LATERAL (
            SELECT a.entry, a.ticket_ref FROM public.personas_action a
             WHERE a.verb IN ('playbook.run', 'command.run') AND a.target = p.target
               AND a.verdict = 'authorised' AND a.outcome = '' AND a.risk <> 'none'
               AND a.run_id IS DISTINCT FROM (p.run).id
             ORDER BY a.decided_at LIMIT 1) o ON true;
    RETURN v;
END $$;

-- Counted after the turn was taken. What may only observe permits nothing, so that two of them at
-- once take nothing from each other.
CREATE FUNCTION gate.count_for(p gate.ask) RETURNS gate.counted LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF gate.level_given(p) <> 'observe' THEN
        PERFORM gate.take_turn(p);
        IF (p.item).risk IS DISTINCT FROM 'none' AND NOT gate.would_only_look(p) THEN
            PERFORM 1 FROM public.cmdb_ci WHERE ref = p.target FOR NO KEY UPDATE;
        END IF;
    END IF;
    RETURN gate.count_now(p);
END $$;

-- Guards as before, but of what was counted.
CREATE OR REPLACE FUNCTION gate.guard_uses(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF (p.counted).ticket_uses IS NULL THEN RETURN 'nobody has counted the uses'; END IF;
    IF (p.counted).ticket_uses >= (p.item).max_per_ticket THEN
        RETURN format('%s was already used %s of %s times on this ticket', p.entry,
                      (p.counted).ticket_uses, (p.item).max_per_ticket);
    END IF;
    IF (p.counted).hour_uses >= (p.item).max_per_hour THEN
        RETURN format('%s was used %s times in an hour: a person must look', p.entry,
                      (p.counted).hour_uses);
    END IF;
    RETURN NULL;
END $$;

-- Its scope was locked with the turn.
CREATE OR REPLACE FUNCTION gate.guard_command_uses(p gate.ask) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_scope public.guardrails_commandscope; v_count int; v_since timestamptz;
BEGIN
    IF (p.counted).runs IS NULL THEN RETURN 'nobody has counted the uses'; END IF;
    SELECT s.* INTO v_scope FROM public.guardrails_commandscope s
     WHERE s.card_id = (p.run).card_id AND s.name = p.entry;
    SELECT count(*) INTO v_count FROM public.personas_action a
      JOIN public.personas_run r ON r.id = a.run_id
     WHERE a.ticket_ref = (p.run).ticket_ref AND a.verb = 'command.run' AND a.entry = p.entry
       AND r.card_id = (p.run).card_id AND a.verdict = 'authorised'
       AND a.outcome NOT IN ('void', 'expired');
    IF v_count >= v_scope.max_per_ticket THEN
        RETURN format('%s was already used %s of %s times on this ticket', p.entry, v_count,
                      v_scope.max_per_ticket);
    END IF;
    v_since := clock_timestamp() - interval '1 hour';
    SELECT count(*) INTO v_count FROM public.personas_action a
      JOIN public.personas_run r ON r.id = a.run_id
     WHERE a.verb = 'command.run' AND a.entry = p.entry AND a.entry <> ''
       AND r.card_id = (p.run).card_id AND a.verdict = 'authorised' AND a.decided_at > v_since;
    IF v_count >= v_scope.max_per_hour THEN
        RETURN format('%s was used %s times in an hour: a person must look', p.entry, v_count);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION gate.guard_ticket_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT gate.is_change(p.verb) THEN RETURN NULL; END IF;
    IF (p.counted).runs IS NULL THEN RETURN 'nobody has counted the runs of the ticket'; END IF;
    IF (p.counted).runs > gate.policy_of(p, 'ticket_runs') THEN
        RETURN format('the ticket has had %s runs: a person must look', (p.counted).runs);
    END IF;
    IF NOT gate.would_only_look(p)
            AND (p.counted).ticket_changes >= gate.policy_of(p, 'ticket_changes') THEN
        RETURN format('%s changes were made on this ticket: a person must look',
                      (p.counted).ticket_changes);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION gate.guard_fleet_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT gate.is_change(p.verb) OR gate.would_only_look(p) THEN RETURN NULL; END IF;
    IF (p.counted).fleet IS NULL THEN RETURN 'nobody has counted the changes of the fleet'; END IF;
    IF (p.counted).fleet >= gate.policy_of(p, 'fleet_changes_per_hour') THEN
        RETURN format('the fleet made %s changes within an hour: a person must look',
                      (p.counted).fleet);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION gate.guard_hour_share(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE v_most int := (p.item).max_per_hour; v_fleet double precision; v_kept int;
BEGIN
    IF (p.counted).fleet IS NULL THEN RETURN 'nobody has counted the uses of the hour'; END IF;
    IF v_most IS NOT NULL THEN
        IF (p.counted).hour_here >= gate.share_of(v_most, gate.policy_of(p, 'hour_share')) THEN
            RETURN format('%s was used %s times on %s within an hour, which is its share of %s: '
                'a person must look', p.entry, (p.counted).hour_here, p.target, v_most);
        END IF;
        v_kept := gate.kept_of(v_most, gate.policy_of(p, 'hour_reserve'));
        IF (p.counted).hour_uses >= v_most - v_kept AND (p.ci).impact IS DISTINCT FROM 1 THEN
            RETURN format('the last %s of %s uses of %s in an hour are kept for CIs of the highest '
                'impact', v_kept, v_most, p.entry);
        END IF;
    END IF;
    IF (p.item).risk IS NOT DISTINCT FROM 'none' OR gate.would_only_look(p)
            OR (p.ci).impact IS NOT DISTINCT FROM 1 THEN
        RETURN NULL;
    END IF;
    v_fleet := gate.policy_of(p, 'fleet_changes_per_hour');
    v_kept := gate.kept_of(v_fleet, gate.policy_of(p, 'hour_reserve'));
    IF (p.counted).fleet >= v_fleet - v_kept THEN
        RETURN format('the last %s of %s changes of the fleet in an hour are kept for CIs of the '
            'highest impact', v_kept, v_fleet);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION gate.guard_duplicate(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF (p.item).risk = 'none' OR gate.would_only_look(p) THEN RETURN NULL; END IF;
    IF (p.counted).fleet IS NULL THEN RETURN 'nobody has looked who else changes it'; END IF;
    RETURN CASE WHEN (p.counted).other_entry IS NOT NULL
        THEN format('%s on %s is not over, for %s', (p.counted).other_entry, p.target,
                    (p.counted).other_ticket) END;
END $$;

-- Whether a closed breaker has no reason to open: where nothing of a kind went wrong, or so little
-- was denied, gate.anomalies finds nothing either. In all other cases it is asked.
CREATE FUNCTION gate.is_calm(p gate.ask) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_denied double precision := gate.policy_of(p, 'breaker_denied');
    v_since timestamptz := clock_timestamp()
        - make_interval(secs => gate.policy_of(p, 'breaker_window_s'));
BEGIN
    IF (p.known).policy IS NULL OR least(v_denied, gate.policy_of(p, 'breaker_failed'),
                                         gate.policy_of(p, 'breaker_abandoned')) < 1 THEN
        RETURN false;
    END IF;
    RETURN (SELECT b.state = 'closed'
               AND NOT EXISTS (SELECT 1 FROM public.personas_action a
                                WHERE a.outcome = 'failed' AND a.settled_at > v_since)
               AND NOT EXISTS (SELECT 1 FROM public.audit_work w
                                WHERE w.state = 'in_doubt' AND w.claimed_at > v_since)
               AND NOT EXISTS (SELECT 1 FROM public.personas_run r
                                WHERE r.limit_hit <> '' AND r.ended_at > v_since)
               AND (SELECT count(*) FROM (SELECT 1 FROM public.personas_action a
                                           WHERE a.verdict = 'denied' AND a.decided_at > v_since
                                           LIMIT ceil(v_denied)::bigint) d) < v_denied
              FROM public.autonomy_breaker b WHERE b.id = 1);
END $$;

CREATE OR REPLACE FUNCTION gate.guard_breaker(p gate.ask) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN gate.is_change(p.verb) AND gate.is_calm(p) IS NOT TRUE
                THEN gate.broken_off() END
$$;

-- As before, in one statement, and in UTC whatever the session says.
CREATE OR REPLACE FUNCTION gate.guardrail_facts(p gate.ask) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE v_facts jsonb; v_now timestamp := clock_timestamp() AT TIME ZONE 'UTC';
BEGIN
    SELECT jsonb_build_object('verb', p.verb, 'card', (p.run).card_id, 'entry', p.entry,
            'risk', coalesce((p.item).risk, (p.known).risk,
                             CASE WHEN starts_with(p.verb, 'ticket.') THEN 'none' ELSE 'high' END),
            'run.priority', (p.intent).priority, 'run.joined', (p.intent).joined,
            'time.date', to_char(v_now, 'YYYY-MM-DD'), 'time.hour', extract(hour FROM v_now)::int,
            'time.weekday', to_char(v_now, 'dy'),
            'text', coalesce((SELECT string_agg(v.value, ' ' ORDER BY v.key)
                                FROM jsonb_each_text(p.given) v), ''))
        || CASE WHEN p.verb = 'command.run'
                THEN gate.argv_facts(gate.argv_of(p.given ->> 'argv')) ELSE '{}' END
        || gate.family('args.', p.given) || gate.family('intent.', (p.intent).inputs)
        || CASE WHEN (p.ci).ref IS NULL THEN '{}' ELSE
            jsonb_build_object('ci.ref', (p.ci).ref, 'ci.class', (p.ci).ci_class,
                'ci.impact', (p.ci).impact, 'ci.user_facing', (p.ci).user_facing,
                'ci.lifeline', (p.ci).lifeline,
                'ci.maintenance', (p.ci).attributes ? 'maintenance_until'
                                  AND gate.in_maintenance((p.ci).attributes))
            || gate.family('ci.attribute.', (p.ci).attributes) END
        || coalesce((SELECT jsonb_build_object('ticket.class', k.ticket_class,
                'ticket.state', k.state, 'ticket.priority', k.priority, 'ticket.team', k.team,
                'ticket.impact', k.impact, 'ticket.urgency', k.urgency)
               FROM public.tickets_ticket k WHERE k.ref = (p.run).ticket_ref), '{}')
      INTO v_facts;
    RETURN v_facts;
END $$;

-- As before; an observation is weighed against nothing.
CREATE OR REPLACE FUNCTION gate.weighed(p_decision gate.decision, p_run public.personas_run,
    p_verb text, p_entry text, p_target text)
RETURNS gate.decision LANGUAGE plpgsql STABLE AS $$
DECLARE v gate.decision := p_decision; v_class text := 'standard';
BEGIN
    IF v.verdict = 'denied' OR v.level = 'observe' THEN RETURN v; END IF;
    -- A ticket is moved by no entry, whatever is said.
    IF p_entry <> '' AND gate.is_of_catalogue(p_verb) THEN
        v_class := gate.change_class(gate.risk_of(p_run.card_id, p_verb, p_entry),
                                     p_run.ticket_ref);
    END IF;
    IF v_class <> 'standard' AND v.level IN ('veto', 'act') THEN v.level := 'propose'; END IF;
    IF v.level = 'propose' THEN
        v.verdict := 'proposed'; v.guard := 'approval';
        v.reason := format('%s change: a person approves it', v_class);
    ELSIF v.level = 'veto' THEN
        v.verdict := 'authorised'; v.guard := ''; v.reason := '';
    END IF;
    IF v.level IN ('propose', 'veto') AND EXISTS (SELECT 1 FROM public.approvals_approval
            WHERE state = 'waiting' AND ticket_ref = p_run.ticket_ref AND entry = p_entry
              AND target = p_target) THEN
        RETURN gate.deny('approval', format('%s on %s waits for a person already', p_entry,
                                            p_target));
    END IF;
    RETURN v;
END $$;

-- Guards that need what was counted, and where it is counted: before the first of them is asked.
ALTER TABLE gate.guard ADD COLUMN counts boolean NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION gate.write_out_guards() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_asks text; v_always boolean; v_verbs text[];
BEGIN
    SELECT string_agg(CASE WHEN r.counts AND r.nth = 1 THEN $q$
    IF gate.is_change(p.verb) THEN p.counted := gate.count_for(p); END IF;$q$ ELSE '' END
                      || format($q$
    IF %s THEN
        v_said := coalesce(%s);
        IF v_said IS NOT NULL THEN RETURN gate.denied_as(v_said); END IF;
    END IF;$q$, CASE WHEN r.verbs = '{}' THEN 'true'
                     ELSE format('p.verb = ANY (%L::text[])', r.verbs) END, r.asks),
                '' ORDER BY r.first),
           bool_or(r.verbs = '{}')
      INTO v_asks, v_always
      FROM (SELECT g.*, row_number() OVER (PARTITION BY g.counts ORDER BY g.first) AS nth
              FROM (SELECT n.verbs, min(n.position) AS first, bool_or(n.counts) AS counts,
                           string_agg(
                       format('%L || gate.%I(p)', n.name || ' ', 'guard_' || n.name), $q$,
            $q$ ORDER BY n.position) AS asks
                      FROM (SELECT g.*, row_number() OVER (ORDER BY g.position)
                                 - row_number() OVER (PARTITION BY g.verbs ORDER BY g.position) AS row
                              FROM gate.guard g) n
                     GROUP BY n.verbs, n.row) g) r;
    SELECT array_agg(DISTINCT u.verb ORDER BY u.verb) INTO v_verbs
      FROM gate.guard g, unnest(g.verbs) u(verb);
    EXECUTE format($q$
CREATE OR REPLACE FUNCTION gate.denied_by(p gate.ask) RETURNS gate.decision
LANGUAGE plpgsql AS $f$
-- Written out from gate.guard by gate.write_out_guards, whenever a row of it changes.
DECLARE v_said text;
BEGIN
    IF NOT (%L::boolean OR p.verb = ANY (%L::text[])) THEN
        RETURN gate.deny('guard', 'no guard stands');
    END IF;%s
    RETURN NULL;
END $f$ $q$, coalesce(v_always, false), coalesce(v_verbs, '{}'), coalesce(v_asks, ''));
    RETURN NULL;
END $$;
UPDATE gate.guard SET counts = true
 WHERE name IN ('uses', 'command_uses', 'ticket_ceiling', 'fleet_ceiling', 'hour_share', 'duplicate');

-- As before, and what a person permits is counted as well, after its turn was taken; who else changes
-- the CI is not asked, so that it is not locked.
CREATE OR REPLACE FUNCTION gate.judged_again(p_action uuid) RETURNS gate.ruling
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_ask gate.ask := gate.ask_again(p_action); v_guard record; v_says text;
BEGIN
    FOR v_guard IN SELECT name, counts FROM gate.guard
         WHERE name NOT IN ('run', 'token', 'expiry', 'budget', 'tokens', 'duplicate')
           AND (verbs = '{}' OR v_ask.verb = ANY (verbs)) ORDER BY position
    LOOP
        IF v_guard.counts AND v_ask.counted IS NULL AND gate.is_change(v_ask.verb) THEN
            PERFORM gate.take_turn(v_ask);
            v_ask.counted := gate.count_now(v_ask);
        END IF;
        EXECUTE format('SELECT gate.%I($1)', 'guard_' || v_guard.name) INTO v_says USING v_ask;
        IF v_says IS NOT NULL THEN
            RETURN ('approvals.guard', format('%s: %s', v_guard.name, v_says))::gate.ruling;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- The numbers of the policy are read as they are, whatever a session says of digits.
ALTER FUNCTION gate.propose(uuid, text, int, text, text, text, text, text, text, text, text)
    SET extra_float_digits = 1;
ALTER FUNCTION gate.judged_again(uuid) SET extra_float_digits = 1;

REVOKE ALL ON FUNCTION gate.take_turn(gate.ask), gate.count_now(gate.ask), gate.count_for(gate.ask),
    gate.is_calm(gate.ask) FROM PUBLIC;
