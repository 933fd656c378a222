-- People and rules.

CREATE FUNCTION gate.order_notice(p_rule text, p_key text, p_ticket text, p_args jsonb)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_id uuid := gen_random_uuid(); v_bad text;
BEGIN
    v_bad := gate.bad_args(gate.verb_parameters('notify'), p_args);
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION 'notice: %', v_bad USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM public.personas_action
                WHERE run_id IS NULL AND principal = 'rule:' || p_rule AND key = p_key) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.audit_work (id, kind, queue, state, subject, priority, expires_at)
    VALUES (v_id, 'effect', 'executor.light', 'waiting', left(p_ticket, 200), 2,
            clock_timestamp() + interval '1 hour');
    INSERT INTO public.personas_action (id, key, principal, ticket_ref, verb, target, args, level,
        verdict, work_id)
    VALUES (v_id, p_key, 'rule:' || p_rule, p_ticket, 'notify',
            left(p_args ->> 'target', 200), p_args,
            'act', 'authorised', v_id);
    PERFORM audit.put_pending('action.authorised', v_id::text, p_ticket, jsonb_build_object(
        'principal', 'rule:' || p_rule, 'verb', 'notify', 'target', p_args ->> 'target',
        'args_sha256', gate.sha256_hex(p_args::text)), v_id);
    RETURN v_id;
EXCEPTION WHEN unique_violation THEN
    RETURN NULL;  -- another dispatcher ordered it in this instant
END $$;

-- A person has the ticket: its runs end, and what was permitted but not begun is void.
CREATE FUNCTION gate.take_over(p_ticket text, p_person text, p_why text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run uuid; v_action uuid; v_count int := 0;
BEGIN
    FOR v_run IN SELECT id FROM public.personas_run WHERE ticket_ref = p_ticket
                  AND state IN ('pending', 'running', 'waiting') FOR UPDATE LOOP
        PERFORM gate.end_run(v_run, 'cancelled', p_person || ': ' || p_why);
        v_count := v_count + 1;
    END LOOP;
    FOR v_action IN
        UPDATE public.audit_work w SET state = 'cancelled', settled_at = clock_timestamp()
          FROM public.personas_action a
         WHERE a.id = w.id AND a.ticket_ref = p_ticket AND a.run_id IS NOT NULL
           AND w.kind = 'effect' AND w.state IN ('waiting', 'ready')
        RETURNING w.id
    LOOP
        PERFORM gate.close_action(v_action, 'void', jsonb_build_object('said', p_person
            || ' has taken the ticket'), 'action.void');
    END LOOP;
    PERFORM audit.put_pending('person.took_over', p_ticket, p_ticket,
        jsonb_build_object('person', p_person, 'why', left(p_why, 500), 'runs', v_count));
    RETURN v_count;
END $$;

CREATE FUNCTION gate.press_stop(p_by text, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE public.personas_stop SET stopped = true, by = left(p_by, 150), why = left(p_why, 2000),
           at = clock_timestamp() WHERE id = 1;
    PERFORM audit.put_pending('person.stopped', 'ethops', '',
        jsonb_build_object('person', p_by, 'why', left(p_why, 500)));
END $$;

CREATE FUNCTION gate.lift_stop(p_by text, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF coalesce(btrim(p_by), '') = '' THEN
        RAISE EXCEPTION 'only a named person resumes' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE public.personas_stop SET stopped = false, by = left(p_by, 150),
           why = left(p_why, 2000), at = clock_timestamp() WHERE id = 1;
    PERFORM audit.put_pending('person.resumed', 'ethops', '',
        jsonb_build_object('person', p_by, 'why', left(p_why, 500)));
    PERFORM pg_notify('ethops_ready', '');
END $$;

CREATE FUNCTION gate.set_autonomy(p_card text, p_entry text, p_ci_class text, p_level text,
    p_by text, p_why text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF p_level NOT IN ('observe', 'act') THEN
        RAISE EXCEPTION 'level % needs approvals, which are not there yet: observe or act', p_level
            USING ERRCODE = 'check_violation';
    END IF;
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'a level is set by a named person, with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO public.personas_autonomy (card_id, entry, ci_class, level, set_by, why)
    VALUES (p_card, p_entry, p_ci_class, p_level, left(p_by, 150), p_why)
    ON CONFLICT (card_id, entry, ci_class) DO UPDATE
       SET level = excluded.level, set_by = excluded.set_by, why = excluded.why,
           set_at = clock_timestamp();
    PERFORM audit.put_pending('person.set_autonomy', p_card || ' x ' || p_entry || ' x '
        || p_ci_class, '', jsonb_build_object('level', p_level, 'person', p_by, 'why', p_why));
END $$;

-- What a person found out about an effect in doubt.
CREATE FUNCTION gate.person_settles(p_action uuid, p_person text, p_finding text, p_why text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_work public.audit_work%ROWTYPE;
BEGIN
    IF p_finding NOT IN ('done', 'failed') OR coalesce(btrim(p_person), '') = '' THEN
        RAISE EXCEPTION 'a named person settles a doubt as done or failed'
            USING ERRCODE = 'check_violation';
    END IF;
    v_work := gate.lock_effect(p_action);
    IF v_work.id IS NULL OR v_work.state <> 'in_doubt' THEN RETURN 'not in doubt'; END IF;
    UPDATE public.audit_work SET state = p_finding, settled_at = clock_timestamp()
     WHERE id = p_action;
    PERFORM gate.close_action(p_action, p_finding, jsonb_build_object('said',
        p_person || ': ' || p_why), 'action.outcome');
    PERFORM gate.conclude_elsewhere(p_action, p_finding, p_person || ': ' || p_why);
    RETURN 'settled';
END $$;
