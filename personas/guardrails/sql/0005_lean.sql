-- What is asked at every proposal reads only what bears on its verb. Written in PL/pgSQL: a query
-- with a path of its own is started anew at each call, with all its branches. Nothing else is
-- decided.

-- As before.
CREATE OR REPLACE FUNCTION gate.time_to_act(p_verb text, p_entry text) RETURNS interval
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_seconds int;
BEGIN
    IF p_verb = 'playbook.run' THEN
        SELECT timeout_s INTO v_seconds FROM public.personas_catalogueentry WHERE name = p_entry;
    ELSIF p_verb = 'command.run' THEN
        SELECT max(timeout_s) INTO v_seconds FROM public.guardrails_commandscope
         WHERE name = p_entry;
    END IF;
    RETURN make_interval(secs => 3 * coalesce(v_seconds, 30)) + interval '5 minutes';
END $$;

-- As before.
CREATE OR REPLACE FUNCTION gate.guard_grant(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_card text := (p.run).card_id;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.personas_grant g
                    WHERE g.card_id = v_card AND g.verb = p.verb) THEN
        RETURN format('no grant for %s covers %s', v_card, p.verb);
    END IF;
    IF gate.touches_ci(p.verb) AND NOT EXISTS (
            SELECT 1 FROM public.personas_grant g
             WHERE g.card_id = v_card AND g.verb = p.verb AND g.entry = p.entry
               AND g.ci_class = coalesce((p.ci).ci_class, g.ci_class)) THEN
        RETURN format('no grant for %s covers %s on a CI of class %s', v_card, p.entry,
                      coalesce((p.ci).ci_class, 'unknown'));
    END IF;
    RETURN NULL;
END $$;
