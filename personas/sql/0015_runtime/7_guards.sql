-- Guards: nobody changes a CI while a sibling is still changing it; and the guards asked once more
-- about what was decided before, for the replay of a run.

-- A play of no risk only looks. Asked twice at once, the second finds the first: the CI is locked.
CREATE FUNCTION gate.guard_duplicate(p gate.ask) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record;
BEGIN
    IF (p.item).risk = 'none' THEN RETURN NULL; END IF;
    PERFORM 1 FROM public.cmdb_ci WHERE ref = p.target FOR NO KEY UPDATE;
    SELECT a.entry, a.ticket_ref INTO v FROM public.personas_action a
     WHERE a.verb = 'playbook.run' AND a.target = p.target AND a.verdict = 'authorised'
       AND a.outcome = '' AND a.risk <> 'none' AND a.run_id IS DISTINCT FROM (p.run).id
     ORDER BY a.decided_at LIMIT 1;
    RETURN CASE WHEN v.entry IS NOT NULL
        THEN format('%s on %s is not over, for %s', v.entry, p.target, v.ticket_ref) END;
END $$;

INSERT INTO gate.guard (position, name, verbs, says) VALUES
    (150, 'duplicate', '{playbook.run}', 'no other run is changing the same CI');

-- What the guards that know no time say today about an action of the past: those that ask who may
-- do what to which CI, and not how things stood. Of what was denied the arguments were not kept.
CREATE FUNCTION gate.judge_again(p_action uuid) RETURNS TABLE (guard text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v public.personas_action%ROWTYPE; v_run public.personas_run%ROWTYPE; v_ask gate.ask;
    v_guard text; v_no text;
BEGIN
    SELECT * INTO STRICT v FROM public.personas_action WHERE id = p_action;
    SELECT * INTO STRICT v_run FROM public.personas_run WHERE id = v.run_id;
    v_ask := gate.asked(v_run, NULL, v.verb, v.entry, v.target,
                        CASE WHEN v.verb = 'playbook.run' THEN '{}'::jsonb ELSE v.args END);
    FOR v_guard IN
        SELECT g.name FROM gate.guard g
         WHERE g.name IN ('card', 'catalogue', 'grant', 'arguments', 'scope', 'guardrail', 'join',
                          'lifeline', 'pin')
           AND (v.verdict <> 'denied' OR g.name NOT IN ('arguments', 'guardrail'))
           AND (g.verbs = '{}' OR v.verb = ANY (g.verbs))
         ORDER BY g.position
    LOOP
        EXECUTE format('SELECT gate.%I($1)', 'guard_' || v_guard) INTO v_no USING v_ask;
        IF v_no IS NOT NULL THEN
            RETURN QUERY SELECT v_guard, v_no;
            RETURN;
        END IF;
    END LOOP;
END $$;
