-- Witnesses: what others signed of our tree heads, and what must be signed before risky effects.
-- Frozen: a later change is a new file and migration.

INSERT INTO public.audit_witnessing (id) VALUES (1);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON public.audit_cosignature
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.audit_cosignature
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE public.audit_cosignature ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE public.audit_cosignature ENABLE ALWAYS TRIGGER no_truncate;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON public.audit_anchor
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.audit_anchor
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE public.audit_anchor ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE public.audit_anchor ENABLE ALWAYS TRIGGER no_truncate;

-- The largest size that as many independent administrators have signed as are asked for; NULL
-- where none are asked for. Who runs the log itself counts for nothing, however many keys he has.
CREATE FUNCTION audit.witnessed_size() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN r.quorum > 0 THEN coalesce((
        SELECT max(w.size) FROM public.audit_witness w
         WHERE w.enabled AND lower(w.administrator) <> lower(r.administrator)
         GROUP BY lower(w.administrator)
         ORDER BY 1 DESC OFFSET r.quorum - 1 LIMIT 1), 0) END
      FROM public.audit_witnessing r WHERE r.id = 1
$$;

-- A verified cosignature. Effects that waited for this head, and no others, are woken.
CREATE FUNCTION audit.cosigned(p_witness text, p_size bigint, p_line text, p_at timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_before bigint; v_now bigint; v_queue text;
BEGIN
    SELECT audit.witnessed_size() INTO v_before;
    UPDATE public.audit_witness
       SET state = 'well', said = '', size = greatest(size, p_size),
           asked_at = clock_timestamp(), signed_at = clock_timestamp()
     WHERE name = p_witness AND enabled;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no witness %', p_witness USING ERRCODE = 'foreign_key_violation';
    END IF;
    INSERT INTO public.audit_cosignature (size, witness, administrator, line, at)
    SELECT p_size, w.name, w.administrator, p_line, p_at
      FROM public.audit_witness w WHERE w.name = p_witness
    ON CONFLICT (size, witness) DO NOTHING;
    SELECT audit.witnessed_size() INTO v_now;
    IF v_now > v_before THEN
        FOR v_queue IN
            WITH woken AS (
                UPDATE public.audit_work SET published_at = NULL
                 WHERE kind = 'effect' AND state = 'ready'
                   AND entry_seq > v_before AND entry_seq <= v_now
                RETURNING queue)
            SELECT DISTINCT queue FROM woken
        LOOP
            PERFORM pg_notify('ethops_ready', v_queue);
        END LOOP;
    END IF;
END $$;

CREATE FUNCTION audit.witness_stands(p_witness text, p_state text, p_said text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE public.audit_witness
       SET state = p_state, said = left(p_said, 500), asked_at = clock_timestamp()
     WHERE name = p_witness
$$;

CREATE FUNCTION audit.anchored(p_size bigint, p_kind text, p_receipt bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO public.audit_anchor (size, kind, receipt) VALUES (p_size, p_kind, p_receipt)
$$;

REVOKE ALL ON FUNCTION audit.witnessed_size(), audit.witness_stands(text, text, text),
    audit.cosigned(text, bigint, text, timestamptz), audit.anchored(bigint, text, bytea)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.witnessed_size() TO ethops_app, ethops_witness;
GRANT EXECUTE ON FUNCTION audit.cosigned(text, bigint, text, timestamptz),
    audit.witness_stands(text, text, text), audit.anchored(bigint, text, bytea),
    audit.alive(text) TO ethops_witness;
GRANT USAGE ON SCHEMA audit TO ethops_witness;
GRANT SELECT ON public.audit_witnessing, public.audit_witness, public.audit_cosignature,
    public.audit_anchor TO ethops_app, ethops_witness;
