-- As before, but counted are the CIs that were put back since the level of their class was last set:
-- whoever gives a class its level again begins anew. Frozen: a later change is a new file and
-- migration.
CREATE OR REPLACE FUNCTION gate.take_back(p_action uuid, p_why text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.personas_action%ROWTYPE; v_card text; v_class text; v_of_class text; v_level text; v_since timestamptz;
    v_lower text; v_many bigint; v_said text; v_below constant text[] := ARRAY['observe', 'propose', 'veto'];
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
    SELECT level, set_at INTO v_of_class, v_since FROM public.personas_autonomy
     WHERE card_id = v_card AND entry = v.entry AND ci_class = v_class FOR UPDATE;
    v_level := gate.level_on(v_card, v.entry, v_class, v.target);
    IF coalesce(v_level, 'observe') = 'observe' THEN RETURN ''; END IF;
    v_lower := v_below[gate.how_far(v_level) - 1];
    PERFORM gate.put_kept(v_card, v.entry, v_class, v.target, v_lower, 'ethops',
                          left(p_why, 2000), 'autonomy.demoted', false, p_action);
    v_said := format('on %s from %s to %s', v.target, v_level, v_lower);
    SELECT count(*) INTO v_many FROM public.autonomy_kept k
     WHERE k.card_id = v_card AND k.entry = v.entry AND k.ci_class = v_class
       AND k.set_by = 'ethops' AND gate.how_far(k.level) < gate.how_far(v_of_class)
       AND k.set_at > v_since;
    -- As often as makes a problem.
    IF v_many >= 3 THEN
        v_lower := v_below[gate.how_far(v_of_class) - 1];
        PERFORM gate.put_level(v_card, v.entry, v_class, v_lower, 'ethops', left(format(
            '%s, as on %s CIs of the class', p_why, v_many), 2000), 'autonomy.demoted', false,
            p_action);
        v_said := v_said || format(', and as %s CIs of class %s have it, on all of them from %s to %s',
                                   v_many, v_class, v_of_class, v_lower);
    END IF;
    RETURN v_said;
END $$;
