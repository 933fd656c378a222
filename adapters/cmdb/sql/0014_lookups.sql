-- Who is meant by a name is asked of all names at once, by indexes: so far each name read all CIs.
-- And places are joined to what is said of them: so far each link was held against a list of all of
-- them, so that a page cost the more, the more there was. Frozen: a later change is a new file and
-- migration.

-- Returns places whose relations may be others by now: things, and the CIs that they were and are.
-- Which CI of ours a thing is, as before: the one that says so by its attribute `itop`, else the only
-- one of the same name, where the thing, too, is the only one. Which it is gives nobody a right.
-- Planned each time, as all here: a plan that was made while there was little reads tables whole, and
-- lasts as long as a first copy.
CREATE OR REPLACE FUNCTION cmdb.match_names(p_source text, p_names text[]) RETURNS text[]
LANGUAGE sql SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
    WITH called_so AS MATERIALIZED (
        -- By name alone: before there are statistics, a source looks as if few things were of it.
        SELECT k.ref, k.ci_ref, k.source, k.gone, asked.name
          FROM (SELECT DISTINCT unnest(p_names) AS name) AS asked
          JOIN public.cmdb_known k ON lower(k.name) = asked.name),
    named AS MATERIALIZED (
        SELECT ref, ci_ref AS was, name, count(*) OVER (PARTITION BY name) AS namesakes
          FROM called_so WHERE source = p_source AND NOT gone),
    said AS (
        -- The index is of this attribute; another source brings its own.
        SELECT n.ref, min(c.ref) AS ci_ref FROM named n
          JOIN public.cmdb_ci c ON (c.attributes ->> 'itop') = split_part(n.ref, ':', 3)
         WHERE p_source = 'itop' AND split_part(n.ref, ':', 2) = 'ci' AND NOT c.retired
         GROUP BY n.ref HAVING count(*) = 1),
    called AS (
        SELECT n.ref, min(c.ref) AS ci_ref FROM named n
          JOIN public.cmdb_ci c ON lower(c.name) = n.name
         WHERE n.namesakes = 1 AND NOT c.retired AND NOT c.attributes ? p_source
         GROUP BY n.ref HAVING count(*) = 1),
    moved AS MATERIALIZED (
        SELECT * FROM (
            SELECT n.ref, n.was, coalesce(s.ci_ref, o.ci_ref, '') AS is_now FROM named n
              LEFT JOIN said s ON s.ref = n.ref LEFT JOIN called o ON o.ref = n.ref) AS meant
         WHERE is_now <> was),
    written AS (
        UPDATE public.cmdb_known k
           SET ci_ref = (SELECT m.is_now FROM moved m WHERE m.ref = k.ref)
         WHERE k.ref = ANY (ARRAY(SELECT ref FROM moved)))
    SELECT coalesce(array_agg(DISTINCT one) FILTER (WHERE one <> ''), '{}')
      FROM (SELECT ref AS one FROM moved UNION SELECT was FROM moved
            UNION SELECT is_now FROM moved) AS places
$$;

