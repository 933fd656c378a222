-- What a name means is computed anew for all of that name: where a namesake appears, is called
-- something else or is gone, it may be another's by now. Frozen: a later change is a new file and
-- migration.

-- Returns places whose relations may be others by now: things, and the CIs that they were and are.
CREATE FUNCTION cmdb.match_names(p_source text, p_names text[]) RETURNS text[]
LANGUAGE sql SET search_path = public, pg_temp AS $$
    WITH named AS MATERIALIZED (
        SELECT k.ref, k.ci_ref AS was, cmdb.meant(p_source, k.ref, k.name) AS is_now
          FROM public.cmdb_known k
         WHERE k.source = p_source AND NOT k.gone AND lower(k.name) = ANY (p_names)),
    moved AS (
        UPDATE public.cmdb_known k SET ci_ref = n.is_now FROM named n
         WHERE k.ref = n.ref AND n.is_now <> n.was
        RETURNING k.ref, n.was, n.is_now)
    SELECT coalesce(array_agg(DISTINCT one) FILTER (WHERE one <> ''), '{}')
      FROM (SELECT ref AS one FROM moved UNION SELECT was FROM moved
            UNION SELECT is_now FROM moved) AS places
$$;

-- As before, and: all things of a name that came or went are looked at, not this one alone.
CREATE OR REPLACE FUNCTION cmdb.take(p_source text, p_class text, p_things jsonb, p_links jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_changed text[]; v_things bigint; v_touched text[]; v_read bigint[];
    v_names text[];
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
    -- What a thing was called until now is somebody else's alone from now on, perhaps.
    SELECT array_agg(DISTINCT lower(k.name)) INTO v_names FROM public.cmdb_known k
      JOIN jsonb_to_recordset(p_things) AS t (ref text, name text)
        ON t.ref = k.ref AND lower(t.name) <> lower(k.name);
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
    SELECT v_names || array_agg(DISTINCT lower(k.name)) INTO v_names
      FROM public.cmdb_known k WHERE k.ref = ANY (v_changed);
    v_touched := CASE WHEN v_changed IS NULL THEN '{}'
                      ELSE cmdb.match_names(p_source, v_names) END;
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

-- As before, and: so with what is gone.
CREATE OR REPLACE FUNCTION cmdb.bury(p_source text, p_class text, p_ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE v_refs text[]; v_names text[];
BEGIN
    WITH things AS (
        UPDATE public.cmdb_known SET gone = true, changed_at = clock_timestamp()
         WHERE source = p_source AND their_class = p_class AND their_id = ANY (p_ids) AND NOT gone
        RETURNING ref, lower(name) AS name)
    SELECT coalesce(array_agg(ref), '{}'), array_agg(DISTINCT name) INTO v_refs, v_names FROM things;
    WITH links AS (
        UPDATE public.cmdb_knownlink SET gone = true, changed_at = clock_timestamp()
         WHERE source = p_source AND NOT gone
           AND ((their_class = p_class AND their_id = ANY (p_ids))
                OR (their_class LIKE p_class || '.%' AND their_id = ANY (p_ids)))
        RETURNING dependent, support)
    SELECT v_refs || coalesce(array_agg(dependent), '{}') || coalesce(array_agg(support), '{}')
      INTO v_refs FROM links;
    PERFORM cmdb.settle(p_source, v_refs || cmdb.match_names(p_source, v_names));
END $$;

REVOKE ALL ON FUNCTION cmdb.match_names(text, text[]) FROM PUBLIC;

-- What is stale by now.
SELECT cmdb.match_again();
