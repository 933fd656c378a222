-- A level for one CI below that of its class. A trouble that recurs on one CI takes the right back
-- there alone; where several of a class have it, the class loses it too. Frozen: a later change is
-- a new file and migration.

-- As before, and: no further than is kept for this CI.
CREATE OR REPLACE FUNCTION gate.level_on(p_card text, p_entry text, p_class text, p_ci text)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE v_class text; v_kept text;
BEGIN
    SELECT u.level, k.level INTO v_class, v_kept
      FROM public.personas_autonomy u
      LEFT JOIN public.autonomy_kept k ON k.card_id = p_card AND k.entry = p_entry
       AND k.ci_ref = p_ci
     WHERE u.card_id = p_card AND u.entry = p_entry AND u.ci_class = p_class;
    RETURN CASE WHEN gate.how_far(v_kept) < gate.how_far(v_class) THEN v_kept ELSE v_class END;
END $$;

-- Every level of a CI goes through here, so that each is on record with what it was before. What is
-- no longer less than the class is kept no longer.
CREATE FUNCTION gate.put_kept(p_card text, p_entry text, p_class text, p_ci text, p_level text,
    p_by text, p_why text, p_kind text, p_against boolean, p_action uuid)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_before text; v_class text; v_figures jsonb := gate.figures(p_card, p_entry, p_class);
    v_subject text := left(p_card || ' x ' || p_entry || ' on ' || p_ci, 200);
BEGIN
    SELECT level INTO v_class FROM public.personas_autonomy
     WHERE card_id = p_card AND entry = p_entry AND ci_class = p_class FOR UPDATE;
    v_before := coalesce(gate.level_on(p_card, p_entry, p_class, p_ci), 'observe');
    IF gate.how_far(p_level) < gate.how_far(coalesce(v_class, 'observe')) THEN
        INSERT INTO public.autonomy_kept (card_id, entry, ci_ref, ci_class, level, set_by, why)
        VALUES (p_card, p_entry, p_ci, p_class, p_level, left(p_by, 150), p_why)
        ON CONFLICT (card_id, entry, ci_ref) DO UPDATE
           SET level = excluded.level, set_by = excluded.set_by, why = excluded.why,
               ci_class = excluded.ci_class, set_at = clock_timestamp();
    ELSE
        DELETE FROM public.autonomy_kept
         WHERE card_id = p_card AND entry = p_entry AND ci_ref = p_ci;
    END IF;
    INSERT INTO public.autonomy_change (card_id, entry, ci_class, ci_ref, before, level, by, why,
        figures, against_the_figures)
    VALUES (p_card, p_entry, p_class, p_ci, v_before, p_level, left(p_by, 150), p_why, v_figures,
            p_against);
    IF p_kind = 'person.set_autonomy' THEN
        PERFORM audit.put_pending('person.set_autonomy', v_subject, '', jsonb_build_object(
            'ci', p_ci, 'level', p_level, 'before', v_before, 'person', p_by, 'why', p_why,
            'figures', v_figures, 'against_the_figures', p_against));
    ELSE
        PERFORM audit.put_pending('autonomy.demoted', v_subject,
            (SELECT ticket_ref FROM public.personas_action WHERE id = p_action),
            jsonb_build_object('ci', p_ci, 'level', p_level, 'before', v_before,
                'why', left(p_why, 500), 'figures', v_figures, 'action', p_action));
    END IF;
    RETURN v_before;
END $$;

