-- What is counted, with the numbers of the policy as they are known. Nothing else is decided.

CREATE OR REPLACE FUNCTION gate.guard_ticket_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE v_runs bigint; v_changes bigint;
BEGIN
    IF NOT gate.is_change(p.verb) THEN RETURN NULL; END IF;
    SELECT (SELECT count(*) FROM public.personas_run WHERE ticket_ref = (p.run).ticket_ref),
           CASE WHEN NOT gate.would_only_look(p) THEN (
               SELECT count(*) FROM public.personas_action a
                WHERE a.ticket_ref = (p.run).ticket_ref AND a.verdict = 'authorised'
                  AND gate.is_change(a.verb) AND NOT gate.only_looks(a.verb, a.risk)
                  AND a.outcome NOT IN ('void', 'expired')) END
      INTO v_runs, v_changes;
    IF v_runs > gate.policy_of(p, 'ticket_runs') THEN
        RETURN format('the ticket has had %s runs: a person must look', v_runs);
    END IF;
    IF v_changes >= gate.policy_of(p, 'ticket_changes') THEN
        RETURN format('%s changes were made on this ticket: a person must look', v_changes);
    END IF;
    RETURN NULL;
END $$;

-- How many changes the fleet made since then.
CREATE FUNCTION gate.fleet_changes(p_since timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (SELECT count(*) FROM public.personas_action a
             WHERE a.verdict = 'authorised' AND a.verb NOT LIKE 'ticket.%' AND a.verb <> 'notify'
               AND a.decided_at > p_since AND a.risk <> 'none');
END $$;

CREATE OR REPLACE FUNCTION gate.guard_fleet_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_count bigint;
BEGIN
    IF NOT gate.is_change(p.verb) OR gate.would_only_look(p) THEN RETURN NULL; END IF;
    PERFORM 1 FROM public.autonomy_breaker WHERE id = 1 FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO public.autonomy_breaker (id) VALUES (1) ON CONFLICT DO NOTHING;
        PERFORM 1 FROM public.autonomy_breaker WHERE id = 1 FOR UPDATE;
    END IF;
    v_count := gate.fleet_changes(clock_timestamp() - interval '1 hour');
    IF v_count >= gate.policy_of(p, 'fleet_changes_per_hour') THEN
        RETURN format('the fleet made %s changes within an hour: a person must look', v_count);
    END IF;
    RETURN NULL;
END $$;

-- How many uses of a bound one CI may have, and how many are kept for CIs of the highest impact.
CREATE FUNCTION gate.share_of(p_most double precision, p_share double precision) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_share > 0 THEN greatest(1, ceil(p_share * p_most)::int) ELSE 0 END
$$;
CREATE FUNCTION gate.kept_of(p_most double precision, p_reserve double precision) RETURNS int
LANGUAGE sql IMMUTABLE AS $$ SELECT floor(p_reserve * p_most)::int $$;

CREATE OR REPLACE FUNCTION gate.guard_hour_share(p gate.ask) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_most int := (p.item).max_per_hour; v_fleet double precision;
    v_kept int; v record; v_changes bigint; v_since timestamptz;
BEGIN
    IF v_most IS NOT NULL THEN
        PERFORM 1 FROM public.personas_catalogueentry WHERE name = p.entry FOR UPDATE;
        v_since := clock_timestamp() - interval '1 hour';
        SELECT count(*) AS used, count(*) FILTER (WHERE a.target = p.target) AS here INTO v
          FROM public.personas_action a
         WHERE a.entry = p.entry AND a.entry <> '' AND a.verdict = 'authorised'
           AND a.decided_at > v_since;
        IF v.here >= gate.share_of(v_most, gate.policy_of(p, 'hour_share')) THEN
            RETURN format('%s was used %s times on %s within an hour, which is its share of %s: '
                'a person must look', p.entry, v.here, p.target, v_most);
        END IF;
        v_kept := gate.kept_of(v_most, gate.policy_of(p, 'hour_reserve'));
        IF v.used >= v_most - v_kept AND (p.ci).impact IS DISTINCT FROM 1 THEN
            RETURN format('the last %s of %s uses of %s in an hour are kept for CIs of the highest '
                'impact', v_kept, v_most, p.entry);
        END IF;
    END IF;
    IF (p.item).risk IS NOT DISTINCT FROM 'none' OR gate.would_only_look(p)
            OR (p.ci).impact IS NOT DISTINCT FROM 1 THEN
        RETURN NULL;
    END IF;
    v_changes := gate.fleet_changes(clock_timestamp() - interval '1 hour');
    v_fleet := gate.policy_of(p, 'fleet_changes_per_hour');
    v_kept := gate.kept_of(v_fleet, gate.policy_of(p, 'hour_reserve'));
    IF v_changes >= v_fleet - v_kept THEN
        RETURN format('the last %s of %s changes of the fleet in an hour are kept for CIs of the '
            'highest impact', v_kept, v_fleet);
    END IF;
    RETURN NULL;
END $$;
DROP FUNCTION gate.hour_share(double precision), gate.hour_reserve(double precision);

-- As before: all numbers of the policy are read at once.
CREATE OR REPLACE FUNCTION gate.anomalies(p_since timestamptz)
RETURNS TABLE (rule text, seen bigint, most double precision, newest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH given AS (SELECT jsonb_object_agg(name, value) AS numbers FROM public.autonomy_policy)
    SELECT f.rule, f.seen, coalesce((g.numbers ->> ('breaker_' || f.rule))::double precision,
                                    gate.policy_default('breaker_' || f.rule)), f.newest
      FROM given g, LATERAL (
        SELECT 'failed' AS rule, count(*) AS seen, max(at) AS newest FROM (
            (SELECT settled_at AS at FROM public.personas_action
              WHERE outcome = 'failed' AND settled_at > p_since AND gate.is_change(verb)
                AND NOT gate.only_looks(verb, risk)
                AND result ->> 'code' IS DISTINCT FROM 'executor.stopped'
              ORDER BY settled_at DESC LIMIT 1000)
            UNION ALL
            (SELECT w.claimed_at FROM public.audit_work w
               JOIN public.personas_action a ON a.id = w.id
              WHERE w.kind = 'effect' AND w.state = 'in_doubt' AND w.claimed_at > p_since
                AND gate.is_change(a.verb) AND NOT gate.only_looks(a.verb, a.risk)
              LIMIT 1000)) bad
        UNION ALL
        SELECT 'denied', count(*), max(decided_at) FROM (
            SELECT decided_at FROM public.personas_action
             WHERE verdict = 'denied' AND decided_at > p_since
               AND guard NOT IN ('stop', 'breaker', 'run', 'token')
             ORDER BY decided_at DESC LIMIT 1000) refused
        UNION ALL
        SELECT 'abandoned', count(*), max(ended_at) FROM (
            SELECT ended_at FROM public.personas_run
             WHERE limit_hit <> '' AND ended_at > p_since ORDER BY ended_at DESC LIMIT 1000) over
      ) f
$$;

-- As before: what is asked of an open breaker alone is asked of an open one, and what has not moved
-- is not read again.
CREATE OR REPLACE FUNCTION gate.mind_breaker() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.autonomy_breaker%ROWTYPE; v_bad record; v_since timestamptz; v_probes bigint;
    v_window interval := make_interval(secs => gate.policy('breaker_window_s'));
    v_calm double precision;
BEGIN
    SELECT * INTO v FROM public.autonomy_breaker WHERE id = 1;
    IF NOT FOUND THEN
        INSERT INTO public.autonomy_breaker (id) VALUES (1) ON CONFLICT DO NOTHING;
        SELECT * INTO STRICT v FROM public.autonomy_breaker WHERE id = 1;
    END IF;
    -- Half open, one thing that goes wrong is enough.
    v_since := CASE v.state WHEN 'half_open' THEN v.since
        ELSE greatest(clock_timestamp() - v_window, v.closed_at) END;
    SELECT * INTO v_bad FROM gate.anomalies(v_since) a
     WHERE a.seen >= CASE WHEN v.state = 'half_open' AND a.rule = 'failed' THEN 1 ELSE a.most END
     ORDER BY a.seen / greatest(a.most, 1) DESC LIMIT 1;
    IF v.state <> 'open' AND FOUND THEN
        PERFORM gate.move_breaker(v.state, 'open', v_bad.rule, format(
            '%s times %s within %s s, and at most %s is bearable', v_bad.seen, v_bad.rule,
            round(extract(epoch FROM clock_timestamp() - v_since)), v_bad.most), '');
    ELSIF v.state = 'open' THEN
        v_calm := gate.policy('breaker_calm_s');
        IF v_calm > 0 AND greatest(v.since,
                (SELECT max(newest) FROM gate.anomalies(clock_timestamp() - v_window)))
                < clock_timestamp() - make_interval(secs => v_calm) THEN
            PERFORM gate.move_breaker('open', 'half_open', v.rule, format(
                'nothing went wrong for %s s: one change at a time is tried', v_calm), '');
        END IF;
    ELSIF v.state = 'half_open' THEN
        SELECT count(*) INTO v_probes FROM public.personas_action a
         WHERE a.outcome = 'done' AND a.settled_at > v.since AND gate.is_change(a.verb)
           AND NOT gate.only_looks(a.verb, a.risk);
        IF v_probes >= gate.policy('breaker_probes') THEN
            PERFORM gate.move_breaker('half_open', 'closed', v.rule,
                format('%s changes in a row went well', v_probes), 'itself');
        END IF;
    ELSE
        RETURN v.state;
    END IF;
    RETURN (SELECT state FROM public.autonomy_breaker WHERE id = 1);
END $$;
