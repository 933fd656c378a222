-- What commands count for: changes where they change something, nothing where they only look. A play
-- is a change in any case: it opens one.

CREATE FUNCTION gate.only_looks(p_verb text, p_risk text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT p_verb = 'command.run' AND p_risk = 'none'
$$;

CREATE FUNCTION gate.would_only_look(p gate.ask) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(p.verb = 'command.run'
        AND gate.only_looks(p.verb, gate.risk_of((p.run).card_id, p.verb, p.entry)), false)
$$;

-- As before, by the risk of whatever bounds it.
CREATE OR REPLACE FUNCTION gate.guard_ledger(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN gate.is_high(coalesce((p.item).risk,
                        gate.risk_of((p.run).card_id, p.verb, p.entry))) AND NOT audit.trusted()
                THEN 'the ledger does not verify: a named person must acknowledge it' END
$$;

-- As before, and: commands that change something and plays keep clear of each other.
CREATE OR REPLACE FUNCTION gate.guard_duplicate(p gate.ask) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record;
BEGIN
    IF (p.item).risk = 'none' OR gate.would_only_look(p) THEN RETURN NULL; END IF;
    PERFORM 1 FROM public.cmdb_ci WHERE ref = p.target FOR NO KEY UPDATE;
    SELECT a.entry, a.ticket_ref INTO v FROM public.personas_action a
     WHERE a.verb IN ('playbook.run', 'command.run') AND a.target = p.target
       AND a.verdict = 'authorised'
       AND a.outcome = '' AND a.risk <> 'none' AND a.run_id IS DISTINCT FROM (p.run).id
     ORDER BY a.decided_at LIMIT 1;
    RETURN CASE WHEN v.entry IS NOT NULL
        THEN format('%s on %s is not over, for %s', v.entry, p.target, v.ticket_ref) END;
END $$;

-- As before, but what only looks is neither counted nor kept from looking.
CREATE OR REPLACE FUNCTION gate.guard_ticket_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_count bigint;
BEGIN
    IF NOT gate.is_change(p.verb) THEN RETURN NULL; END IF;
    SELECT count(*) INTO v_count FROM public.personas_run
     WHERE ticket_ref = (p.run).ticket_ref;
    IF v_count > gate.policy('ticket_runs') THEN
        RETURN format('the ticket has had %s runs: a person must look', v_count);
    END IF;
    IF gate.would_only_look(p) THEN RETURN NULL; END IF;
    SELECT count(*) INTO v_count FROM public.personas_action a
     WHERE a.ticket_ref = (p.run).ticket_ref AND a.verdict = 'authorised'
       AND gate.is_change(a.verb) AND NOT gate.only_looks(a.verb, a.risk)
       AND a.outcome NOT IN ('void', 'expired');
    IF v_count >= gate.policy('ticket_changes') THEN
        RETURN format('%s changes were made on this ticket: a person must look', v_count);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION gate.guard_fleet_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_count bigint; v_since timestamptz;
BEGIN
    IF NOT gate.is_change(p.verb) OR gate.would_only_look(p) THEN RETURN NULL; END IF;
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

-- As before, and: of the fleet's hour commands keep the same free for others.
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
    IF (p.item).risk IS NOT DISTINCT FROM 'none' OR gate.would_only_look(p)
            OR (p.ci).impact IS NOT DISTINCT FROM 1 THEN
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

-- As before, but a look that fails has harmed nothing.
CREATE OR REPLACE FUNCTION gate.anomalies(p_since timestamptz)
RETURNS TABLE (rule text, seen bigint, most double precision, newest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT 'failed', count(*), gate.policy('breaker_failed'), max(at) FROM (
        (SELECT settled_at AS at FROM public.personas_action
          WHERE outcome = 'failed' AND settled_at > p_since AND gate.is_change(verb)
            AND NOT gate.only_looks(verb, risk)
            AND result ->> 'code' IS DISTINCT FROM 'executor.stopped'
          ORDER BY settled_at DESC LIMIT 1000)
        UNION ALL
        (SELECT w.claimed_at FROM public.audit_work w
           JOIN public.personas_action a ON a.id = w.id
          WHERE w.kind = 'effect' AND w.state = 'in_doubt' AND w.claimed_at > p_since
            AND gate.is_change(a.verb) AND NOT gate.only_looks(a.verb, a.risk) LIMIT 1000)) bad
    UNION ALL
    SELECT 'denied', count(*), gate.policy('breaker_denied'), max(decided_at) FROM (
        SELECT decided_at FROM public.personas_action
         WHERE verdict = 'denied' AND decided_at > p_since
           AND guard NOT IN ('stop', 'breaker', 'run', 'token')
         ORDER BY decided_at DESC LIMIT 1000) refused
    UNION ALL
    SELECT 'abandoned', count(*), gate.policy('breaker_abandoned'), max(ended_at) FROM (
        SELECT ended_at FROM public.personas_run
         WHERE limit_hit <> '' AND ended_at > p_since ORDER BY ended_at DESC LIMIT 1000) over
$$;

-- As before, but a look that goes well has proven nothing.
CREATE OR REPLACE FUNCTION gate.mind_breaker() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.autonomy_breaker%ROWTYPE; v_bad record; v_since timestamptz; v_probes bigint;
    v_window interval := make_interval(secs => gate.policy('breaker_window_s'));
    v_calm double precision := gate.policy('breaker_calm_s');
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
    ELSIF v.state = 'open' AND v_calm > 0 AND greatest(v.since,
            (SELECT max(newest) FROM gate.anomalies(clock_timestamp() - v_window)))
            < clock_timestamp() - make_interval(secs => v_calm) THEN
        PERFORM gate.move_breaker('open', 'half_open', v.rule, format(
            'nothing went wrong for %s s: one change at a time is tried', v_calm), '');
    ELSIF v.state = 'half_open' THEN
        SELECT count(*) INTO v_probes FROM public.personas_action a
         WHERE a.outcome = 'done' AND a.settled_at > v.since AND gate.is_change(a.verb)
           AND NOT gate.only_looks(a.verb, a.risk);
        IF v_probes >= gate.policy('breaker_probes') THEN
            PERFORM gate.move_breaker('half_open', 'closed', v.rule,
                format('%s changes in a row went well', v_probes), 'itself');
        END IF;
    END IF;
    RETURN (SELECT state FROM public.autonomy_breaker WHERE id = 1);
END $$;

-- As before, and: of a command as long as the longest scope of this name, and its one CI.
CREATE OR REPLACE FUNCTION gate.time_to_act(p_verb text, p_entry text) RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT make_interval(secs => 3 * coalesce(
            (SELECT timeout_s FROM public.personas_catalogueentry
              WHERE p_verb = 'playbook.run' AND name = p_entry),
            (SELECT max(timeout_s) FROM public.guardrails_commandscope
              WHERE p_verb = 'command.run' AND name = p_entry), 30))
        + interval '5 minutes'
$$;

CREATE OR REPLACE FUNCTION gate.asked_body(p_run public.personas_run, p_step int, p_key text, p_verb text,
    p_entry text, p_target text)
RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('run', (p_run).id, 'step', p_step, 'card', (p_run).card_id,
        'key', left(p_key, 60), 'verb', left(p_verb, 40), 'entry', left(p_entry, 60),
        'target', left(p_target, 200),
        'cis', CASE WHEN gate.touches_ci(p_verb) THEN jsonb_build_array(left(p_target, 200))
                    ELSE i.scope END,
        'documents', '[]'::jsonb)
        || gate.thought((p_run).id, p_step)
      FROM public.personas_agentintent i WHERE i.id = (p_run).intent_id
$$;
