-- Scoped commands: which argument vectors a grant covers. The executor asks a twin in Python.

-- The vector in an argument, or NULL where it is none: a list of plain ASCII texts, few and short.
CREATE FUNCTION gate.argv_of(p_text text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
DECLARE v_list jsonb; v_argv text[];
BEGIN
    IF p_text IS NULL OR length(p_text) > 4000 OR NOT pg_input_is_valid(p_text, 'jsonb') THEN
        RETURN NULL;
    END IF;
    v_list := p_text::jsonb;
    IF jsonb_typeof(v_list) <> 'array' OR jsonb_array_length(v_list) NOT BETWEEN 1 AND 64
            OR EXISTS (SELECT 1 FROM jsonb_array_elements(v_list) e
                        WHERE jsonb_typeof(e) <> 'string' OR length(e #>> '{}') > 2000
                           OR (e #>> '{}') COLLATE "C" !~ '^[ -~]+$') THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(t.one ORDER BY t.place) INTO v_argv
      FROM jsonb_array_elements_text(v_list) WITH ORDINALITY AS t(one, place);
    RETURN v_argv;
END $$;

-- What begins with a dash is an option to somebody, wherever it stands.
CREATE FUNCTION gate.is_word(p_element text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT p_element <> '' AND NOT starts_with(p_element, '-')
$$;

CREATE FUNCTION gate.is_granted_option(p_options jsonb, p_element text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM jsonb_array_elements_text(p_options) o
                    WHERE CASE WHEN right(o, 2) = '=*' THEN starts_with(p_element, left(o, -1))
                               ELSE p_element = o END)
$$;

-- One pattern against one vector: ? is one word, {name} what the CI declares under this name, a
-- last * any more words and granted options.
CREATE FUNCTION gate.argv_covers(p_pattern jsonb, p_options jsonb, p_argv text[],
    p_attributes jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
DECLARE
    v_head int := jsonb_array_length(p_pattern); v_open boolean; v_count int := cardinality(p_argv);
    v_wanted text; v_value jsonb;
BEGIN
    v_open := p_pattern ->> -1 = '*';
    IF v_open THEN v_head := v_head - 1; END IF;
    IF v_count < v_head OR (v_count > v_head AND NOT v_open) THEN RETURN false; END IF;
    FOR i IN 1 .. v_head LOOP
        v_wanted := p_pattern ->> (i - 1);
        IF v_wanted = '?' THEN
            IF NOT gate.is_word(p_argv[i]) THEN RETURN false; END IF;
            CONTINUE;
        ELSIF starts_with(v_wanted, '{') THEN
            v_value := p_attributes -> btrim(v_wanted, '{}');
            -- An owner's slip must not become an option either.
            IF jsonb_typeof(v_value) IS DISTINCT FROM 'string'
                    OR NOT gate.is_word(v_value #>> '{}') THEN
                RETURN false;
            END IF;
            v_wanted := v_value #>> '{}';
        END IF;
        IF p_argv[i] <> v_wanted THEN RETURN false; END IF;
    END LOOP;
    FOR i IN v_head + 1 .. v_count LOOP
        IF NOT (gate.is_word(p_argv[i]) OR gate.is_granted_option(p_options, p_argv[i])) THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END $$;

CREATE FUNCTION gate.scope_covers(p_scope public.guardrails_commandscope, p_argv text[],
    p_attributes jsonb)
RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM jsonb_array_elements((p_scope).commands) pattern
                    WHERE gate.argv_covers(pattern, (p_scope).options, p_argv, p_attributes))
$$;