-- As before, of a class, or of one CI alone: there no further than its class goes. Up it goes by the
-- same figures in both cases, those of the card with this entry on this class.
DROP FUNCTION gate.set_autonomy(text, text, text, text, text, text, boolean);
CREATE FUNCTION gate.set_autonomy(p_card text, p_entry text, p_ci_class text, p_level text,
    p_by text, p_why text, p_against_the_figures boolean DEFAULT false, p_ci text DEFAULT '')
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_before text; v_below text; v_class text;
BEGIN
    IF gate.how_far(p_level) IS NULL THEN
        RAISE EXCEPTION 'there is no level %: observe, propose, veto or act', p_level
            USING ERRCODE = 'check_violation';
    END IF;
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'a level is set by a named person, with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT level INTO v_class FROM public.personas_autonomy
     WHERE card_id = p_card AND entry = p_entry AND ci_class = p_ci_class;
    v_before := v_class;
    IF coalesce(p_ci, '') <> '' THEN
        IF NOT EXISTS (SELECT 1 FROM public.cmdb_ci WHERE ref = p_ci AND ci_class = p_ci_class) THEN
            RAISE EXCEPTION '% is no CI of class %', p_ci, p_ci_class
                USING ERRCODE = 'check_violation';
        END IF;
        IF gate.how_far(p_level) > gate.how_far(coalesce(v_class, 'observe')) THEN
            RAISE EXCEPTION 'on its class the card may only %', coalesce(v_class, 'observe')
                USING ERRCODE = 'check_violation', HINT = 'Set the level of the class first.';
        END IF;
        v_before := gate.level_on(p_card, p_entry, p_ci_class, p_ci);
    END IF;
    IF gate.how_far(p_level) > gate.how_far(coalesce(v_before, 'observe')) THEN
        v_below := gate.below_the_bar(p_card, p_entry, p_ci_class, p_level);
    END IF;
    IF v_below IS NOT NULL AND NOT p_against_the_figures THEN
        RAISE EXCEPTION '%', v_below USING ERRCODE = 'check_violation',
            HINT = 'Wait for more figures, or say that it is against them.';
    END IF;
    IF coalesce(p_ci, '') <> '' THEN
        PERFORM gate.put_kept(p_card, p_entry, p_ci_class, p_ci, p_level, p_by, p_why,
                              'person.set_autonomy', v_below IS NOT NULL, NULL);
    ELSE
        PERFORM gate.put_level(p_card, p_entry, p_ci_class, p_level, p_by, p_why,
                               'person.set_autonomy', v_below IS NOT NULL, NULL);
    END IF;
END $$;

-- Of what an action was done by: nobody chooses card, entry or CI, and nothing goes up. One level
-- back on its CI; and where so many CIs of the class are kept below it, the class too. Returns what
-- moved, "" where there was nothing to take.
CREATE OR REPLACE FUNCTION gate.take_back(p_action uuid, p_why text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.personas_action%ROWTYPE; v_card text; v_class text; v_of_class text; v_level text;
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
    SELECT level INTO v_of_class FROM public.personas_autonomy
     WHERE card_id = v_card AND entry = v.entry AND ci_class = v_class FOR UPDATE;
    v_level := gate.level_on(v_card, v.entry, v_class, v.target);
    IF coalesce(v_level, 'observe') = 'observe' THEN RETURN ''; END IF;
    v_lower := v_below[gate.how_far(v_level) - 1];
    PERFORM gate.put_kept(v_card, v.entry, v_class, v.target, v_lower, 'ethops',
                          left(p_why, 2000), 'autonomy.demoted', false, p_action);
    v_said := format('on %s from %s to %s', v.target, v_level, v_lower);
    SELECT count(*) INTO v_many FROM public.autonomy_kept k
     WHERE k.card_id = v_card AND k.entry = v.entry AND k.ci_class = v_class
       AND k.set_by = 'ethops' AND gate.how_far(k.level) < gate.how_far(v_of_class);
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

-- As before, with the level of the CI.
CREATE OR REPLACE FUNCTION gate.still_permitted(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT (a.run_id IS NULL OR (gate.is_live(r.state) AND gate.held_by(a.ticket_ref) IS NULL
                AND (gate.major_of(a.ticket_ref) IS NULL
                     OR gate.only_looks(r.card_id, a.verb, a.entry))))
           AND gate.approval_stands(a.id)
           AND (a.verb <> 'playbook.run' OR EXISTS (
                SELECT 1 FROM public.personas_catalogueentry e, public.cmdb_ci c,
                       public.personas_card p,
                       LATERAL gate.level_on(r.card_id, a.entry, c.ci_class, c.ref) AS u(level)
                 WHERE e.name = a.entry AND e.enabled AND e.approved_hash = a.tree_hash
                   AND c.ref = a.target AND NOT c.retired
                   AND (NOT c.lifeline OR gate.is_approved_independently(a.id))
                   AND p.name = r.card_id AND p.enabled
                   AND gate.level_rank(u.level) >= gate.level_rank(a.level)
                   AND u.level <> 'observe'))
          FROM public.personas_action a LEFT JOIN public.personas_run r ON r.id = a.run_id
         WHERE a.id = p_action), false)
$$;

REVOKE ALL ON FUNCTION gate.level_on(text, text, text, text),
    gate.put_kept(text, text, text, text, text, text, text, text, boolean, uuid),
    gate.set_autonomy(text, text, text, text, text, text, boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.set_autonomy(text, text, text, text, text, text, boolean, text)
    TO ethops_app;
GRANT SELECT ON public.autonomy_kept TO ethops_app;
