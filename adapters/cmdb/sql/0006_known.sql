-- What other systems say there is: rows of their own, which no guard of the gate reads. A thing from
-- there has no host, no arguments, no lifeline and no level, so nothing is done to it; it becomes a
-- CI of ours only where the owner declares one. Frozen: a later change is a new file and migration.

CREATE SCHEMA cmdb;
REVOKE ALL ON SCHEMA cmdb FROM PUBLIC;
GRANT USAGE ON SCHEMA cmdb TO ethops_app;

-- Which CI of ours a thing is: the one that says so by its attribute `itop`, else the only one of the
-- same name, where the thing, too, is the only one. Which it is gives nobody a right.
CREATE FUNCTION cmdb.meant(p_source text, p_ref text, p_name text) RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(
        (SELECT min(c.ref) FROM public.cmdb_ci c
          WHERE NOT c.retired AND c.attributes ->> p_source = split_part(p_ref, ':', 3)
            AND split_part(p_ref, ':', 2) = 'ci' HAVING count(*) = 1),
        (SELECT min(c.ref) FROM public.cmdb_ci c
          WHERE NOT c.retired AND lower(c.name) = lower(p_name) AND NOT c.attributes ? p_source
            AND (SELECT count(*) FROM public.cmdb_known k
                  WHERE lower(k.name) = lower(p_name) AND k.source = p_source AND NOT k.gone) <= 1
         HAVING count(*) = 1),
        '')
$$;

CREATE FUNCTION cmdb.place(p_ref text) RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT nullif(ci_ref, '') FROM public.cmdb_known WHERE ref = p_ref), p_ref)
$$;

