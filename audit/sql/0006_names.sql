-- Whom and what an entry names, read from its bytes: by these the ledger is filtered. They are
-- indexes over expressions, so there is no column beside the bytes that could say something else.

-- Bytes that are no JSON name nothing; an append may never fail for what it says.
CREATE FUNCTION audit.content_of(p_body bytea) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN convert_from(p_body, 'UTF8')::jsonb;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

-- In entries of the GPU `card` is a graphics card; everywhere else it is a persona's.
CREATE FUNCTION audit.persona_of(p_body bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    v_entry jsonb := audit.content_of(p_body);
    v_body jsonb := v_entry -> 'body';
BEGIN
    RETURN left(coalesce(v_body ->> 'persona',
        CASE WHEN split_part(v_entry ->> 'kind', '.', 1) NOT IN ('inference', 'gpu')
             THEN v_body ->> 'card' END), 200);
END $$;

CREATE FUNCTION audit.run_of(p_body bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    v_entry jsonb := audit.content_of(p_body);
    v_body jsonb := v_entry -> 'body';
BEGIN
    RETURN left(coalesce(v_body ->> 'run', v_body ->> 'claimed_run',
        CASE WHEN v_body ->> 'principal' LIKE 'run:%' THEN substr(v_body ->> 'principal', 5) END,
        CASE WHEN split_part(v_entry ->> 'kind', '.', 1) = 'run' THEN v_entry ->> 'subject' END),
        200);
END $$;

-- A list under `cis` or `scope`, or the one `target`.
CREATE FUNCTION audit.cis_of(p_body bytea) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    v_body jsonb := audit.content_of(p_body) -> 'body';
    v_named text[] := '{}';
    v_list text;
BEGIN
    FOREACH v_list IN ARRAY ARRAY['cis', 'scope'] LOOP
        IF jsonb_typeof(v_body -> v_list) = 'array' THEN
            v_named := v_named || ARRAY(SELECT left(one, 200)
                FROM jsonb_array_elements_text(v_body -> v_list) AS one WHERE one <> '' LIMIT 64);
        END IF;
    END LOOP;
    -- What a notice names is a person.
    IF v_body ->> 'target' <> '' AND v_body ->> 'verb' IS DISTINCT FROM 'notify' THEN
        v_named := v_named || left(v_body ->> 'target', 200);
    END IF;
    RETURN nullif(v_named, '{}');
END $$;

REVOKE ALL ON FUNCTION audit.content_of(bytea), audit.persona_of(bytea), audit.run_of(bytea),
    audit.cis_of(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.content_of(bytea), audit.persona_of(bytea), audit.run_of(bytea),
    audit.cis_of(bytea) TO ethops_app;
