-- People first: a catalogue entry whose review is over, or that somebody on the host has to be
-- asked about, is proposed at most. Frozen: a later change is a new file and migration.

-- So long what was seen on a host counts for whoever asks next.
CREATE FUNCTION gate.presence_window() RETURNS interval
LANGUAGE sql IMMUTABLE AS $$ SELECT interval '30 minutes' $$;

-- Which of the things found on a host an entry asks about: people, or jobs of any kind.
CREATE FUNCTION gate.asked_about(p_asks jsonb, p_found jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(f.one ORDER BY f.one), '[]')
      FROM jsonb_array_elements_text(CASE jsonb_typeof(p_found) WHEN 'array' THEN p_found
                                     ELSE '[]' END) AS f(one)
     WHERE coalesce(p_asks -> 'of', '[]')
         ? CASE WHEN starts_with(f.one, 'person ') THEN 'people' ELSE 'jobs' END
$$;

-- Why an entry goes no further than a proposal on this CI, in words; NULL where nothing keeps it.
CREATE FUNCTION gate.kept_to_proposals(p_entry text, p_target text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_item public.personas_catalogueentry%ROWTYPE; v_seen public.personas_presence%ROWTYPE;
    v_review text; v_found jsonb;
BEGIN
    SELECT * INTO v_item FROM public.personas_catalogueentry WHERE name = p_entry;
    v_review := v_item.document ->> 'review_by';
    -- A day that nobody can read is over.
    IF v_review IS NOT NULL AND (NOT pg_input_is_valid(v_review, 'date')
            OR v_review::date < (clock_timestamp() AT TIME ZONE 'UTC')::date) THEN
        RETURN format('the review of %s was due by %s', p_entry, v_review);
    END IF;
    SELECT s.* INTO v_seen FROM public.cmdb_ci c
      JOIN public.personas_presence s ON s.host = c.inventory_host_id
     WHERE c.ref = p_target AND s.seen_at > clock_timestamp() - gate.presence_window();
    v_found := gate.asked_about(v_item.document -> 'asks', v_seen.found);
    IF v_found <> '[]' THEN
        RETURN format('on %s there was lately %s: %s is asked first', v_seen.host,
            (SELECT string_agg(f, ', ') FROM jsonb_array_elements_text(v_found) f), v_seen.asked);
    END IF;
    RETURN NULL;
END $$;

-- As before, and: no further than review and people let it go.
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
    IF p_verb = 'playbook.run' AND v_level IN ('veto', 'act')
            AND gate.kept_to_proposals(p_entry, p_target) IS NOT NULL THEN
        v_level := 'propose';
    END IF;
    IF v_level <> 'act' THEN
        RETURN ('observed', 'autonomy', format('%s may only %s with %s on a CI of class %s',
                p_run.card_id, v_level, p_entry, (v_ask.ci).ci_class), v_level, v_ask.given,
                coalesce((v_ask.item).approved_hash, ''))::gate.decision;
    END IF;
    RETURN ('authorised', '', '', v_level, v_ask.given,
            coalesce((v_ask.item).approved_hash, ''))::gate.decision;
END $$;

-- Plain texts that CIs of a host declare, with a bar between them.
CREATE FUNCTION gate.declared_on(p_host text, p_attribute text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(string_agg(DISTINCT attributes ->> p_attribute, '|'), '')
      FROM public.cmdb_ci WHERE inventory_host_id = p_host AND NOT retired
       AND jsonb_typeof(attributes -> p_attribute) = 'string'
$$;

-- Research of our own queue that is on a card of this host just now: jobs, and commands of people.
CREATE FUNCTION gate.research_on(p_host text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(jsonb_agg(DISTINCT 'gpu ' || coalesce(nullif(j.label, ''), j.kind::text)
                              || ' of ' || j.principal), '[]')
      FROM public.gpu_job j JOIN public.audit_work w ON w.id = j.id
      JOIN public.gpu_card c ON c.name = j.card
      JOIN public.cmdb_host h ON h.name = p_host
     WHERE j.tier = 'research' AND j.finished_at IS NULL AND j.started_at IS NOT NULL
       AND w.state = 'leased'
       AND substring(c.url FROM '^https?://\[?([^]/:]+|[0-9a-f:]+)') = ANY (
               CASE h.connection WHEN 'local' THEN ARRAY['127.0.0.1', 'localhost', '::1']
                                 ELSE ARRAY[h.address, h.name] END)
$$;

-- What the executor has to know before it begins: NULL where nobody has to be asked.
CREATE FUNCTION gate.mission_of(p_action uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('host', c.inventory_host_id, 'asks', e.document -> 'asks',
        'processes', gate.declared_on(c.inventory_host_id, 'mission_processes'),
        'units', gate.declared_on(c.inventory_host_id, 'mission_units'),
        'research', gate.research_on(c.inventory_host_id),
        'asked', CASE WHEN e.document #>> '{asks,first}' = 'owner' THEN coalesce(
                nullif(btrim(c.attributes ->> 'ask_first'), ''),
                nullif(split_part(gate.declared_on(c.inventory_host_id, 'ask_first'), '|', 1), ''))
            END,
        'look', (SELECT jsonb_build_object('hash', l.approved_hash, 'document', l.document,
                                           'parameters', l.parameters)
                   FROM public.personas_catalogueentry l
                  WHERE l.name = 'look_who_is_there' AND l.enabled
                    AND l.tree_hash = l.approved_hash))
      FROM public.personas_action a
      JOIN public.personas_catalogueentry e ON e.name = a.entry
      JOIN public.cmdb_ci c ON c.ref = a.target
     WHERE a.id = p_action AND a.verb = 'playbook.run' AND c.inventory_host_id IS NOT NULL
       AND coalesce(e.document #> '{asks,of}', '[]') <> '[]'
$$;

-- Somebody is on the host. `go` where a person has approved this very action after the same was
-- seen there; else the permit is void, on record, and the dispatcher has who is named told: `held`.
CREATE FUNCTION gate.people_first(p_action uuid, p_fence bigint, p_found jsonb, p_asked text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_work public.audit_work%ROWTYPE; v_action public.personas_action%ROWTYPE;
    v_seen public.personas_presence%ROWTYPE; v_host text; v_said text;
    v_asked text := left(coalesce(nullif(btrim(p_asked), ''), 'the operators'), 150);
    v_found jsonb := coalesce((SELECT jsonb_agg(left(f, 200) ORDER BY f)
                                 FROM jsonb_array_elements_text(p_found) f), '[]');
BEGIN
    v_work := gate.lock_effect(p_action);
    IF v_work.id IS NULL OR v_work.fence IS DISTINCT FROM p_fence OR v_work.state <> 'leased' THEN
        RETURN 'late';
    END IF;
    SELECT * INTO v_action FROM public.personas_action WHERE id = p_action;
    SELECT inventory_host_id INTO v_host FROM public.cmdb_ci WHERE ref = v_action.target;
    SELECT * INTO v_seen FROM public.personas_presence WHERE host = v_host FOR UPDATE;
    IF FOUND AND v_seen.found @> v_found AND EXISTS (
            SELECT 1 FROM public.approvals_approval p WHERE p.action_id = p_action
               AND p.kind = 'propose' AND p.state = 'approved'
               AND p.proposed_at > v_seen.seen_at) THEN
        RETURN 'go';
    END IF;
    INSERT INTO public.personas_presence AS s (host, found, asked, ticket_ref, action, seen_at)
    VALUES (v_host, v_found, v_asked, v_action.ticket_ref, p_action, clock_timestamp())
    ON CONFLICT (host) DO UPDATE SET found = excluded.found, asked = excluded.asked,
        ticket_ref = excluded.ticket_ref, action = excluded.action, seen_at = excluded.seen_at;
    v_said := format('not begun: on %s there is %s; %s is asked first', v_host,
        (SELECT string_agg(f, ', ') FROM jsonb_array_elements_text(v_found) f), v_asked);
    UPDATE public.audit_work SET state = 'cancelled', lease_until = NULL,
           settled_at = clock_timestamp() WHERE id = p_action;
    PERFORM audit.put_pending('people.first', p_action::text, v_action.ticket_ref,
        jsonb_build_object('entry', v_action.entry, 'target', v_action.target, 'host', v_host,
            'found', v_found, 'asked', v_asked, 'run', v_action.run_id));
    PERFORM gate.close_action(p_action, 'void', jsonb_build_object('said', left(v_said, 500),
        'code', 'executor.people_first', 'host', v_host, 'found', v_found, 'asked', v_asked),
        'action.void');
    PERFORM audit.put_work('dispatch', 'control', 'ready', v_action.ticket_ref,
        jsonb_build_object('ticket', v_action.ticket_ref, 'why', 'people first',
                           'action', p_action),
        'people:' || p_action, 1, clock_timestamp(), 3);
    RETURN 'held';
END $$;

REVOKE ALL ON FUNCTION gate.presence_window(), gate.asked_about(jsonb, jsonb),
    gate.kept_to_proposals(text, text), gate.declared_on(text, text), gate.research_on(text),
    gate.mission_of(uuid), gate.people_first(uuid, bigint, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.mission_of(uuid), gate.people_first(uuid, bigint, jsonb, text)
    TO ethops_executor;
GRANT EXECUTE ON FUNCTION gate.kept_to_proposals(text, text) TO ethops_app;
GRANT SELECT ON public.personas_presence TO ethops_app;
