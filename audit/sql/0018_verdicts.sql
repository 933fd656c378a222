-- How the ledger stands is said by who verifies it, and by no other role: who asks for risky
-- effects could else call a damaged ledger whole.

CREATE FUNCTION audit.keep_check(p_since bigint, p_to bigint, p_hash bytea, p_size bigint,
    p_findings jsonb, p_took_us bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO public.audit_check (since, to_seq, whole, hash, size, findings, took_us)
    -- Whole is what nothing was found in; anything but a list raises.
    VALUES (p_since, p_to, jsonb_array_length(p_findings) = 0, p_hash, p_size, p_findings,
            p_took_us);
    DELETE FROM public.audit_check WHERE at < clock_timestamp() - interval '7 days';
END $$;

-- As before, and: the verifier says itself that it lives.
CREATE OR REPLACE FUNCTION audit.alive(p_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_role text := CASE p_name WHEN 'recorder' THEN 'ethops_audit_writer'
        WHEN 'checkpointer' THEN 'ethops_audit_signer' WHEN 'witnessing' THEN 'ethops_witness'
        WHEN 'verifier' THEN 'ethops_verifier' END;
BEGIN
    IF v_role IS NOT NULL AND v_role <> session_user THEN
        RAISE EXCEPTION '% says itself that it lives', p_name
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.audit_heartbeat (name, at) VALUES (left(p_name, 80), clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET at = excluded.at;
END $$;

REVOKE INSERT, UPDATE, DELETE ON public.audit_check FROM ethops_app;
REVOKE ALL ON FUNCTION audit.keep_check(bigint, bigint, bytea, bigint, jsonb, bigint) FROM PUBLIC;
GRANT USAGE ON SCHEMA audit TO ethops_verifier;
GRANT EXECUTE ON FUNCTION audit.keep_check(bigint, bigint, bytea, bigint, jsonb, bigint),
    audit.alive(text), audit.head(), audit.origin_after(bigint), audit.content_of(bytea)
    TO ethops_verifier;
-- It reads the whole record, and writes nothing but what it found.
GRANT SELECT ON public.audit_work, public.audit_pending, public.audit_entry, public.audit_check,
    public.audit_value, public.audit_tile, public.audit_treehead, public.audit_logkey,
    public.audit_cosignature, public.audit_witness, public.audit_witnessing TO ethops_verifier;
