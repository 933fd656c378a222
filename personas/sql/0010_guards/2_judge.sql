-- How far the card may go with what no guard denies.
CREATE FUNCTION gate.level_of(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN p.verb <> 'playbook.run' THEN 'act' ELSE coalesce((
        SELECT level FROM public.personas_autonomy
         WHERE card_id = (p.run).card_id AND entry = p.entry AND ci_class = (p.ci).ci_class),
        'observe') END
$$;

CREATE FUNCTION gate.asked(p_run public.personas_run, p_token text, p_verb text, p_entry text,
    p_target text, p_args jsonb)
RETURNS gate.ask
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_ask gate.ask; v_intent public.personas_agentintent; v_card public.personas_card;
    v_item public.personas_catalogueentry; v_ci public.cmdb_ci; v_given jsonb := p_args;
BEGIN
    SELECT * INTO STRICT v_intent FROM public.personas_agentintent WHERE id = p_run.intent_id;
    SELECT * INTO STRICT v_card FROM public.personas_card WHERE name = p_run.card_id;
    IF p_verb = 'playbook.run' THEN
        SELECT * INTO v_item FROM public.personas_catalogueentry WHERE name = p_entry;
        SELECT * INTO v_ci FROM public.cmdb_ci WHERE ref = p_target AND NOT retired;
        -- A playbook's arguments are what the CI declares, never what an agent says.
        v_given := gate.args_from_ci(coalesce(v_item.parameters, '{}'), coalesce(v_ci.attributes, '{}'));
    END IF;
    v_ask := ROW(p_run, v_intent, v_card, p_token, p_verb, p_entry, p_target, p_args,
                 v_item, v_ci, v_given);
    RETURN v_ask;
END $$;

-- The first guard that speaks decides; then the level. p_run has been locked by the caller.
CREATE OR REPLACE FUNCTION gate.judge(p_run public.personas_run, p_token text, p_verb text,
    p_entry text, p_target text, p_args jsonb)
RETURNS gate.decision
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_ask gate.ask := gate.asked(p_run, p_token, p_verb, p_entry, p_target, p_args);
    v_guard text; v_no text; v_level text;
BEGIN
    FOR v_guard IN SELECT name FROM gate.guard
                    WHERE verbs = '{}' OR p_verb = ANY (verbs) ORDER BY position LOOP
        EXECUTE format('SELECT gate.%I($1)', 'guard_' || v_guard) INTO v_no USING v_ask;
        IF v_no IS NOT NULL THEN RETURN gate.deny(v_guard, v_no); END IF;
    END LOOP;
    IF NOT FOUND THEN RETURN gate.deny('guard', 'no guard stands'); END IF;
    v_level := gate.level_of(v_ask);
    IF v_level <> 'act' THEN
        RETURN ('observed', 'autonomy', format('%s may only %s with %s on a CI of class %s',
                p_run.card_id, v_level, p_entry, (v_ask.ci).ci_class), v_level, v_ask.given,
                coalesce((v_ask.item).approved_hash, ''))::gate.decision;
    END IF;
    RETURN ('authorised', '', '', v_level, v_ask.given,
            coalesce((v_ask.item).approved_hash, ''))::gate.decision;
END $$;

DROP FUNCTION gate.judge_playbook(public.personas_run, text, text);
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
