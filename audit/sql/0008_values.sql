-- What entries say without holding it, who has acknowledged a broken ledger, and whether it is
-- being written at all. Rights stand at the end.

CREATE FUNCTION audit.moment(p_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- ---------------------------------------------------------------- values
CREATE FUNCTION audit.commitment(p_salt bytea, p_value text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(sha256('\x02'::bytea || p_salt || convert_to(p_value, 'UTF8')), 'hex')
$$;

-- Keeps a value beside the ledger and returns what the entry says in its place.
CREATE FUNCTION audit.keep_value(p_value text, p_about text, p_salt bytea DEFAULT NULL)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_salt bytea; v_digest text;
BEGIN
    -- A random uuid has 122 random bits: two of them, hashed, give 128.
    v_salt := coalesce(p_salt, substr(sha256(uuid_send(gen_random_uuid())
                                             || uuid_send(gen_random_uuid())), 1, 16));
    IF octet_length(v_salt) <> 16 THEN
        RAISE EXCEPTION 'a salt has 16 bytes, not %', octet_length(v_salt)
            USING ERRCODE = 'check_violation';
    END IF;
    v_digest := audit.commitment(v_salt, p_value);
    INSERT INTO public.audit_value (digest, salt, value, about)
    VALUES (v_digest, v_salt, p_value, left(p_about, 200)) ON CONFLICT (digest) DO NOTHING;
    RETURN v_digest;
END $$;

-- A value may be emptied, once; nothing else may happen to it.
CREATE FUNCTION audit.guard_value() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR NEW.digest <> OLD.digest OR NEW.about <> OLD.about OR NEW.at <> OLD.at
            OR NEW.salt IS NOT NULL OR NEW.value IS NOT NULL OR OLD.salt IS NULL THEN
        RAISE EXCEPTION 'values are emptied by redaction alone: % refused', TG_OP
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_value BEFORE UPDATE OR DELETE ON public.audit_value
    FOR EACH ROW EXECUTE FUNCTION audit.guard_value();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.audit_value
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE public.audit_value ENABLE ALWAYS TRIGGER guard_value;
ALTER TABLE public.audit_value ENABLE ALWAYS TRIGGER no_truncate;

-- Salt and value go, the tombstone comes, in one transaction.
CREATE FUNCTION audit.redact(p_digest text, p_by text, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_about text;
BEGIN
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'a value is redacted by a named person, with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    UPDATE public.audit_value SET salt = NULL, value = NULL, emptied_at = clock_timestamp()
     WHERE digest = p_digest AND salt IS NOT NULL RETURNING about INTO v_about;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM audit.put_pending('ledger.redacted', p_digest, '', jsonb_build_object(
        'digest', p_digest, 'about', v_about, 'person', left(p_by, 150), 'why', left(p_why, 500)));
    RETURN true;
END $$;

-- ---------------------------------------------------------------- a ledger that does not verify
CREATE FUNCTION audit.findings_digest(p_findings jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT encode(sha256(convert_to(p_findings::text, 'UTF8')), 'hex') $$;

-- The newest check that found damage which no later walk over the whole has found mended.
CREATE FUNCTION audit.damage()
RETURNS TABLE (at timestamptz, to_seq bigint, findings jsonb, digest text, acknowledged_by text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT b.at, b.to_seq, b.findings, d.digest,
           (SELECT k.by FROM public.audit_acknowledgement k
             WHERE k.findings_digest = d.digest ORDER BY k.at DESC LIMIT 1)
      FROM (SELECT * FROM public.audit_check WHERE NOT whole ORDER BY at DESC LIMIT 1) b,
           LATERAL (SELECT audit.findings_digest(b.findings) AS digest) d
     WHERE NOT EXISTS (SELECT 1 FROM public.audit_check w
                        WHERE w.whole AND w.since = 0 AND w.at > b.at)
$$;

-- False while the ledger does not verify and no person has said that he knows what was found.
CREATE FUNCTION audit.trusted() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT 1 FROM audit.damage() WHERE acknowledged_by IS NULL)
$$;

-- Holds for what was found so far: anything else that is found stops risky actions again.
CREATE FUNCTION audit.acknowledge(p_by text, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record;
BEGIN
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'damage is acknowledged by a named person, with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO v FROM audit.damage();
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO public.audit_acknowledgement (findings_digest, findings, to_seq, by, why)
    VALUES (v.digest, v.findings, v.to_seq, left(p_by, 150), left(p_why, 2000));
    PERFORM audit.put_pending('ledger.acknowledged', v.digest, '', jsonb_build_object(
        'person', left(p_by, 150), 'why', left(p_why, 500), 'findings', v.findings,
        'to_seq', v.to_seq));
    PERFORM pg_notify('ethops_ready', '');
    RETURN true;
END $$;

-- ---------------------------------------------------------------- whether it is being written
CREATE FUNCTION audit.recording()
RETURNS TABLE (state text, waiting bigint, oldest_s double precision, heard_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN h.at IS NULL OR h.at < clock_timestamp() - interval '10 s' THEN 'down'
                WHEN p.oldest_s > 5 THEN 'behind' ELSE 'recording' END,
           p.waiting, p.oldest_s, h.at
      FROM (SELECT count(*) AS waiting,
                   coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 AS oldest_s
              FROM public.audit_pending) p
      LEFT JOIN public.audit_heartbeat h ON h.name = 'recorder'
$$;

-- ---------------------------------------------------------------- what may be noted
-- Where a value leaves the profile of canonical JSON; NULL where it does not.
CREATE FUNCTION audit.unfit(p_value jsonb, p_where text DEFAULT '$') RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE v_key text; v_item jsonb; v_found text; v_number numeric; v_index int := 0;
BEGIN
    CASE jsonb_typeof(p_value)
    WHEN 'number' THEN
        v_number := p_value::text::numeric;
        -- 1.0 is a float too, as its text says.
        IF position('.' IN p_value::text) > 0 THEN
            RETURN p_where || ': floats are not allowed';
        ELSIF abs(v_number) > 9007199254740991 THEN
            RETURN p_where || ': a number is beyond 2^53-1';
        END IF;
    WHEN 'object' THEN
        FOR v_key, v_item IN SELECT * FROM jsonb_each(p_value) LOOP
            IF octet_length(v_key) <> length(v_key) THEN
                RETURN format('%s: key %s is not ASCII text', p_where, to_json(v_key));
            END IF;
            v_found := audit.unfit(v_item, p_where || '.' || v_key);
            IF v_found IS NOT NULL THEN RETURN v_found; END IF;
        END LOOP;
    WHEN 'array' THEN
        FOR v_item IN SELECT * FROM jsonb_array_elements(p_value) LOOP
            v_found := audit.unfit(v_item, format('%s[%s]', p_where, v_index));
            IF v_found IS NOT NULL THEN RETURN v_found; END IF;
            v_index := v_index + 1;
        END LOOP;
    ELSE NULL;
    END CASE;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION audit.note(p_kind text, p_subject text, p_ticket text, p_body jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_unfit text;
BEGIN
    IF split_part(p_kind, '.', 1) NOT IN ('ticket', 'event', 'person', 'work', 'site') THEN
        RAISE EXCEPTION 'facts of kind % are not noted by this door', p_kind
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    v_unfit := CASE WHEN jsonb_typeof(p_body) = 'object' THEN audit.unfit(p_body)
                    ELSE '$: a fact is an object' END;
    IF v_unfit IS NOT NULL THEN
        RAISE EXCEPTION 'a fact of kind % cannot be noted: %', p_kind, v_unfit
            USING ERRCODE = 'data_exception';
    END IF;
    PERFORM audit.put_pending(p_kind, p_subject, p_ticket,
                              p_body || jsonb_build_object('noted_by', session_user));
END $$;

-- ---------------------------------------------------------------- rights
REVOKE ALL ON FUNCTION audit.moment(timestamptz), audit.commitment(bytea, text),
    audit.keep_value(text, text, bytea), audit.guard_value(), audit.redact(text, text, text),
    audit.findings_digest(jsonb), audit.damage(), audit.trusted(), audit.acknowledge(text, text),
    audit.recording(), audit.unfit(jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.damage(), audit.trusted(), audit.acknowledge(text, text),
    audit.recording() TO ethops_app;
GRANT SELECT ON public.audit_value, public.audit_acknowledgement TO ethops_app;
