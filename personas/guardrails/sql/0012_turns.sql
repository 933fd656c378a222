-- A turn is taken in one function, and counted in another; guards of what was counted are conditions that
-- need no call. Nothing else is decided. Frozen: a later change is a new file and migration.

-- Of all who ask for the same one after the other: entry or scope, then the fleet, then the CI where it
-- is asked who else changes it, always in this order.
CREATE FUNCTION gate.take_turn(p gate.ask, p_ci boolean) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
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
    IF p_ci AND (p.item).risk IS DISTINCT FROM 'none' THEN
        PERFORM 1 FROM public.cmdb_ci WHERE ref = p.target FOR NO KEY UPDATE;
    END IF;
END $$;

-- As before.
CREATE OR REPLACE FUNCTION gate.guard_uses(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN (p.counted).ticket_uses IS NULL THEN 'nobody has counted the uses'
        WHEN (p.counted).ticket_uses >= (p.item).max_per_ticket
            THEN format('%s was already used %s of %s times on this ticket', p.entry,
                        (p.counted).ticket_uses, (p.item).max_per_ticket)
        WHEN (p.counted).hour_uses >= (p.item).max_per_hour
            THEN format('%s was used %s times in an hour: a person must look', p.entry,
                        (p.counted).hour_uses)
    END
$$;

CREATE OR REPLACE FUNCTION gate.guard_ticket_ceiling(p gate.ask) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN NOT gate.is_change(p.verb) THEN NULL
        WHEN (p.counted).runs IS NULL THEN 'nobody has counted the runs of the ticket'
        WHEN (p.counted).runs > gate.policy_of(p, 'ticket_runs')
            THEN format('the ticket has had %s runs: a person must look', (p.counted).runs)
        WHEN (p.counted).ticket_changes >= gate.policy_of(p, 'ticket_changes')
                AND NOT gate.would_only_look(p)
            THEN format('%s changes were made on this ticket: a person must look',
                        (p.counted).ticket_changes)
    END
$$;

CREATE OR REPLACE FUNCTION gate.guard_fleet_ceiling(p gate.ask) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN NOT gate.is_change(p.verb) OR gate.would_only_look(p) THEN NULL
        WHEN (p.counted).fleet IS NULL THEN 'nobody has counted the changes of the fleet'
        WHEN (p.counted).fleet >= gate.policy_of(p, 'fleet_changes_per_hour')
            THEN format('the fleet made %s changes within an hour: a person must look',
                        (p.counted).fleet)
    END
$$;

CREATE OR REPLACE FUNCTION gate.guard_duplicate(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN (p.item).risk = 'none' OR gate.would_only_look(p) THEN NULL
        WHEN (p.counted).fleet IS NULL THEN 'nobody has looked who else changes it'
        WHEN (p.counted).other_entry IS NOT NULL
            THEN format('%s on %s is not over, for %s', (p.counted).other_entry, p.target,
                        (p.counted).other_ticket)
    END
$$;

-- As before; what is empty has no facts.
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
        || CASE WHEN p.given = '{}' THEN '{}' ELSE gate.family('args.', p.given) END
        || CASE WHEN (p.intent).inputs = '{}' THEN '{}'
                ELSE gate.family('intent.', (p.intent).inputs) END
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

-- It is counted before the first guard that needs it is asked, after the turn was taken. What may only
-- observe permits nothing, so that two of them at once take nothing from each other.
CREATE OR REPLACE FUNCTION gate.write_out_guards() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_asks text; v_always boolean; v_verbs text[];
BEGIN
    SELECT string_agg(CASE WHEN r.counts AND r.nth = 1 THEN $q$
    IF gate.is_change(p.verb) THEN
        IF gate.level_given(p) <> 'observe' THEN PERFORM gate.take_turn(p, true); END IF;
        p.counted := gate.count_now(p);
    END IF;$q$ ELSE '' END
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
-- Has the guards written out again.
UPDATE gate.guard SET counts = counts;

-- As before, by the same turn; who else changes the CI is not asked, so that it is not locked.
CREATE OR REPLACE FUNCTION gate.judged_again(p_action uuid) RETURNS gate.ruling
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_ask gate.ask := gate.ask_again(p_action); v_guard record; v_says text;
BEGIN
    FOR v_guard IN SELECT name, counts FROM gate.guard
         WHERE name NOT IN ('run', 'token', 'expiry', 'budget', 'tokens', 'duplicate')
           AND (verbs = '{}' OR v_ask.verb = ANY (verbs)) ORDER BY position
    LOOP
        IF v_guard.counts AND v_ask.counted IS NULL AND gate.is_change(v_ask.verb) THEN
            PERFORM gate.take_turn(v_ask, false);
            v_ask.counted := gate.count_now(v_ask);
        END IF;
        EXECUTE format('SELECT gate.%I($1)', 'guard_' || v_guard.name) INTO v_says USING v_ask;
        IF v_says IS NOT NULL THEN
            RETURN ('approvals.guard', format('%s: %s', v_guard.name, v_says))::gate.ruling;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
ALTER FUNCTION gate.judged_again(uuid) SET extra_float_digits = 1;

DROP FUNCTION gate.count_for(gate.ask), gate.take_turn(gate.ask);
REVOKE ALL ON FUNCTION gate.take_turn(gate.ask, boolean) FROM PUBLIC;
