-- What a person says of a CI at the desk: checked as a declaration is, and kept as the words of the
-- source `desk`. Nobody is let in here: the door that asks for a person and his code calls this.
-- Frozen: a later change is a new file and migration.

-- Why these words cannot be said of a CI, or NULL.
CREATE FUNCTION cmdb.bad_words(p_ref text, p_said jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE v record; v_text text;
BEGIN
    IF p_ref !~ '^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$' THEN RETURN 'the ref is none'; END IF;
    IF jsonb_typeof(p_said) <> 'object' OR octet_length(p_said::text) > 65536 THEN
        RETURN 'no words, or too many';
    END IF;
    FOR v IN SELECT key AS field, value FROM jsonb_each(p_said) LOOP
        v_text := v.value #>> '{}';
        IF NOT coalesce(CASE
            WHEN v.field = 'ref' THEN v.value = 'true'::jsonb
            WHEN v.field = 'managed_by' THEN v_text = 'desk'
            WHEN v.field = 'name' THEN jsonb_typeof(v.value) = 'string'
                AND length(v_text) BETWEEN 1 AND 120 AND v_text !~ '[[:cntrl:]]'
            WHEN v.field = 'ci_class' THEN jsonb_typeof(v.value) = 'string'
                AND v_text ~ '^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$'
            WHEN v.field IN ('impact', 'urgency') THEN jsonb_typeof(v.value) = 'number'
                AND v_text IN ('1', '2', '3')
            WHEN v.field IN ('user_facing', 'lifeline') THEN jsonb_typeof(v.value) = 'boolean'
            WHEN v.field = 'host' THEN EXISTS (
                SELECT 1 FROM public.cmdb_host WHERE name = v_text AND NOT retired)
            ELSE v.field ~ '^attributes\.[a-zA-Z_][a-zA-Z0-9_]{0,127}$' END, false) THEN
            RETURN format('%s cannot be %s', left(v.field, 80), left(coalesce(v_text, 'null'), 80));
        END IF;
    END LOOP;
    IF p_said ? 'ref' AND NOT (p_said ?& ARRAY['name', 'ci_class']) THEN
        RETURN 'a CI has a name and a class';
    END IF;
    IF NOT p_said ? 'ref' AND NOT EXISTS (
        SELECT 1 FROM public.cmdb_claim
         WHERE ref = p_ref AND field = 'ref') THEN
        RETURN 'there is no such CI';
    END IF;
    RETURN NULL;
END $$;

-- Says again what one CI stands on. The same as `adapters/cmdb/relations.py` says of all of them at
-- the next load; where two CIs have one name, that one decides.
CREATE FUNCTION cmdb.restate(p_ref text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    WITH ci AS (
        SELECT * FROM public.cmdb_ci WHERE ref = p_ref AND NOT retired),
    named AS (
        SELECT k.kind, one.value #>> '{}' AS name
          FROM ci CROSS JOIN unnest(ARRAY['depends_on', 'runs_on', 'powered_by', 'connected_to'])
               AS k (kind)
         CROSS JOIN LATERAL jsonb_array_elements(
                CASE jsonb_typeof(ci.attributes -> k.kind)
                WHEN 'array' THEN ci.attributes -> k.kind
                WHEN 'string' THEN jsonb_build_array(ci.attributes -> k.kind)
                ELSE '[]'::jsonb END) AS one
         WHERE jsonb_typeof(one.value) = 'string'
           AND length(one.value #>> '{}') BETWEEN 1 AND 200
        UNION ALL
        SELECT 'on_host', inventory_host_id FROM ci WHERE inventory_host_id IS NOT NULL),
    said AS (
        SELECT DISTINCT coalesce(
                   (SELECT o.ref FROM public.cmdb_ci o
                     WHERE NOT o.retired
                       AND n.name IN (o.ref, o.name, o.attributes ->> 'hostname')
                     ORDER BY o.ref = n.name DESC, o.ref LIMIT 1),
                   CASE n.kind WHEN 'on_host' THEN 'host:' ELSE '' END || n.name) AS support, n.kind
          FROM named n),
    put AS (
        INSERT INTO public.cmdb_relation AS r (dependent, support, kind, source)
        SELECT p_ref, s.support, s.kind, ci.source FROM said s, ci WHERE s.support <> p_ref
        ON CONFLICT (dependent, support, kind) DO UPDATE
            SET gone = false, source = excluded.source, by_class = '',
                changed_at = CASE WHEN r.gone THEN clock_timestamp() ELSE r.changed_at END,
                seen_at = clock_timestamp())
    UPDATE public.cmdb_relation r SET gone = true, changed_at = clock_timestamp()
     WHERE r.dependent = p_ref AND NOT r.gone AND r.source <> 'itop'
       AND NOT EXISTS (SELECT 1 FROM said s WHERE s.support = r.support AND s.kind = r.kind);
END $$;

-- Everything that is said of a CI, in one word: what was shown to whoever says it otherwise.
CREATE FUNCTION cmdb.words_digest(p_ref text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT encode(sha256(convert_to(coalesce(jsonb_agg(
               jsonb_build_array(field, source, value) ORDER BY field, source), '[]')::text,
               'UTF8')), 'hex')
      FROM public.cmdb_claim WHERE ref = p_ref
$$;

-- What declarations may call a CI by.
CREATE FUNCTION cmdb.called(p_ref text) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT one.name FROM public.cmdb_ci c
     CROSS JOIN LATERAL unnest(ARRAY[c.ref::text, c.name, c.attributes ->> 'hostname']) one (name)
     WHERE c.ref = p_ref AND one.name IS NOT NULL
$$;

-- Makes what the desk says of one CI exactly this, and all that follows from it: who named it, or
-- its host, before there was such a CI stands on it now.
CREATE FUNCTION cmdb.say_at_desk(p_ref text, p_said jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE v_names text[]; v_words jsonb; v_called text[]; v_on text;
BEGIN
    v_names := ARRAY(SELECT cmdb.names_of(p_ref));
    v_called := ARRAY(SELECT cmdb.called(p_ref));
    SELECT coalesce(jsonb_agg(jsonb_build_object('ref', p_ref, 'field', key, 'value', value)), '[]')
      INTO v_words FROM jsonb_each(p_said);
    PERFORM cmdb.say('desk', v_words, ARRAY[p_ref]);
    PERFORM cmdb.restate(p_ref);
    v_called := v_called || ARRAY(SELECT cmdb.called(p_ref));
    v_called := v_called || ARRAY(SELECT 'host:' || one FROM unnest(v_called) one) || p_ref;
    FOR v_on IN SELECT DISTINCT dependent FROM public.cmdb_relation
                 WHERE support = ANY (v_called) AND NOT gone AND source <> 'itop'
                   AND dependent <> p_ref LOOP
        PERFORM cmdb.restate(v_on);
    END LOOP;
    v_names := v_names || ARRAY(SELECT cmdb.names_of(p_ref));
    PERFORM cmdb.settle('itop', cmdb.match_names('itop', v_names));
END $$;

-- Names of things that may be this CI.
CREATE FUNCTION cmdb.names_of(p_ref text) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT lower(name) FROM public.cmdb_ci WHERE ref = p_ref
    UNION
    SELECT lower(k.name) FROM public.cmdb_ci c
      JOIN public.cmdb_known k ON k.source = 'itop' AND NOT k.gone
       AND k.ref = 'itop:ci:' || (c.attributes ->> 'itop')
     WHERE c.ref = p_ref
    UNION
    SELECT lower(name) FROM public.cmdb_known WHERE ci_ref = p_ref AND NOT gone
$$;

REVOKE ALL ON FUNCTION cmdb.bad_words(text, jsonb), cmdb.restate(text),
    cmdb.say_at_desk(text, jsonb), cmdb.names_of(text), cmdb.called(text),
    cmdb.words_digest(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cmdb.words_digest(text) TO ethops_app;
