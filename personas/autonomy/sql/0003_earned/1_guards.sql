-- This room's guards. Frozen: a later change is a new file and migration.

-- As everywhere in the gate: open questions count as they were estimated.
CREATE FUNCTION gate.guard_tokens(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_limit text := gate.over_limit((p.run).id);
BEGIN
    IF v_limit IN ('tokens_in', 'tokens_out') THEN
        RETURN format('the run is over its limit %s of %s', v_limit,
                      gate.run_limits((p.run).id) ->> v_limit);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION gate.guard_breaker(p gate.ask) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT gate.is_change(p.verb) THEN RETURN NULL; END IF;
    PERFORM gate.mind_breaker();
    IF NOT gate.breaker_open() THEN RETURN NULL; END IF;
    RETURN (SELECT format('the breaker of the fleet is %s: %s', replace(state, '_', ' '), reason)
              FROM public.autonomy_breaker WHERE id = 1);
END $$;

-- A ticket has one live run, and its row is locked: nobody else counts for it now.
CREATE FUNCTION gate.guard_ticket_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_count bigint;
BEGIN
    IF NOT gate.is_change(p.verb) THEN RETURN NULL; END IF;
    SELECT count(*) INTO v_count FROM public.personas_run
     WHERE ticket_ref = (p.run).ticket_ref;
    IF v_count > gate.policy('ticket_runs') THEN
        RETURN format('the ticket has had %s runs: a person must look', v_count);
    END IF;
    SELECT count(*) INTO v_count FROM public.personas_action a
     WHERE a.ticket_ref = (p.run).ticket_ref AND a.verdict = 'authorised'
       AND gate.is_change(a.verb) AND a.outcome NOT IN ('void', 'expired');
    IF v_count >= gate.policy('ticket_changes') THEN
        RETURN format('%s changes were made on this ticket: a person must look', v_count);
    END IF;
    RETURN NULL;
END $$;

-- The fleet's one row is locked, so that all who ask are counted one after the other.
CREATE FUNCTION gate.guard_fleet_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_count bigint;
BEGIN
    IF NOT gate.is_change(p.verb) THEN RETURN NULL; END IF;
    INSERT INTO public.autonomy_breaker (id) VALUES (1) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM public.autonomy_breaker WHERE id = 1 FOR UPDATE;
    SELECT count(*) INTO v_count FROM public.personas_action a
     WHERE a.verdict = 'authorised' AND a.verb NOT LIKE 'ticket.%' AND a.verb <> 'notify'
       AND a.decided_at > clock_timestamp() - interval '1 hour' AND a.risk <> 'none';
    IF v_count >= gate.policy('fleet_changes_per_hour') THEN
        RETURN format('the fleet made %s changes within an hour: a person must look', v_count);
    END IF;
    RETURN NULL;
END $$;

INSERT INTO gate.guard (position, name, verbs, says) VALUES
    (45, 'breaker', '{}', 'the breaker of the fleet is closed'),
    (55, 'tokens', '{}', 'the run has tokens left'),
    (145, 'ticket_ceiling', '{}', 'the ticket has runs and changes left'),
    (147, 'fleet_ceiling', '{}', 'the fleet has changes left in this hour');
