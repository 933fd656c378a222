-- Rules cost what they have to say: facts are gathered and conditions matched only where a rule
-- bears on the verb, the card and the entry, which is told without them. Nothing else is decided.

-- As before. Without settings of its own it is taken up into whatever asks, and what is nearly free
-- is asked before what is not: by default every rule's conditions were matched first.
CREATE OR REPLACE FUNCTION gate.takes_in(p_list jsonb, p_one text) RETURNS boolean
LANGUAGE sql IMMUTABLE COST 1 AS $$
    SELECT p_list IS NULL OR p_list = '[]' OR p_list ? p_one
$$;
ALTER FUNCTION gate.rule_fires(public.guardrails_rule, jsonb) COST 10000;

-- Whether any rule bears on a proposal at all, of those that ask for a person's word or the others.
CREATE FUNCTION gate.has_rules(p gate.ask, p_confirming boolean) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.guardrails_rule r
                    WHERE r.enabled AND (r.effect = 'confirm') = p_confirming
                      AND gate.takes_in(r.applies -> 'verbs', p.verb)
                      AND gate.takes_in(r.applies -> 'cards', (p.run).card_id)
                      AND gate.takes_in(r.applies -> 'entries', p.entry))
$$;

-- As before, where there is anything to ask.
CREATE OR REPLACE FUNCTION gate.guard_guardrail(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT gate.has_rules(p, false) THEN RETURN NULL; END IF;
    RETURN (SELECT f.id || ': ' || f.say FROM gate.firing(gate.guardrail_facts(p)) f
             WHERE f.effect <> 'confirm' LIMIT 1);
END $$;

CREATE OR REPLACE FUNCTION gate.guardrail_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT gate.has_rules(p, true) THEN RETURN 'act'; END IF;
    RETURN CASE WHEN EXISTS (SELECT 1 FROM gate.firing(gate.guardrail_facts(p)) f
                              WHERE f.effect = 'confirm') THEN 'propose' ELSE 'act' END;
END $$;

-- As before. The hour begins at one moment: compared with a clock that goes on, every use there
-- ever was would be read, and not those of the hour.
CREATE OR REPLACE FUNCTION gate.guard_command_uses(p gate.ask) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_scope public.guardrails_commandscope; v_count int; v_since timestamptz;
BEGIN
    SELECT s.* INTO v_scope FROM public.guardrails_commandscope s
     WHERE s.card_id = (p.run).card_id AND s.name = p.entry FOR UPDATE;
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

REVOKE ALL ON FUNCTION gate.has_rules(gate.ask, boolean) FROM PUBLIC;
