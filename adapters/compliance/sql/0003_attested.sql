-- A person's word about a safeguard, kept as an observation of its own kind: nobody but the owner's
-- functions adds one, so that it is there only with what those ask for. Frozen: a later change is a
-- new file and migration.

-- Not SECURITY DEFINER: it looks at who inserts, which within such a function is its owner.
CREATE FUNCTION public.compliance_is_a_persons_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> (SELECT pg_catalog.pg_get_userbyid(c.relowner)
                           FROM pg_catalog.pg_class c WHERE c.oid = TG_RELID)
    THEN
        RAISE EXCEPTION 'a person''s word is kept by gate.attest alone'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER a_persons_word BEFORE INSERT ON public.compliance_observation
    FOR EACH ROW WHEN (NEW.kind = 'person.attested')
    EXECUTE FUNCTION public.compliance_is_a_persons_word();

-- Keeps the word and returns its id: the digest of all that it says, as `canonical.identity` makes
-- it. Of everybody's words the newest counts, so all of them have one source.
CREATE FUNCTION public.compliance_attested(p_safeguard text, p_scope text, p_holds boolean,
    p_said text, p_until timestamptz, p_raw jsonb)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_at timestamptz := clock_timestamp();
    v_outcome text := CASE WHEN p_holds THEN 'met' ELSE 'unmet' END;
    v_raw text := encode(sha256(convert_to(p_raw::text, 'UTF8')), 'hex');
    v_id text;
BEGIN
    SELECT encode(sha256(convert_to('[' || string_agg(to_json(one)::text, ',' ORDER BY n) || ']',
                                    'UTF8')), 'hex') INTO v_id
      FROM unnest(ARRAY['person.attested', p_safeguard, p_scope, v_outcome, p_said, 'people',
               to_char(v_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               to_char(p_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), v_raw])
           WITH ORDINALITY AS said (one, n);
    INSERT INTO public.compliance_observation (id, kind, safeguard, scope, outcome, said, source,
        collected_at, expires_at, raw_sha256)
    VALUES (v_id, 'person.attested', p_safeguard, p_scope, v_outcome, p_said, 'people', v_at,
        p_until, v_raw);
    RETURN v_id;
END $$;

REVOKE ALL ON FUNCTION
    public.compliance_attested(text, text, boolean, text, timestamptz, jsonb) FROM PUBLIC;
