-- An hour's bound is shared out, so that who makes trouble on a few CIs uses up nobody else's repair.
-- Frozen: a later change is a new file and migration.

-- As before, and the two numbers of this file.
CREATE OR REPLACE FUNCTION gate.policy(p_name text) RETURNS double precision
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(
        (SELECT value FROM public.autonomy_policy WHERE name = p_name),
        CASE p_name
            WHEN 'ticket_runs' THEN 12
            WHEN 'ticket_changes' THEN 4
            WHEN 'fleet_changes_per_hour' THEN 30
            WHEN 'hour_share' THEN 0.5
            WHEN 'hour_reserve' THEN 0.25
            WHEN 'breaker_window_s' THEN 600
            WHEN 'breaker_failed' THEN 10
            WHEN 'breaker_denied' THEN 40
            WHEN 'breaker_abandoned' THEN 10
            WHEN 'breaker_calm_s' THEN 900
            WHEN 'breaker_probes' THEN 3
            WHEN 'veto_least' THEN 8
            WHEN 'veto_lower' THEN 0.6
            WHEN 'act_least' THEN 12
            WHEN 'act_lower' THEN 0.75
            WHEN 'reopened_within_s' THEN 86400
        END)
$$;

-- How many uses of a bound one CI may have, and how many are kept for CIs of the highest impact.
CREATE FUNCTION gate.hour_share(p_most double precision) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN share > 0 THEN greatest(1, ceil(share * p_most)::int) ELSE 0 END
      FROM (SELECT gate.policy('hour_share') AS share) s
$$;
CREATE FUNCTION gate.hour_reserve(p_most double precision) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT floor(gate.policy('hour_reserve') * p_most)::int
$$;

-- By the CI's declared impact and not by the ticket's priority, which a model has its say about.
-- Whoever asks at once is counted one after the other: the rows are locked as the bounds lock them.
CREATE FUNCTION gate.guard_hour_share(p gate.ask) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_most int := (p.item).max_per_hour; v_kept int; v record; v_fleet bigint;
BEGIN
    IF v_most IS NOT NULL THEN
        PERFORM 1 FROM public.personas_catalogueentry WHERE name = p.entry FOR UPDATE;
        SELECT count(*) AS used, count(*) FILTER (WHERE a.target = p.target) AS here INTO v
          FROM public.personas_action a
         WHERE a.entry = p.entry AND a.verdict = 'authorised'
           AND a.decided_at > clock_timestamp() - interval '1 hour';
        IF v.here >= gate.hour_share(v_most) THEN
            RETURN format('%s was used %s times on %s within an hour, which is its share of %s: '
                'a person must look', p.entry, v.here, p.target, v_most);
        END IF;
        v_kept := gate.hour_reserve(v_most);
        IF v.used >= v_most - v_kept AND (p.ci).impact IS DISTINCT FROM 1 THEN
            RETURN format('the last %s of %s uses of %s in an hour are kept for CIs of the highest '
                'impact', v_kept, v_most, p.entry);
        END IF;
    END IF;
    IF (p.item).risk IS NOT DISTINCT FROM 'none' OR (p.ci).impact IS NOT DISTINCT FROM 1 THEN
        RETURN NULL;
    END IF;
    SELECT count(*) INTO v_fleet FROM public.personas_action a
     WHERE a.verdict = 'authorised' AND a.verb NOT LIKE 'ticket.%' AND a.verb <> 'notify'
       AND a.decided_at > clock_timestamp() - interval '1 hour' AND a.risk <> 'none';
    v_kept := gate.hour_reserve(gate.policy('fleet_changes_per_hour'));
    IF v_fleet >= gate.policy('fleet_changes_per_hour') - v_kept THEN
        RETURN format('the last %s of %s changes of the fleet in an hour are kept for CIs of the '
            'highest impact', v_kept, gate.policy('fleet_changes_per_hour'));
    END IF;
    RETURN NULL;
END $$;

-- After the bounds themselves, which lock what is counted here.
INSERT INTO gate.guard (position, name, verbs, says) VALUES
    (148, 'hour_share', '{playbook.run}', 'others have their share of the hour''s uses');

REVOKE ALL ON FUNCTION gate.hour_share(double precision), gate.hour_reserve(double precision),
    gate.guard_hour_share(gate.ask) FROM PUBLIC;
