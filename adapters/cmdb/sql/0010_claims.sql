-- What each of the owner's sources says of each field of a CI, and the CI that follows from it. The
-- row that the gate reads is made here and nowhere else. Frozen: a later change is a new file and
-- migration.

-- Makes these CIs what is claimed of them; one whom nobody claims any more is retired.
CREATE FUNCTION cmdb.resolve(p_refs text[]) RETURNS TABLE (ci text, what text)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY WITH said AS (
        SELECT c.ref, c.field, c.value, c.source, row_number() OVER (
                   PARTITION BY c.ref, c.field
                   ORDER BY (c.field = 'lifeline' AND c.value = 'true'::jsonb) DESC, p.place,
                            c.since DESC, c.source) AS place
          FROM public.cmdb_claim c
          JOIN public.cmdb_precedence p ON p.kind = split_part(c.source, ':', 1)
         WHERE c.ref = ANY (p_refs)),
    wanted AS (
        SELECT ref, max(source) FILTER (WHERE field = 'ref') AS source,
               max(value #>> '{}') FILTER (WHERE field = 'name') AS name,
               max(value #>> '{}') FILTER (WHERE field = 'ci_class') AS ci_class,
               coalesce(max((value #>> '{}')::int) FILTER (WHERE field = 'impact'), 2) AS impact,
               coalesce(max((value #>> '{}')::int) FILTER (WHERE field = 'urgency'), 2) AS urgency,
               coalesce(bool_or(value = 'true'::jsonb) FILTER (WHERE field = 'user_facing'),
                        false) AS user_facing,
               coalesce(bool_or(value = 'true'::jsonb) FILTER (WHERE field = 'lifeline'),
                        false) AS lifeline,
               nullif(max(value #>> '{}') FILTER (WHERE field = 'host'), '') AS host,
               coalesce(max(value #>> '{}') FILTER (WHERE field = 'managed_by'), '') AS managed_by,
               coalesce(jsonb_object_agg(substr(field, 12), value)
                        FILTER (WHERE field LIKE 'attributes.%'), '{}') AS attributes
          FROM said WHERE place = 1 GROUP BY ref),
    put AS (
        INSERT INTO public.cmdb_ci AS c (ref, name, ci_class, attributes, impact, urgency,
            user_facing, lifeline, inventory_host_id, source, managed_by, retired)
        SELECT ref, name, ci_class, attributes, impact, urgency, user_facing, lifeline, host,
               source, managed_by, false
          FROM wanted WHERE source IS NOT NULL
        ON CONFLICT (ref) DO UPDATE
            SET name = excluded.name, ci_class = excluded.ci_class, impact = excluded.impact,
                attributes = excluded.attributes, urgency = excluded.urgency,
                user_facing = excluded.user_facing, lifeline = excluded.lifeline,
                inventory_host_id = excluded.inventory_host_id, source = excluded.source,
                managed_by = excluded.managed_by, retired = false
          WHERE c.retired OR (c.name, c.ci_class, c.attributes, c.impact, c.urgency, c.user_facing,
                c.lifeline, c.inventory_host_id, c.source, c.managed_by)
              IS DISTINCT FROM (excluded.name, excluded.ci_class, excluded.attributes,
                excluded.impact, excluded.urgency, excluded.user_facing, excluded.lifeline,
                excluded.inventory_host_id, excluded.source, excluded.managed_by)
        RETURNING c.ref, xmax = 0 AS added),
    went AS (
        UPDATE public.cmdb_ci c SET retired = true
         WHERE c.ref = ANY (p_refs) AND NOT c.retired
           AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.ref = c.ref AND w.source IS NOT NULL)
        RETURNING c.ref)
    SELECT p.ref::text, CASE WHEN p.added THEN 'added' ELSE 'changed' END FROM put p
    UNION ALL SELECT g.ref::text, 'retired' FROM went g ORDER BY 1;
END $$;

-- Makes what one source says exactly this: of these CIs, or of all where none are named. A source
-- that the table of precedence does not know says nothing.
CREATE FUNCTION cmdb.say(p_source text, p_said jsonb, p_only text[])
RETURNS TABLE (ci text, what text)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE v_touched text[];
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.cmdb_precedence
                    WHERE kind = split_part(p_source, ':', 1)) THEN
        RAISE EXCEPTION 'nothing is declared by %', p_source USING ERRCODE = 'check_violation';
    END IF;
    WITH wanted AS MATERIALIZED (
        SELECT t ->> 'ref' AS ref, t ->> 'field' AS field, t -> 'value' AS value
          FROM jsonb_array_elements(p_said) AS t),
    put AS (
        INSERT INTO public.cmdb_claim AS c (ref, field, source, value)
        SELECT ref, field, p_source, value FROM wanted
        ON CONFLICT (ref, field, source) DO UPDATE
            SET value = excluded.value, since = clock_timestamp()
          WHERE c.value <> excluded.value
        RETURNING c.ref),
    went AS (
        DELETE FROM public.cmdb_claim c
         WHERE c.source = p_source AND (p_only IS NULL OR c.ref = ANY (p_only))
           AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.ref = c.ref AND w.field = c.field)
        RETURNING c.ref)
    SELECT array_agg(DISTINCT one) INTO v_touched
      FROM (SELECT ref AS one FROM wanted UNION SELECT ref FROM put
            UNION SELECT ref FROM went) AS touched;
    RETURN QUERY SELECT r.ci, r.what FROM cmdb.resolve(coalesce(v_touched, '{}')) AS r;
END $$;

-- What is declared by now was said by its source.
INSERT INTO public.cmdb_claim (ref, field, source, value)
SELECT c.ref, f.field, c.source, f.value
  FROM public.cmdb_ci c CROSS JOIN LATERAL (
    SELECT * FROM (VALUES
        ('ref', 'true'::jsonb), ('name', to_jsonb(c.name)), ('ci_class', to_jsonb(c.ci_class)),
        ('impact', to_jsonb(c.impact)), ('urgency', to_jsonb(c.urgency)),
        ('user_facing', to_jsonb(c.user_facing)), ('lifeline', to_jsonb(c.lifeline)),
        ('managed_by', to_jsonb(c.managed_by)), ('host', to_jsonb(c.inventory_host_id))
    ) AS fixed (field, value) WHERE value IS NOT NULL
    UNION ALL
    SELECT 'attributes.' || a.key, a.value FROM jsonb_each(c.attributes) AS a) AS f
 WHERE NOT c.retired;

CREATE VIEW reading.claim AS SELECT ref, field, source, value, since FROM public.cmdb_claim;

GRANT SELECT ON reading.claim TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON public.cmdb_claim, public.cmdb_precedence TO ethops_app;
REVOKE ALL ON FUNCTION cmdb.resolve(text[]), cmdb.say(text, jsonb, text[]) FROM PUBLIC;
