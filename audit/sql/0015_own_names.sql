-- Nobody says that another process of the ledger lives, and nothing endless lies beside it.

CREATE OR REPLACE FUNCTION audit.alive(p_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_role text := CASE p_name WHEN 'recorder' THEN 'ethops_audit_writer'
        WHEN 'checkpointer' THEN 'ethops_audit_signer' WHEN 'witnessing' THEN 'ethops_witness' END;
BEGIN
    IF v_role IS NOT NULL AND v_role <> session_user THEN
        RAISE EXCEPTION '% says itself that it lives', p_name
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.audit_heartbeat (name, at) VALUES (left(p_name, 80), clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET at = excluded.at;
END $$;

-- As before, and: a value is no longer than twice what an entry may be. Spaces between arguments
-- are counted by nobody else.
CREATE OR REPLACE FUNCTION audit.keep_value(p_value text, p_about text, p_salt bytea DEFAULT NULL)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_salt bytea; v_digest text;
BEGIN
    IF octet_length(p_value) > 131072 THEN
        RAISE EXCEPTION 'a value of % bytes is too long', octet_length(p_value)
            USING ERRCODE = 'check_violation';
    END IF;
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
