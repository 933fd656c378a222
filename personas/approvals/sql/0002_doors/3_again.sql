-- The guards agree a second time when a person approves: the world may have moved on since. Those
-- about the step that was being taken have had their say; a permit has none.

CREATE TYPE gate.ruling AS (code text, reason text);

CREATE FUNCTION gate.ask_again(p_action uuid) RETURNS gate.ask
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE a public.personas_action%ROWTYPE; v_run public.personas_run%ROWTYPE;
BEGIN
    SELECT * INTO STRICT a FROM public.personas_action WHERE id = p_action;
    SELECT * INTO STRICT v_run FROM public.personas_run WHERE id = a.run_id;
    -- What an agent sends with a playbook is nothing: its arguments are the CI's.
    RETURN gate.asked(v_run, NULL, a.verb, a.entry, a.target,
        CASE WHEN a.verb = 'playbook.run' THEN '{}'::jsonb ELSE a.args END);
END $$;

CREATE FUNCTION gate.judged_again(p_action uuid) RETURNS gate.ruling
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_ask gate.ask := gate.ask_again(p_action); v_guard record; v_says text;
BEGIN
    FOR v_guard IN SELECT name FROM gate.guard
         WHERE name NOT IN ('run', 'token', 'expiry', 'budget', 'tokens', 'duplicate')
           AND (verbs = '{}' OR v_ask.verb = ANY (verbs)) ORDER BY position
    LOOP
        EXECUTE format('SELECT gate.%I($1)', 'guard_' || v_guard.name) INTO v_says USING v_ask;
        IF v_says IS NOT NULL THEN
            RETURN ('approvals.guard', format('%s: %s', v_guard.name, v_says))::gate.ruling;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
