-- Memory: written from verified entries of the ledger, given to runs by name, counted by evidence.
-- Frozen: a later change is a new file and migration.

CREATE SCHEMA memory;

-- Up to here the ledger was walked and found whole; nothing while it does not verify.
CREATE FUNCTION memory.verified_to() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN audit.trusted()
                THEN coalesce((SELECT max(to_seq) FROM public.audit_check WHERE whole), 0)
                ELSE 0 END
$$;

-- Whether an entry says what it is to be evidence of: it is about this run, verified, as hashed.
CREATE FUNCTION memory.stands(p_run uuid, p_seq bigint, p_hash text, p_kind text, p_last text,
    p_done boolean) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM public.audit_entry e, LATERAL audit.content_of(e.body) said
         WHERE e.seq = p_seq AND e.seq <= memory.verified_to() AND e.kind = p_kind
           AND encode(e.hash, 'hex') = p_hash AND said ->> 'kind' = p_kind
           AND CASE p_kind
               WHEN 'run.ended' THEN said ->> 'subject' = p_run::text
               WHEN 'action.outcome' THEN said #>> '{body,run}' = p_run::text
                    AND said #>> '{body,entry}' = p_last
                    AND (NOT p_done OR said #>> '{body,outcome}' = 'done')
               ELSE false END)
$$;

-- Takes what a run has shown, once; items of which an entry does not stand are refused, all of them.
CREATE FUNCTION memory.learn(p_run uuid, p_ticket text, p_items jsonb, p_said text)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v jsonb; v_id uuid; v_count int := 0;
BEGIN
    INSERT INTO public.memory_learned (run, said) VALUES (p_run, left(p_said, 200))
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RETURN 0; END IF;
    FOR v IN SELECT * FROM jsonb_array_elements(p_items) LOOP
        IF NOT memory.stands(p_run, (v ->> 'seq')::bigint, v ->> 'hash', v ->> 'source',
                             v ->> 'last', (v ->> 'done')::boolean) THEN
            RAISE EXCEPTION 'entry % does not say what % of run % claims', v ->> 'seq',
                v ->> 'subject', p_run USING ERRCODE = 'check_violation';
        END IF;
        INSERT INTO public.memory_item (kind, ci_class, alert, subject, facts)
        VALUES (v ->> 'kind', v ->> 'ci_class', v ->> 'alert', v ->> 'subject', v -> 'facts')
        ON CONFLICT (kind, ci_class, alert, subject) DO UPDATE SET facts = excluded.facts
        RETURNING id INTO v_id;
        INSERT INTO public.memory_evidence (item_id, run, ticket_ref, source_seq, source_hash,
            held, at)
        VALUES (v_id, p_run, p_ticket, (v ->> 'seq')::bigint, v ->> 'hash',
            (v ->> 'held')::boolean, (v ->> 'at')::timestamptz)
        ON CONFLICT DO NOTHING;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- What fits an alert on a class of CI, with how often it held; nothing from a ledger that does not
-- verify. Open to agents: it is what their questions may name.
CREATE FUNCTION memory.recall(p_ci_class text, p_alert text)
RETURNS TABLE (id uuid, kind text, subject text, held bigint, seen bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT i.id, i.kind::text, i.subject::text, count(*) FILTER (WHERE e.held), count(*)
      FROM public.memory_item i JOIN public.memory_evidence e ON e.item_id = i.id
     WHERE i.ci_class = p_ci_class AND i.alert = p_alert AND i.kind <> 'episodic'
       AND e.source_seq <= memory.verified_to()
     GROUP BY i.id ORDER BY count(*) DESC, i.subject LIMIT 50
$$;

-- A named person takes an item away, with all of its evidence.
CREATE FUNCTION memory.forget_item(p_item uuid, p_by text, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.memory_item%ROWTYPE;
BEGIN
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'an item is forgotten by a named person, with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO v FROM public.memory_item WHERE id = p_item FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    DELETE FROM public.memory_evidence WHERE item_id = p_item;
    DELETE FROM public.memory_item WHERE id = p_item;
    PERFORM audit.put_pending('person.forgot', p_item::text, '', jsonb_build_object(
        'person', left(p_by, 150), 'why', left(p_why, 500), 'item_kind', v.kind,
        'item_sha256', gate.sha256_hex(v.ci_class || '|' || v.alert || '|' || v.subject)));
    RETURN true;
END $$;

-- Evidence goes with its entry: pruned, gone, or not the one it was; and with age.
CREATE FUNCTION memory.forget(p_days int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_count int;
BEGIN
    DELETE FROM public.memory_evidence e
     WHERE e.at < clock_timestamp() - make_interval(days => greatest(p_days, 1))
        OR NOT EXISTS (SELECT 1 FROM public.audit_entry a WHERE a.seq = e.source_seq
                        AND a.kind <> 'pruned' AND encode(a.hash, 'hex') = e.source_hash);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    DELETE FROM public.memory_item i
     WHERE NOT EXISTS (SELECT 1 FROM public.memory_evidence e WHERE e.item_id = i.id);
    RETURN v_count;
END $$;

-- Of the runs to which an item would have fitted: how many had it named and came out well, and how
-- many had not. An episode held where the run's remedy worked.
CREATE FUNCTION memory.helped()
RETURNS TABLE (item_id uuid, given bigint, given_well bigint, without bigint, without_well bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH episode AS (
        SELECT e.run, i.ci_class, i.alert, e.held
          FROM public.memory_evidence e JOIN public.memory_item i ON i.id = e.item_id
         WHERE i.kind = 'episodic'),
    named AS (
        SELECT DISTINCT s.run_id AS run, n.id
          FROM episode e JOIN public.personas_step s ON s.run_id = e.run,
               LATERAL jsonb_array_elements_text(
                   CASE jsonb_typeof(s.question #> '{facts,memory.given}') WHEN 'array'
                   THEN s.question #> '{facts,memory.given}' ELSE '[]' END) n (id))
    SELECT i.id, count(*) FILTER (WHERE n.id IS NOT NULL),
           count(*) FILTER (WHERE n.id IS NOT NULL AND e.held),
           count(*) FILTER (WHERE n.id IS NULL),
           count(*) FILTER (WHERE n.id IS NULL AND e.held)
      FROM public.memory_item i
      JOIN episode e ON e.ci_class = i.ci_class AND e.alert = i.alert
      LEFT JOIN named n ON n.run = e.run AND n.id = i.id::text
     WHERE i.kind <> 'episodic' GROUP BY i.id
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA memory FROM PUBLIC;
GRANT USAGE ON SCHEMA memory TO ethops_app, ethops_agent;
GRANT EXECUTE ON FUNCTION memory.recall(text, text) TO ethops_agent, ethops_app;
GRANT EXECUTE ON FUNCTION memory.verified_to(), memory.learn(uuid, text, jsonb, text),
    memory.forget_item(uuid, text, text), memory.forget(int), memory.helped() TO ethops_app;
GRANT SELECT ON public.memory_item, public.memory_evidence, public.memory_learned TO ethops_app;
