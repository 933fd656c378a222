-- How often a card was right with an entry on a class of CI.

-- The lower end of what a share of p_right in p_n may truly be, at 95 % (Wilson).
CREATE FUNCTION gate.wilson(p_right bigint, p_n bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_n = 0 THEN 0 ELSE greatest(0, (
        share + z * z / (2 * n) - z * sqrt((share * (1 - share) + z * z / (4 * n)) / n))
        / (1 + z * z / n)) END
      FROM (SELECT p_right::double precision / greatest(p_n, 1) AS share,
                   greatest(p_n, 1)::double precision AS n, 1.96::double precision AS z) given
$$;

-- What the ledger and a person are shown of a triple. What was well by itself counts neither way.
CREATE FUNCTION gate.figures(p_card text, p_entry text, p_ci_class text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('right', rights, 'wrong', wrongs, 'unknown', unknowns,
            'healed_alone', healed, 'proven_false', falses,
            'lower_permille', floor(1000 * gate.wilson(rights, rights + wrongs))::int)
      FROM (SELECT count(*) FILTER (WHERE verdict = 'right' AND NOT healed_alone) AS rights,
                   count(*) FILTER (WHERE verdict = 'wrong' AND NOT healed_alone) AS wrongs,
                   count(*) FILTER (WHERE verdict = 'unknown' AND NOT healed_alone) AS unknowns,
                   count(*) FILTER (WHERE healed_alone) AS healed,
                   count(*) FILTER (WHERE proven_false) AS falses
              FROM public.autonomy_judgement
             WHERE card_id = p_card AND entry = p_entry AND ci_class = p_ci_class) seen
$$;

-- Who was how sure, as it was recorded when the step ended: a model's answer is the card's own word.
CREATE FUNCTION gate.stated(p_run uuid, p_step int)
RETURNS TABLE (engine text, confidence double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN said ->> 'engine' LIKE 'rules%' THEN 'rules'
                ELSE left(said ->> 'engine', 120) END,
           CASE WHEN jsonb_typeof(said -> 'confidence') = 'number'
                THEN (said ->> 'confidence')::double precision END
      FROM (SELECT coalesce(
                (SELECT j.answer FROM public.gpu_job j JOIN public.audit_work w ON w.id = j.id
                  WHERE j.run = p_run AND j.step = p_step AND w.state = 'done'
                  ORDER BY j.created_at LIMIT 1),
                (SELECT s.answer FROM public.personas_step s
                  WHERE s.run_id = p_run AND s.number = p_step)) AS said) found
     WHERE jsonb_typeof(said) = 'object'
$$;

-- Every level goes through here, so that each is on record with what it was before.
CREATE FUNCTION gate.put_level(p_card text, p_entry text, p_ci_class text, p_level text,
    p_by text, p_why text, p_kind text, p_against boolean, p_action uuid)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_before text; v_figures jsonb := gate.figures(p_card, p_entry, p_ci_class);
BEGIN
    SELECT level INTO v_before FROM public.personas_autonomy
     WHERE card_id = p_card AND entry = p_entry AND ci_class = p_ci_class FOR UPDATE;
    v_before := coalesce(v_before, 'observe');
    INSERT INTO public.personas_autonomy (card_id, entry, ci_class, level, set_by, why)
    VALUES (p_card, p_entry, p_ci_class, p_level, left(p_by, 150), p_why)
    ON CONFLICT (card_id, entry, ci_class) DO UPDATE
       SET level = excluded.level, set_by = excluded.set_by, why = excluded.why,
           set_at = clock_timestamp();
    INSERT INTO public.autonomy_change (card_id, entry, ci_class, before, level, by, why, figures,
        against_the_figures)
    VALUES (p_card, p_entry, p_ci_class, v_before, p_level, left(p_by, 150), p_why, v_figures,
            p_against);
    IF p_kind = 'person.set_autonomy' THEN
        PERFORM audit.put_pending('person.set_autonomy', p_card || ' x ' || p_entry || ' x '
            || p_ci_class, '', jsonb_build_object('level', p_level, 'before', v_before,
                'person', p_by, 'why', p_why, 'figures', v_figures,
                'against_the_figures', p_against));
    ELSE
        PERFORM audit.put_pending('autonomy.demoted', p_card || ' x ' || p_entry || ' x '
            || p_ci_class, (SELECT ticket_ref FROM public.personas_action WHERE id = p_action),
            jsonb_build_object('level', p_level, 'before', v_before, 'why', left(p_why, 500),
                'figures', v_figures, 'action', p_action));
    END IF;
    RETURN v_before;
END $$;

CREATE FUNCTION gate.how_far(p_level text) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(ARRAY['observe', 'propose', 'veto', 'act'], p_level)
$$;

-- Why the figures do not carry a level, NULL where they do. To propose, a person decides each time.
CREATE FUNCTION gate.below_the_bar(p_card text, p_entry text, p_ci_class text, p_level text)
RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_figures jsonb := gate.figures(p_card, p_entry, p_ci_class); v_n bigint; v_lower int;
BEGIN
    IF p_level NOT IN ('veto', 'act') THEN RETURN NULL; END IF;
    v_n := (v_figures ->> 'right')::bigint + (v_figures ->> 'wrong')::bigint;
    v_lower := round(1000 * gate.policy(p_level || '_lower'))::int;
    IF v_n < gate.policy(p_level || '_least')
            OR (v_figures ->> 'lower_permille')::int < v_lower THEN
        RETURN format('right %s of %s times, which proves %s of 1000: for %s at least %s times and'
            ' %s of 1000 are asked for', v_figures ->> 'right', v_n,
            v_figures ->> 'lower_permille', p_level, gate.policy(p_level || '_least'), v_lower);
    END IF;
    RETURN NULL;
END $$;

-- A person sets a level. Further up only as the figures carry it, or against them in so many
-- words, which is on record.
DROP FUNCTION gate.set_autonomy(text, text, text, text, text, text);
CREATE FUNCTION gate.set_autonomy(p_card text, p_entry text, p_ci_class text, p_level text,
    p_by text, p_why text, p_against_the_figures boolean DEFAULT false)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_before text; v_below text;
BEGIN
    IF gate.how_far(p_level) IS NULL THEN
        RAISE EXCEPTION 'there is no level %: observe, propose, veto or act', p_level
            USING ERRCODE = 'check_violation';
    END IF;
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'a level is set by a named person, with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT level INTO v_before FROM public.personas_autonomy
     WHERE card_id = p_card AND entry = p_entry AND ci_class = p_ci_class;
    IF gate.how_far(p_level) > gate.how_far(coalesce(v_before, 'observe')) THEN
        v_below := gate.below_the_bar(p_card, p_entry, p_ci_class, p_level);
    END IF;
    IF v_below IS NOT NULL AND NOT p_against_the_figures THEN
        RAISE EXCEPTION '%', v_below USING ERRCODE = 'check_violation',
            HINT = 'Wait for more figures, or say that it is against them.';
    END IF;
    PERFORM gate.put_level(p_card, p_entry, p_ci_class, p_level, p_by, p_why,
                           'person.set_autonomy', v_below IS NOT NULL, NULL);
END $$;

-- One proven false action takes the right back, by itself; its ticket and a person are told.
CREATE FUNCTION gate.demote(p_action uuid, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.autonomy_judgement%ROWTYPE; v_level text;
BEGIN
    SELECT * INTO STRICT v FROM public.autonomy_judgement WHERE action_id = p_action;
    SELECT level INTO v_level FROM public.personas_autonomy
     WHERE card_id = v.card_id AND entry = v.entry AND ci_class = v.ci_class;
    IF coalesce(v_level, 'observe') = 'observe' THEN RETURN false; END IF;
    PERFORM gate.put_level(v.card_id, v.entry, v.ci_class, 'observe', 'ethops',
        left('a false action: ' || p_why, 2000), 'autonomy.demoted', false, p_action);
    PERFORM audit.put_work('dispatch', 'control', 'ready',
        (SELECT ticket_ref FROM public.personas_action WHERE id = p_action),
        jsonb_build_object('ticket', (SELECT ticket_ref FROM public.personas_action
                                       WHERE id = p_action),
            'why', 'demoted', 'action', p_action, 'card', v.card_id, 'entry', v.entry,
            'ci_class', v.ci_class, 'before', v_level, 'said', left(p_why, 500)),
        'demoted:' || p_action, 2, clock_timestamp(), 3);
    RETURN true;
END $$;

-- Says of one change whether it was right. A person's word stands: facts no longer change it.
CREATE FUNCTION gate.judge_change(p_action uuid, p_verdict text, p_proven_false boolean,
    p_healed_alone boolean, p_why text, p_by text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_action public.personas_action%ROWTYPE; v_old public.autonomy_judgement%ROWTYPE;
    v_card text; v_class text; v_stated record;
BEGIN
    SELECT * INTO v_action FROM public.personas_action WHERE id = p_action FOR UPDATE;
    IF v_action.id IS NULL OR v_action.run_id IS NULL OR NOT gate.is_change(v_action.verb)
            OR v_action.verdict = 'denied' THEN
        RETURN 'no change';
    END IF;
    IF p_by <> 'facts' AND coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'a verdict has a reason' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO v_old FROM public.autonomy_judgement WHERE action_id = p_action;
    IF v_old.judged_by <> 'facts' AND p_by = 'facts' THEN RETURN 'a person has said'; END IF;
    IF (v_old.verdict, v_old.proven_false, v_old.healed_alone, v_old.judged_by)
            IS NOT DISTINCT FROM (p_verdict, p_proven_false, p_healed_alone, p_by) THEN
        RETURN 'as before';
    END IF;
    SELECT card_id INTO STRICT v_card FROM public.personas_run WHERE id = v_action.run_id;
    SELECT ci_class INTO v_class FROM public.cmdb_ci WHERE ref = v_action.target;
    SELECT * INTO v_stated FROM gate.stated(v_action.run_id, v_action.step_number);
    INSERT INTO public.autonomy_judgement AS j (action_id, card_id, entry, ci_class, engine,
        confidence, verdict, proven_false, healed_alone, why, judged_by, acted_at)
    VALUES (p_action, v_card, v_action.entry, coalesce(v_class, ''),
        coalesce(v_stated.engine, ''), v_stated.confidence, p_verdict, p_proven_false,
        p_healed_alone, left(p_why, 2000), left(p_by, 150),
        coalesce(v_action.settled_at, v_action.decided_at))
    ON CONFLICT (action_id) DO UPDATE
       SET verdict = excluded.verdict, proven_false = excluded.proven_false,
           healed_alone = excluded.healed_alone, why = excluded.why,
           judged_by = excluded.judged_by, judged_at = clock_timestamp();
    PERFORM audit.put_pending('autonomy.judged', p_action::text, v_action.ticket_ref,
        jsonb_build_object('card', v_card, 'entry', v_action.entry, 'ci_class',
            coalesce(v_class, ''), 'target', v_action.target, 'run', v_action.run_id,
            'verdict', p_verdict, 'proven_false', p_proven_false, 'healed_alone', p_healed_alone,
            'why', left(p_why, 500), 'by', p_by, 'engine', coalesce(v_stated.engine, '')));
    IF p_proven_false THEN PERFORM gate.demote(p_action, p_why); END IF;
    RETURN 'judged';
END $$;

-- The door of people: their name is in the record, not what a fact would be called.
CREATE FUNCTION gate.person_judges(p_action uuid, p_person text, p_verdict text, p_why text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF p_verdict NOT IN ('right', 'false') OR coalesce(btrim(p_person), '') = '' THEN
        RAISE EXCEPTION 'a named person says right or false' USING ERRCODE = 'check_violation';
    END IF;
    RETURN gate.judge_change(p_action, CASE p_verdict WHEN 'right' THEN 'right' ELSE 'wrong' END,
        p_verdict = 'false', false, p_why, 'person:' || p_person);
END $$;

-- The door of facts, which the desk gathers.
CREATE FUNCTION gate.facts_judge(p_action uuid, p_verdict text, p_proven_false boolean,
    p_healed_alone boolean, p_why text)
RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT gate.judge_change(p_action, p_verdict, p_proven_false, p_healed_alone, p_why, 'facts')
$$;
