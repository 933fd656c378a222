-- The Merkle tree over the ledger: its tiles, its signed heads, the log's keys, and how the one
-- process stands that signs. Frozen: a later change is a new file and migration.

-- ---------------------------------------------------------------- what never changes
-- A tile grows by whole hashes until it is full, and never loses or changes one.
ALTER TABLE public.audit_tile ADD CONSTRAINT tile_of_hashes CHECK (
    octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0);

CREATE FUNCTION audit.guard_tile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.level = OLD.level AND NEW.index = OLD.index
                AND octet_length(NEW.hashes) >= octet_length(OLD.hashes)
                AND substr(NEW.hashes, 1, octet_length(OLD.hashes)) = OLD.hashes THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'a tile only grows: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON public.audit_tile
    FOR EACH ROW EXECUTE FUNCTION audit.guard_tile();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.audit_tile
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE public.audit_tile ENABLE ALWAYS TRIGGER only_grows;
ALTER TABLE public.audit_tile ENABLE ALWAYS TRIGGER no_truncate;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON public.audit_treehead
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.audit_treehead
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE public.audit_treehead ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE public.audit_treehead ENABLE ALWAYS TRIGGER no_truncate;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON public.audit_logkey
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.audit_logkey
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE public.audit_logkey ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE public.audit_logkey ENABLE ALWAYS TRIGGER no_truncate;

-- ---------------------------------------------------------------- growing
-- Wakes the signer once per batch of entries; at once where an effect waits in it, since a risky
-- one may have to wait for a witnessed head.
CREATE FUNCTION audit.say_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(CASE WHEN EXISTS (
            SELECT 1 FROM public.audit_work
             WHERE entry_seq > OLD.seq AND entry_lsn IS NULL AND kind = 'effect')
        THEN 'ethops_head_wanted' ELSE 'ethops_entries' END, NEW.seq::text);
    RETURN NULL;
END $$;
CREATE TRIGGER say_entries AFTER UPDATE ON public.audit_head
    FOR EACH ROW WHEN (NEW.seq > OLD.seq) EXECUTE FUNCTION audit.say_entries();

-- Tiles and head of one size in one synchronous commit: what is read of them is on disk, and so
-- are the entries below, whose commits lie before it. False where another process was faster, or
-- has handed over to another key.
CREATE FUNCTION audit.grow_tree(p_vkey text, p_from bigint, p_size bigint, p_root bytea,
    p_note text, p_levels int[], p_indexes bigint[], p_hashes bytea[])
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'on', true);
    LOCK TABLE public.audit_treehead IN EXCLUSIVE MODE;
    IF (SELECT coalesce(max(size), 0) FROM public.audit_treehead) <> p_from
            OR (SELECT vkey FROM public.audit_logkey ORDER BY n DESC LIMIT 1)
               IS DISTINCT FROM p_vkey THEN
        RETURN false;
    END IF;
    IF p_size <= p_from OR octet_length(p_root) <> 32
            OR p_size > (SELECT seq FROM public.audit_head WHERE id = 1) THEN
        RAISE EXCEPTION 'no tree head of % entries after one of %', p_size, p_from
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO public.audit_tile (level, index, hashes)
    SELECT * FROM unnest(p_levels, p_indexes, p_hashes)
    ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes;
    INSERT INTO public.audit_treehead (size, root, note) VALUES (p_size, p_root, p_note);
    PERFORM pg_notify('ethops_treehead', p_size::text);
    RETURN true;
END $$;

-- ---------------------------------------------------------------- keys
-- The first key is taken as it comes; each later one brings a statement signed by the one before.
CREATE FUNCTION audit.register_key(p_vkey text, p_from bigint, p_statement text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_old text;
BEGIN
    PERFORM set_config('synchronous_commit', 'on', true);
    LOCK TABLE public.audit_logkey, public.audit_treehead IN EXCLUSIVE MODE;
    SELECT vkey INTO v_old FROM public.audit_logkey ORDER BY n DESC LIMIT 1;
    IF v_old = p_vkey THEN RETURN; END IF;
    IF (v_old IS NULL) <> (p_statement = '')
            OR p_from <> (SELECT coalesce(max(size), 0) + 1 FROM public.audit_treehead) THEN
        RAISE EXCEPTION 'this key of the log does not follow the one before'
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO public.audit_logkey (vkey, from_size, statement)
    VALUES (p_vkey, p_from, p_statement);
    PERFORM audit.put_pending('ledger.key', p_vkey, '', jsonb_build_object(
        'vkey', p_vkey, 'from_size', p_from, 'before', coalesce(v_old, ''),
        'statement', p_statement));
END $$;

-- ---------------------------------------------------------------- how the signer stands
CREATE FUNCTION audit.signing_stands(p_state text, p_code text, p_detail text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO public.audit_signing (id, state, code, detail)
    VALUES (1, p_state, p_code, left(p_detail, 500))
    ON CONFLICT (id) DO UPDATE
       SET state = excluded.state, code = excluded.code, detail = excluded.detail,
           at = clock_timestamp()
$$;

-- ---------------------------------------------------------------- rights
REVOKE ALL ON FUNCTION audit.guard_tile(), audit.say_entries(),
    audit.grow_tree(text, bigint, bigint, bytea, text, int[], bigint[], bytea[]),
    audit.register_key(text, bigint, text), audit.signing_stands(text, text, text) FROM PUBLIC;
GRANT USAGE ON SCHEMA audit TO ethops_audit_signer;
GRANT EXECUTE ON FUNCTION audit.head(), audit.alive(text),
    audit.grow_tree(text, bigint, bigint, bytea, text, int[], bigint[], bytea[]),
    audit.register_key(text, bigint, text), audit.signing_stands(text, text, text)
    TO ethops_audit_signer;
GRANT SELECT ON public.audit_entry, public.audit_tile, public.audit_treehead,
    public.audit_logkey TO ethops_audit_signer;
GRANT SELECT ON public.audit_tile, public.audit_treehead, public.audit_logkey,
    public.audit_signing TO ethops_app, ethops_witness;
