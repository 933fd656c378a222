-- A trouble that recurs takes a right back one level. Frozen: a later change is a new file and
-- migration.

-- Of what an action was done by: nobody chooses card, entry or class, and nothing goes up. Returns
-- from where to where, "" where there was nothing to take.
CREATE FUNCTION gate.take_back(p_action uuid, p_why text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.personas_action%ROWTYPE; v_card text; v_class text; v_level text; v_lower text;
BEGIN
    SELECT * INTO v FROM public.personas_action WHERE id = p_action;
    IF v.run_id IS NULL OR NOT gate.is_change(v.verb) OR v.verdict <> 'authorised'
            OR v.outcome <> 'done' THEN
        RETURN '';
    END IF;
    IF coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'a right is taken back for a reason' USING ERRCODE = 'check_violation';
    END IF;
    SELECT card_id INTO STRICT v_card FROM public.personas_run WHERE id = v.run_id;
    SELECT ci_class INTO v_class FROM public.cmdb_ci WHERE ref = v.target;
    SELECT level INTO v_level FROM public.personas_autonomy
     WHERE card_id = v_card AND entry = v.entry AND ci_class = v_class FOR UPDATE;
    IF coalesce(v_level, 'observe') = 'observe' THEN RETURN ''; END IF;
    v_lower := (ARRAY['observe', 'propose', 'veto', 'act'])[gate.how_far(v_level) - 1];
    PERFORM gate.put_level(v_card, v.entry, v_class, v_lower, 'ethops', left(p_why, 2000),
                           'autonomy.demoted', false, p_action);
    RETURN v_level || ' to ' || v_lower;
END $$;

REVOKE ALL ON FUNCTION gate.take_back(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.take_back(uuid, text) TO ethops_app;