-- Makes the relations of these places what links say; a relation that is declared stays declared.
-- NULL: of every place, after what CIs are called has changed.
CREATE FUNCTION cmdb.settle(p_source text, p_refs text[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE v_places text[]; v_refs text[];
BEGIN
    v_places := ARRAY(SELECT DISTINCT one FROM (
        SELECT unnest(p_refs) AS one UNION SELECT cmdb.place(unnest(p_refs))) AS named);
    -- Several things may be one CI of ours: what each of them says is said of it.
    v_refs := ARRAY(SELECT unnest(v_places) UNION
                    SELECT ref FROM public.cmdb_known WHERE ci_ref = ANY (v_places));
    WITH wanted AS MATERIALIZED (
        SELECT DISTINCT ON (1, 2, 3) * FROM (
            SELECT coalesce(nullif(d.ci_ref, ''), l.dependent) AS dependent,
                   coalesce(nullif(s.ci_ref, ''), l.support) AS support, l.kind,
                   split_part(l.their_class, '.', 1) AS by_class
              FROM public.cmdb_knownlink l
              LEFT JOIN public.cmdb_known d ON d.ref = l.dependent
              LEFT JOIN public.cmdb_known s ON s.ref = l.support
             WHERE l.source = p_source AND NOT l.gone
               AND (p_refs IS NULL OR l.dependent = ANY (v_refs) OR l.support = ANY (v_refs))
        ) AS said WHERE dependent <> support ORDER BY 1, 2, 3, 4),
    written AS (
        INSERT INTO public.cmdb_relation AS r (dependent, support, kind, source, by_class)
        SELECT dependent, support, kind, p_source, by_class FROM wanted
        ON CONFLICT (dependent, support, kind) DO UPDATE
            SET gone = false, changed_at = clock_timestamp(), source = excluded.source,
                by_class = excluded.by_class, seen_at = clock_timestamp()
          WHERE r.gone OR (r.source = p_source AND r.by_class <> excluded.by_class))
    UPDATE public.cmdb_relation r SET gone = true, changed_at = clock_timestamp()
     WHERE r.source = p_source AND NOT r.gone
       AND (p_refs IS NULL OR r.dependent = ANY (v_places) OR r.support = ANY (v_places))
       AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.dependent = r.dependent
                          AND w.support = r.support AND w.kind = r.kind);
END $$;

-- After the owner has declared CIs: which of them things are may be another by now.
CREATE FUNCTION cmdb.match_again() RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE v_source text;
BEGIN
    UPDATE public.cmdb_known k SET ci_ref = cmdb.meant(k.source, k.ref, k.name)
     WHERE NOT k.gone AND k.ci_ref <> cmdb.meant(k.source, k.ref, k.name);
    FOR v_source IN SELECT DISTINCT source FROM public.cmdb_knownlink LOOP
        PERFORM cmdb.settle(v_source, NULL);
    END LOOP;
END $$;

-- Takes over what a system says of things of one class, links among it. Only what differs is
-- written. No right, level, host, lifeline or argument can be said by this door.
CREATE FUNCTION cmdb.take(p_source text, p_class text, p_things jsonb, p_links jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_changed text[]; v_things bigint; v_touched text[]; v_read bigint[];
BEGIN
    IF p_source NOT IN ('itop') OR jsonb_array_length(p_things) > 2000
       OR jsonb_array_length(p_links) > 20000 THEN
        RAISE EXCEPTION 'no such source, or too much at once' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM jsonb_array_elements(p_things) AS t
                WHERE t ->> 'ref' NOT LIKE p_source || ':%') THEN
        RAISE EXCEPTION 'a thing of % has a name that is not its own', p_source
            USING ERRCODE = 'check_violation';
    END IF;
    WITH taken AS (
        INSERT INTO public.cmdb_known AS k (ref, source, their_class, their_id, name, ci_class,
                                            layer, said)
        SELECT t.ref, p_source, p_class, t.their_id, t.name, t.ci_class, t.layer, t.said
          FROM jsonb_to_recordset(p_things)
               AS t (ref text, their_id bigint, name text, ci_class text, layer text, said jsonb)
        ON CONFLICT (ref) DO UPDATE
            SET their_class = excluded.their_class, name = excluded.name, said = excluded.said,
                ci_class = excluded.ci_class, layer = excluded.layer, gone = false,
                seen_at = clock_timestamp(), changed_at = clock_timestamp()
          WHERE k.gone OR k.their_class <> excluded.their_class OR k.name <> excluded.name
             OR k.said <> excluded.said OR k.layer <> excluded.layer
             OR k.ci_class <> excluded.ci_class
        RETURNING ref)
    SELECT array_agg(ref), count(*) INTO v_changed, v_things FROM taken;
    -- Relations of the CI that a thing was until now are looked at, too.
    v_touched := ARRAY(SELECT ci_ref FROM public.cmdb_known
                        WHERE ref = ANY (v_changed) AND ci_ref <> '');
    UPDATE public.cmdb_known k SET ci_ref = cmdb.meant(p_source, k.ref, k.name)
     WHERE k.ref = ANY (v_changed) AND k.ci_ref <> cmdb.meant(p_source, k.ref, k.name);
    SELECT array_agg((t ->> 'their_id')::bigint) INTO v_read
      FROM jsonb_array_elements(p_things) AS t;
    WITH taken AS (
        INSERT INTO public.cmdb_knownlink AS l (source, their_class, their_id, dependent, support,
                                                kind)
        SELECT p_source, t.their_class, t.their_id, t.dependent, t.support, t.kind
          FROM jsonb_to_recordset(p_links) AS t (their_class text, their_id bigint,
                                                 dependent text, support text, kind text)
        ON CONFLICT (source, their_class, their_id) DO UPDATE
            SET dependent = excluded.dependent, support = excluded.support, kind = excluded.kind,
                gone = false, seen_at = clock_timestamp(), changed_at = clock_timestamp()
          WHERE l.gone OR l.dependent <> excluded.dependent OR l.support <> excluded.support
             OR l.kind <> excluded.kind
        RETURNING dependent, support),
    went AS (
        -- A key of a thing that was read and is empty now says nothing any more.
        UPDATE public.cmdb_knownlink l SET gone = true, changed_at = clock_timestamp()
         WHERE l.source = p_source AND l.their_class LIKE p_class || '.%'
           AND l.their_id = ANY (v_read) AND NOT l.gone
           AND NOT EXISTS (SELECT 1 FROM jsonb_to_recordset(p_links) AS t (their_class text,
                           their_id bigint) WHERE t.their_class = l.their_class
                           AND t.their_id = l.their_id)
        RETURNING dependent, support)
    SELECT v_touched || array_agg(DISTINCT one) INTO v_touched FROM (
        SELECT dependent AS one FROM taken UNION SELECT support FROM taken
        UNION SELECT dependent FROM went UNION SELECT support FROM went) AS ends;
    v_touched := coalesce(v_touched, '{}') || coalesce(v_changed, '{}');
    IF cardinality(v_touched) > 0 THEN
        PERFORM cmdb.settle(p_source, v_touched);
    END IF;
    RETURN v_things;
END $$;

-- Which of a class are there by our rows and not among these ids.
CREATE FUNCTION cmdb.missing(p_source text, p_class text, p_ids bigint[])
RETURNS TABLE (their_id bigint, live bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH live AS (
        SELECT k.their_id FROM public.cmdb_known k
         WHERE k.source = p_source AND k.their_class = p_class AND NOT k.gone
        UNION ALL
        SELECT l.their_id FROM public.cmdb_knownlink l
         WHERE l.source = p_source AND l.their_class = p_class AND NOT l.gone)
    SELECT live.their_id, (SELECT count(*) FROM live) FROM live
     WHERE NOT live.their_id = ANY (p_ids)
$$;

-- Things and links of one class that are no longer there. More than one in twenty is not believed:
-- the class stands still until a person has said that it is so. Returns whether it was believed.
CREATE FUNCTION cmdb.lose(p_source text, p_class text, p_ids bigint[])
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_live bigint; v_lost bigint;
BEGIN
    SELECT count(*), count(*) FILTER (WHERE their_id = ANY (p_ids)) INTO v_live, v_lost
      FROM (SELECT their_id FROM public.cmdb_known
             WHERE source = p_source AND their_class = p_class AND NOT gone
            UNION ALL SELECT their_id FROM public.cmdb_knownlink
             WHERE source = p_source AND their_class = p_class AND NOT gone) AS live;
    IF v_lost = 0 THEN
        RETURN true;
    END IF;
    IF v_lost * 20 > v_live THEN
        INSERT INTO public.cmdb_synced (source, their_class, state, missing, said)
        VALUES (p_source, p_class, 'asks', to_jsonb(p_ids),
                format('%s of %s are no longer there', v_lost, v_live))
        ON CONFLICT (source, their_class) DO UPDATE
            SET state = 'asks', missing = excluded.missing, said = excluded.said;
        RETURN false;
    END IF;
    PERFORM cmdb.bury(p_source, p_class, p_ids);
    RETURN true;
END $$;

CREATE FUNCTION cmdb.bury(p_source text, p_class text, p_ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE v_refs text[];
BEGIN
    WITH things AS (
        UPDATE public.cmdb_known SET gone = true, changed_at = clock_timestamp()
         WHERE source = p_source AND their_class = p_class AND their_id = ANY (p_ids) AND NOT gone
        RETURNING ref)
    SELECT coalesce(array_agg(ref), '{}') INTO v_refs FROM things;
    WITH links AS (
        UPDATE public.cmdb_knownlink SET gone = true, changed_at = clock_timestamp()
         WHERE source = p_source AND NOT gone
           AND ((their_class = p_class AND their_id = ANY (p_ids))
                OR (their_class LIKE p_class || '.%' AND their_id = ANY (p_ids)))
        RETURNING dependent, support)
    SELECT v_refs || coalesce(array_agg(dependent), '{}') || coalesce(array_agg(support), '{}')
      INTO v_refs FROM links;
    PERFORM cmdb.settle(p_source, v_refs);
END $$;

-- How reading a class went. `asks` is left by a person alone.
CREATE FUNCTION cmdb.synced(p_source text, p_class text, p_state text, p_whole boolean,
    p_since timestamptz, p_said text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF p_state NOT IN ('well', 'failed', 'absent') THEN
        RAISE EXCEPTION 'a class is not said to be %', p_state USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO public.cmdb_synced AS s (source, their_class, state, whole_at, checked_at, said)
    VALUES (p_source, p_class, p_state,
            CASE WHEN p_state IN ('well', 'absent') AND p_whole THEN p_since END,
            CASE WHEN p_state = 'well' THEN p_since END, left(p_said, 500))
    ON CONFLICT (source, their_class) DO UPDATE
        SET state = excluded.state, said = excluded.said,
            whole_at = coalesce(excluded.whole_at, s.whole_at),
            checked_at = coalesce(excluded.checked_at, s.checked_at)
      WHERE s.state <> 'asks';
END $$;

-- A named person says that what is missing is gone indeed.
CREATE FUNCTION cmdb.confirm(p_person text, p_source text, p_class text, p_why text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.cmdb_synced%ROWTYPE; v_ids bigint[];
BEGIN
    IF coalesce(p_person, '') = '' OR coalesce(p_why, '') = '' THEN
        RAISE EXCEPTION 'a person says so, and why' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO v FROM public.cmdb_synced
     WHERE source = p_source AND their_class = p_class FOR UPDATE;
    IF v.state IS DISTINCT FROM 'asks' THEN
        RAISE EXCEPTION 'nobody is asked about % of %', p_class, p_source
            USING ERRCODE = 'check_violation';
    END IF;
    v_ids := ARRAY(SELECT jsonb_array_elements_text(v.missing)::bigint);
    PERFORM cmdb.bury(p_source, p_class, v_ids);
    UPDATE public.cmdb_synced SET state = 'failed', missing = '[]',
           said = 'confirmed; to be read again', whole_at = NULL WHERE id = v.id;
    PERFORM audit.put_pending('person.confirmed_gone', p_source || ' ' || p_class, '',
        jsonb_build_object('person', p_person, 'why', p_why, 'things', cardinality(v_ids),
                           'noted_by', session_user));
    RETURN cardinality(v_ids);
END $$;

-- As before, and: things that others say there is, for whoever only looks; `managed` is what the gate
-- knows. Nothing of the gate reads this view.
CREATE OR REPLACE VIEW reading.ci AS
    SELECT ref, name, ci_class, attributes, impact, urgency, user_facing, lifeline,
           coalesce(inventory_host_id, '') AS host, source, managed_by, retired, true AS managed
    FROM public.cmdb_ci
    UNION ALL
    SELECT ref, name::varchar(120), ci_class, jsonb_build_object('layer', layer), 2::smallint,
           2::smallint, false, false, ''::varchar, source::varchar(64), ''::varchar(64), gone, false
    FROM public.cmdb_known WHERE ci_ref = '';

-- As before, and: what comes from a system is as fresh as the last look at its class there.
CREATE OR REPLACE VIEW reading.relation AS
    SELECT r.dependent, r.support, r.kind, r.source, r.confidence, r.changed_at,
           greatest(r.seen_at, s.checked_at) AS seen_at,
           CASE WHEN s.id IS NULL THEN r.fresh_until
                ELSE coalesce(s.checked_at, r.seen_at) + interval '1 hour' END AS fresh_until,
           r.gone
    FROM public.cmdb_relation r
    LEFT JOIN public.cmdb_synced s ON s.source = r.source AND s.their_class = r.by_class;

CREATE VIEW reading.known AS
    SELECT k.ref, k.source, k.their_class, k.their_id, k.name, k.ci_class, k.layer, k.said, k.ci_ref,
           greatest(k.seen_at, s.checked_at) AS seen_at, k.changed_at,
           coalesce(s.checked_at, k.seen_at) + interval '1 hour' AS fresh_until, k.gone
    FROM public.cmdb_known k
    LEFT JOIN public.cmdb_synced s ON s.source = k.source AND s.their_class = k.their_class;

GRANT SELECT ON reading.known TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON public.cmdb_known, public.cmdb_knownlink, public.cmdb_synced TO ethops_app;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cmdb FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cmdb.take(text, text, jsonb, jsonb),
    cmdb.missing(text, text, bigint[]), cmdb.lose(text, text, bigint[]),
    cmdb.synced(text, text, text, boolean, timestamptz, text),
    cmdb.confirm(text, text, text, text) TO ethops_app;
