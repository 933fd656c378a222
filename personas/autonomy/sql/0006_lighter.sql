-- The guard of tokens reads what a run has spent, and nothing else that a limit is about: it is
-- asked at each proposal. Open questions count as they were estimated, as everywhere in the gate.
CREATE OR REPLACE FUNCTION gate.guard_tokens(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_in bigint; v_out bigint; v_limit text; v_limits jsonb;
BEGIN
    SELECT coalesce(sum(t.tokens_in), 0), coalesce(sum(t.tokens_out), 0) INTO v_in, v_out FROM (
        SELECT s.tokens_in, s.tokens_out FROM public.autonomy_spent s WHERE s.run_id = (p.run).id
        UNION ALL
        SELECT j.tokens_asked, j.tokens_done FROM public.gpu_job j
         WHERE j.run = (p.run).id AND j.finished_at IS NULL) t;
    -- Who has spent nothing is over no limit, and there is no limit below nothing.
    IF v_in = 0 AND v_out = 0 THEN RETURN NULL; END IF;
    v_limits := gate.run_limits((p.run).id);
    v_limit := CASE WHEN v_in > (v_limits ->> 'tokens_in')::bigint THEN 'tokens_in'
                    WHEN v_out > (v_limits ->> 'tokens_out')::bigint THEN 'tokens_out' END;
    IF v_limit IS NOT NULL THEN
        RETURN format('the run is over its limit %s of %s', v_limit, v_limits ->> v_limit);
    END IF;
    RETURN NULL;
END $$;

-- As before. The hour begins at one moment: compared with a clock that goes on, every change there
-- ever was would be read, and not those of the hour.
CREATE OR REPLACE FUNCTION gate.guard_fleet_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_count bigint; v_since timestamptz;
BEGIN
    IF NOT gate.is_change(p.verb) THEN RETURN NULL; END IF;
    INSERT INTO public.autonomy_breaker (id) VALUES (1) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM public.autonomy_breaker WHERE id = 1 FOR UPDATE;
    v_since := clock_timestamp() - interval '1 hour';
    SELECT count(*) INTO v_count FROM public.personas_action a
     WHERE a.verdict = 'authorised' AND a.verb NOT LIKE 'ticket.%' AND a.verb <> 'notify'
       AND a.decided_at > v_since AND a.risk <> 'none';
    IF v_count >= gate.policy('fleet_changes_per_hour') THEN
        RETURN format('the fleet made %s changes within an hour: a person must look', v_count);
    END IF;
    RETURN NULL;
END $$;

-- As before, with the hour as above.
CREATE OR REPLACE FUNCTION gate.guard_hour_share(p gate.ask) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_most int := (p.item).max_per_hour; v_kept int; v record; v_fleet bigint;
    v_since timestamptz;
BEGIN
    IF v_most IS NOT NULL THEN
        PERFORM 1 FROM public.personas_catalogueentry WHERE name = p.entry FOR UPDATE;
        v_since := clock_timestamp() - interval '1 hour';
        SELECT count(*) AS used, count(*) FILTER (WHERE a.target = p.target) AS here INTO v
          FROM public.personas_action a
         WHERE a.entry = p.entry AND a.entry <> '' AND a.verdict = 'authorised'
           AND a.decided_at > v_since;
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
    v_since := clock_timestamp() - interval '1 hour';
    SELECT count(*) INTO v_fleet FROM public.personas_action a
     WHERE a.verdict = 'authorised' AND a.verb NOT LIKE 'ticket.%' AND a.verb <> 'notify'
       AND a.decided_at > v_since AND a.risk <> 'none';
    v_kept := gate.hour_reserve(gate.policy('fleet_changes_per_hour'));
    IF v_fleet >= gate.policy('fleet_changes_per_hour') - v_kept THEN
        RETURN format('the last %s of %s changes of the fleet in an hour are kept for CIs of the '
            'highest impact', v_kept, gate.policy('fleet_changes_per_hour'));
    END IF;
    RETURN NULL;
END $$;
