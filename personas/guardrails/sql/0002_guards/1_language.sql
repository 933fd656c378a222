-- The policy language: one interpreter, of conditions over facts. Nothing in it runs a rule's text.
-- Frozen: a later change is a new file and migration.

-- The words of a text: letters, digits and _, small.
CREATE FUNCTION gate.words_of(p_value jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT string_to_array(btrim(regexp_replace(lower(CASE jsonb_typeof(p_value)
        WHEN 'array' THEN (SELECT string_agg(t.one, ' ' ORDER BY t.place)
                             FROM jsonb_array_elements_text(p_value)
                                  WITH ORDINALITY AS t(one, place))
        ELSE p_value #>> '{}' END), '[^a-z0-9_]+', ' ', 'g')), ' ')
$$;

-- Whether the words of a phrase stand in a text in their order, whatever is between them: what a
-- comment or a quote hides in between hides nothing.
CREATE FUNCTION gate.says(p_value jsonb, p_phrase text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
DECLARE v_words text[] := gate.words_of(p_value); v_word text; v_at int := 0;
BEGIN
    FOREACH v_word IN ARRAY string_to_array(p_phrase, ' ') LOOP
        v_at := array_position(v_words, v_word, v_at + 1);
        IF v_at IS NULL THEN RETURN false; END IF;
    END LOOP;
    RETURN true;
END $$;

CREATE FUNCTION gate.is_bounded(p_value jsonb, p_bound jsonb, p_at_least boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN jsonb_typeof(p_value) <> jsonb_typeof(p_bound) THEN false
        WHEN jsonb_typeof(p_value) = 'number' THEN
            CASE WHEN p_at_least THEN (p_value #>> '{}')::numeric >= (p_bound #>> '{}')::numeric
                 ELSE (p_value #>> '{}')::numeric <= (p_bound #>> '{}')::numeric END
        WHEN jsonb_typeof(p_value) = 'string' THEN
            CASE WHEN p_at_least THEN (p_value #>> '{}') COLLATE "C" >= (p_bound #>> '{}')
                 ELSE (p_value #>> '{}') COLLATE "C" <= (p_bound #>> '{}') END
        ELSE false END
$$;

-- The elements of a list; a single value is a list of one.
CREATE FUNCTION gate.members(p_value jsonb) RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT e FROM jsonb_array_elements(CASE jsonb_typeof(p_value)
        WHEN 'array' THEN p_value ELSE jsonb_build_array(p_value) END) e
$$;

-- One matcher against one fact. A word that is not known here holds for nothing and is an error:
-- what a rule means must never depend on a part of it that is left out.
CREATE FUNCTION gate.matches(p_matcher jsonb, p_value jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
DECLARE v_name text; v_wanted jsonb; v_known boolean; v_holds boolean;
BEGIN
    v_known := p_value IS NOT NULL AND jsonb_typeof(p_value) <> 'null';
    FOR v_name, v_wanted IN SELECT * FROM jsonb_each(p_matcher) LOOP
        IF v_name = 'exists' THEN
            IF v_known IS DISTINCT FROM (v_wanted #>> '{}')::boolean THEN RETURN false; END IF;
            CONTINUE;
        END IF;
        IF NOT v_known THEN RETURN false; END IF;
        v_holds := CASE v_name
            WHEN 'eq' THEN p_value = v_wanted
            WHEN 'ne' THEN p_value <> v_wanted
            WHEN 'in' THEN EXISTS (SELECT 1 FROM gate.members(v_wanted) w WHERE w = p_value)
            WHEN 'not_in' THEN NOT EXISTS (SELECT 1 FROM gate.members(v_wanted) w WHERE w = p_value)
            WHEN 'gte' THEN gate.is_bounded(p_value, v_wanted, true)
            WHEN 'lte' THEN gate.is_bounded(p_value, v_wanted, false)
            WHEN 'has' THEN EXISTS (SELECT 1 FROM gate.members(v_wanted) w,
                                           gate.members(p_value) v WHERE v = w)
            WHEN 'lacks' THEN NOT EXISTS (SELECT 1 FROM gate.members(v_wanted) w,
                                                 gate.members(p_value) v WHERE v = w)
            WHEN 'starts' THEN EXISTS (SELECT 1 FROM gate.members(v_wanted) w,
                                              gate.members(p_value) v
                                        WHERE starts_with(v #>> '{}', w #>> '{}'))
            WHEN 'says' THEN EXISTS (SELECT 1 FROM gate.members(v_wanted) w
                                      WHERE gate.says(p_value, w #>> '{}'))
            END;
        IF v_holds IS NULL THEN
            RAISE EXCEPTION 'a rule asks for %, which nothing here can tell', v_name
                USING ERRCODE = 'check_violation';
        END IF;
        IF NOT v_holds THEN RETURN false; END IF;
    END LOOP;
    RETURN true;
END $$;

CREATE FUNCTION gate.all_hold(p_conditions jsonb, p_facts jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
DECLARE v_fact text; v_matcher jsonb;
BEGIN
    FOR v_fact, v_matcher IN SELECT * FROM jsonb_each(p_conditions) LOOP
        IF NOT gate.matches(v_matcher, p_facts -> v_fact) THEN RETURN false; END IF;
    END LOOP;
    RETURN true;
END $$;

-- Whether a rule fires on these facts.
CREATE FUNCTION gate.rule_fires(p_rule public.guardrails_rule, p_facts jsonb) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT gate.all_hold((p_rule)."when", p_facts)
       AND NOT ((p_rule)."unless" <> '{}' AND gate.all_hold((p_rule)."unless", p_facts))
       AND ((p_rule).effect <> 'read-only' OR p_facts ->> 'risk' IS DISTINCT FROM 'none')
$$;

-- Whether a list of a rule's bounds takes something in; an empty one takes in everything.
CREATE FUNCTION gate.takes_in(p_list jsonb, p_one text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT p_list IS NULL OR p_list = '[]' OR p_list ? p_one
$$;

-- The rules that have something to say, the hardest first. Rules of tools are for commands alone.
CREATE FUNCTION gate.firing(p_facts jsonb)
RETURNS TABLE (id text, effect text, say text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT r.id::text, r.effect::text, r.say
      FROM public.guardrails_rule r
     WHERE r.enabled
       AND gate.takes_in(r.applies -> 'verbs', p_facts ->> 'verb')
       AND gate.takes_in(r.applies -> 'cards', p_facts ->> 'card')
       AND gate.takes_in(r.applies -> 'entries', p_facts ->> 'entry')
       AND gate.takes_in(r.applies -> 'tools', coalesce(p_facts ->> 'tool', ''))
       AND gate.rule_fires(r, p_facts)
     ORDER BY CASE r.effect WHEN 'refuse' THEN 1 WHEN 'read-only' THEN 2 ELSE 3 END, r.id
$$;