-- As before. NULL: of every place, after what CIs are called has changed.
CREATE OR REPLACE FUNCTION cmdb.settle(p_source text, p_refs text[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE v_places text[]; v_refs text[];
BEGIN
    v_places := ARRAY(
        SELECT ref FROM unnest(p_refs) AS asked (ref)
        UNION SELECT k.ci_ref FROM unnest(p_refs) AS asked (ref)
                JOIN public.cmdb_known k ON k.ref = asked.ref AND k.ci_ref <> '');
    -- Several things may be one CI of ours: what each of them says is said of it.
    v_refs := v_places || ARRAY(SELECT ref FROM public.cmdb_known WHERE ci_ref = ANY (v_places));
    WITH links AS (
        SELECT id, dependent, support, kind, their_class FROM public.cmdb_knownlink
         WHERE p_refs IS NULL AND source = p_source AND NOT gone
        UNION
        SELECT l.id, l.dependent, l.support, l.kind, l.their_class FROM unnest(v_refs) AS one (ref)
          JOIN public.cmdb_knownlink l ON l.dependent = one.ref
         WHERE l.source = p_source AND NOT l.gone
        UNION
        SELECT l.id, l.dependent, l.support, l.kind, l.their_class FROM unnest(v_refs) AS one (ref)
          JOIN public.cmdb_knownlink l ON l.support = one.ref
         WHERE l.source = p_source AND NOT l.gone),
    wanted AS MATERIALIZED (
        SELECT DISTINCT ON (1, 2, 3) * FROM (
            -- Looked up one by one: joined, all that is known may be read for a link.
            SELECT coalesce((SELECT nullif(k.ci_ref, '') FROM public.cmdb_known k
                              WHERE k.ref = l.dependent), l.dependent) AS dependent,
                   coalesce((SELECT nullif(k.ci_ref, '') FROM public.cmdb_known k
                              WHERE k.ref = l.support), l.support) AS support,
                   l.kind, split_part(l.their_class, '.', 1) AS by_class
              FROM links l
        ) AS said WHERE dependent <> support ORDER BY 1, 2, 3, 4),
    written AS (
        INSERT INTO public.cmdb_relation AS r (dependent, support, kind, source, by_class)
        SELECT dependent, support, kind, p_source, by_class FROM wanted
        ON CONFLICT (dependent, support, kind) DO UPDATE
            SET gone = false, changed_at = clock_timestamp(), source = excluded.source,
                by_class = excluded.by_class, seen_at = clock_timestamp()
          WHERE r.gone OR (r.source = p_source AND r.by_class <> excluded.by_class)),
    near AS MATERIALIZED (
        SELECT id, dependent, support, kind FROM public.cmdb_relation
         WHERE p_refs IS NULL AND source = p_source AND NOT gone
        UNION
        SELECT r.id, r.dependent, r.support, r.kind FROM unnest(v_places) AS place (ref)
          JOIN public.cmdb_relation r ON r.dependent = place.ref
         WHERE r.source = p_source AND NOT r.gone
        UNION
        SELECT r.id, r.dependent, r.support, r.kind FROM unnest(v_places) AS place (ref)
          JOIN public.cmdb_relation r ON r.support = place.ref
         WHERE r.source = p_source AND NOT r.gone)
    UPDATE public.cmdb_relation SET gone = true, changed_at = clock_timestamp()
     WHERE id = ANY (ARRAY(
        SELECT n.id FROM near n
         WHERE NOT EXISTS (SELECT 1 FROM wanted w WHERE w.dependent = n.dependent
                              AND w.support = n.support AND w.kind = n.kind)));
END $$;

-- As before; links of what was read are joined to it.
CREATE OR REPLACE FUNCTION cmdb.take(p_source text, p_class text, p_things jsonb, p_links jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
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
    SELECT array_agg(DISTINCT was) INTO v_names FROM (
        SELECT (SELECT lower(k.name) FROM public.cmdb_known k WHERE k.ref = t.ref) AS was,
               lower(t.name) AS is_now
          FROM jsonb_to_recordset(p_things) AS t (ref text, name text)) AS named
     WHERE was <> is_now;
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
          FROM unnest(v_read) AS read (id)
         WHERE l.their_id = read.id AND l.source = p_source AND NOT l.gone
           AND l.their_class LIKE p_class || '.%'
           -- Hashed, where NOT EXISTS is a loop in a loop. Neither is ever null.
           AND (l.their_class::text, l.their_id) NOT IN (
                SELECT t.their_class, t.their_id FROM jsonb_to_recordset(p_links)
                    AS t (their_class text, their_id bigint)
                 WHERE t.their_class IS NOT NULL AND t.their_id IS NOT NULL)
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

-- As before: after the owner has declared CIs.
CREATE OR REPLACE FUNCTION cmdb.match_again() RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE v_source text;
BEGIN
    FOR v_source IN SELECT DISTINCT source FROM public.cmdb_known LOOP
        PERFORM cmdb.match_names(v_source, ARRAY(
            SELECT lower(name) FROM public.cmdb_known WHERE source = v_source AND NOT gone));
    END LOOP;
    FOR v_source IN SELECT DISTINCT source FROM public.cmdb_knownlink LOOP
        PERFORM cmdb.settle(v_source, NULL);
    END LOOP;
END $$;

DROP FUNCTION cmdb.meant(text, text, text);
DROP FUNCTION cmdb.place(text);
