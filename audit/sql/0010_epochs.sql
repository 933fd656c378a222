-- Retention, epochs, what people did while the ledger was down. Rights stand at the end.

-- ---------------------------------------------------------------- retention
-- Whether a signed entry of the ledger itself says that the bytes of this one may go. Entries
-- about the ledger stay for good.
CREATE FUNCTION audit.prunable(p_seq bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM public.audit_entry e,
               LATERAL (SELECT audit.content_of(e.body) -> 'body' AS said) s
         WHERE e.kind = 'ledger.pruned'
           AND e.seq <= (SELECT coalesce(max(size), 0) FROM public.audit_treehead)
           AND p_seq BETWEEN (s.said ->> 'from')::bigint
                         AND least((s.said ->> 'to')::bigint, e.seq - 1))
$$;

-- Append-only, as before. One thing may happen to an entry, once: its bytes become their own leaf
-- hash, so that chain, tree and proofs stay; and only where a signed entry says so.
CREATE FUNCTION audit.guard_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.seq = OLD.seq AND NEW.prev = OLD.prev AND NEW.hash = OLD.hash AND NEW.at = OLD.at
                AND OLD.kind <> 'pruned' AND OLD.kind NOT LIKE 'ledger.%'
                AND NEW.kind = 'pruned' AND NEW.subject = '' AND NEW.ticket_ref = ''
                AND NEW.body = sha256('\x00'::bytea || OLD.body) AND audit.prunable(OLD.seq) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_entry is append-only: % refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
DROP TRIGGER append_only ON public.audit_entry;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON public.audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit.guard_entry();
ALTER TABLE public.audit_entry ENABLE ALWAYS TRIGGER append_only;

-- Says that the bytes of these entries may go, since an archive holds them. Nothing goes yet.
CREATE FUNCTION audit.declare_pruning(p_from bigint, p_to bigint, p_policy text, p_days int,
    p_archive_sha256 text, p_by text, p_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = ''
            OR coalesce(btrim(p_policy), '') = '' THEN
        RAISE EXCEPTION 'retention is declared by a named person, with a policy and a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    IF p_archive_sha256 !~ '^[0-9a-f]{64}$' OR p_days < 0 OR p_from < 1 OR p_to < p_from
            -- The newest signed entry stays: the tree grows on from there.
            OR p_to >= (SELECT coalesce(max(size), 0) FROM public.audit_treehead) THEN
        RAISE EXCEPTION 'entries % to % are no range below the newest signed tree head', p_from, p_to
            USING ERRCODE = 'check_violation';
    END IF;
    IF (SELECT at FROM public.audit_entry WHERE seq = p_to)
            > clock_timestamp() - make_interval(days => p_days) THEN
        RAISE EXCEPTION 'entry % is younger than % days', p_to, p_days
            USING ERRCODE = 'check_violation';
    END IF;
    PERFORM audit.put_pending('ledger.pruned', p_from || '-' || p_to, '', jsonb_build_object(
        'from', p_from, 'to', p_to, 'policy', left(p_policy, 200), 'days', p_days,
        'archive_sha256', p_archive_sha256, 'person', left(p_by, 150), 'why', left(p_why, 500)));
END $$;

-- Lets the bytes of entries go that may; their values beside the ledger go with them. The owner's
-- alone, and it could not do more than the trigger allows.
CREATE FUNCTION audit.prune(p_limit int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record; v_count int := 0; v_digest text;
BEGIN
    FOR v IN
        SELECT e.seq, e.body FROM public.audit_entry e
         WHERE e.kind <> 'pruned' AND e.kind NOT LIKE 'ledger.%'
           AND e.seq <= (SELECT max((audit.content_of(r.body) #>> '{body,to}')::bigint)
                           FROM public.audit_entry r WHERE r.kind = 'ledger.pruned')
           AND audit.prunable(e.seq)
         ORDER BY e.seq LIMIT p_limit
    LOOP
        FOR v_digest IN
            SELECT value FROM jsonb_each_text(
                CASE jsonb_typeof(audit.content_of(v.body) #> '{body,values}') WHEN 'object'
                THEN audit.content_of(v.body) #> '{body,values}' ELSE '{}' END)
        LOOP
            UPDATE public.audit_value
               SET salt = NULL, value = NULL, emptied_at = clock_timestamp()
             WHERE digest = v_digest AND salt IS NOT NULL;
        END LOOP;
        UPDATE public.audit_entry
           SET body = sha256('\x00'::bytea || body), kind = 'pruned', subject = '', ticket_ref = ''
         WHERE seq = v.seq;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- ---------------------------------------------------------------- epochs
-- The ledger goes on from an older state than is known elsewhere: said aloud, under a new name
-- (the entry is the last one under the old name), so that nobody takes two logs for one.
CREATE FUNCTION audit.declare_epoch(p_by text, p_why text, p_known_size bigint, p_known_root text)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_head public.audit_head%ROWTYPE; v_origin uuid := gen_random_uuid();
BEGIN
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'an epoch is declared by a named person, with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    IF p_known_size < 0 OR p_known_root !~ '^([0-9a-f]{64})?$' THEN
        RAISE EXCEPTION 'the last known tree head is a size and a root of 32 bytes in hex'
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO STRICT v_head FROM public.audit_head WHERE id = 1;
    PERFORM audit.put_pending('ledger.epoch', v_origin::text, '', jsonb_build_object(
        'origin', v_origin, 'origin_before', v_head.origin, 'person', left(p_by, 150),
        'why', left(p_why, 500), 'known_size', p_known_size, 'known_root', p_known_root,
        'head_seq', v_head.seq, 'head_hash', encode(v_head.hash, 'hex')));
    -- Positions of the write-ahead log mean nothing in another cluster.
    PERFORM audit.clear_stamps();
    RETURN v_origin;
END $$;

-- The name of the log that the entry after this one carries.
CREATE FUNCTION audit.origin_after(p_seq bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT audit.content_of(e.body) #>> '{body,origin_before}' FROM public.audit_entry e
         WHERE e.kind = 'ledger.epoch' AND e.seq > p_seq ORDER BY e.seq LIMIT 1),
        (SELECT origin::text FROM public.audit_head WHERE id = 1))
$$;

-- As before, and: after the entry of a new epoch the log has its new name; no entry is longer
-- than a tile allows.
CREATE OR REPLACE FUNCTION audit.append(p_n bigint[], p_body bytea[])
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_head public.audit_head%ROWTYPE;
    v_fact public.audit_pending%ROWTYPE;
    v_prev bytea;
    v_renamed boolean;
BEGIN
    -- Asynchronous on purpose: stamp() in the next transaction is the barrier of the batch.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO STRICT v_head FROM public.audit_head WHERE id = 1 FOR UPDATE;
    v_renamed := EXISTS (SELECT 1 FROM public.audit_entry WHERE kind = 'ledger.epoch');
    FOR i IN 1 .. coalesce(array_length(p_n, 1), 0) LOOP
        -- Built under the name of before: another recorder was faster; it comes again.
        CONTINUE WHEN v_renamed AND position(v_head.origin::text::bytea IN p_body[i]) = 0;
        DELETE FROM public.audit_pending WHERE n = p_n[i] RETURNING * INTO v_fact;
        CONTINUE WHEN NOT FOUND;
        IF octet_length(p_body[i]) > 65535 THEN
            RAISE EXCEPTION 'fact %: an entry of % bytes is too long', p_n[i],
                octet_length(p_body[i]) USING ERRCODE = 'data_exception';
        END IF;
        v_prev := v_head.hash;
        v_head.seq := v_head.seq + 1;
        v_head.hash := sha256('\x01'::bytea || v_prev || sha256('\x00'::bytea || p_body[i]));
        INSERT INTO public.audit_entry (seq, prev, hash, body, kind, subject, ticket_ref, at)
        VALUES (v_head.seq, v_prev, v_head.hash, p_body[i], v_fact.kind, v_fact.subject,
                v_fact.ticket_ref, v_fact.at);
        IF v_fact.work_id IS NOT NULL THEN
            UPDATE public.audit_work SET entry_seq = v_head.seq
             WHERE id = v_fact.work_id AND entry_seq IS NULL;
        END IF;
        IF v_fact.kind = 'ledger.epoch' THEN
            v_head.origin := (v_fact.body ->> 'origin')::uuid;
            v_renamed := true;
        END IF;
    END LOOP;
    UPDATE public.audit_head SET seq = v_head.seq, hash = v_head.hash, origin = v_head.origin
     WHERE id = 1;
    RETURN v_head.seq;
END $$;

-- As before, and: a log that its own signer refuses to sign on does not verify either.
CREATE OR REPLACE FUNCTION audit.damage()
RETURNS TABLE (at timestamptz, to_seq bigint, findings jsonb, digest text, acknowledged_by text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT f.at, f.to_seq, f.findings, d.digest,
           (SELECT k.by FROM public.audit_acknowledgement k
             WHERE k.findings_digest = d.digest ORDER BY k.at DESC LIMIT 1)
      FROM (SELECT max(b.at) AS at, max(b.to_seq) AS to_seq,
                   jsonb_agg(b.finding ORDER BY b.nth, b.n) AS findings
              FROM (SELECT 1 AS nth, c.at, c.to_seq, one.finding, one.n
                      FROM (SELECT * FROM public.audit_check WHERE NOT whole
                             ORDER BY at DESC LIMIT 1) c,
                           jsonb_array_elements(c.findings) WITH ORDINALITY AS one (finding, n)
                     WHERE NOT EXISTS (SELECT 1 FROM public.audit_check w
                                        WHERE w.whole AND w.since = 0 AND w.at > c.at)
                    UNION ALL
                    SELECT 2, s.at, h.seq, to_jsonb('signer: ' || s.detail), 1
                      FROM public.audit_signing s, public.audit_head h
                     WHERE s.state = 'refused' AND s.code IN ('rolled_back', 'forked',
                           'chain_broken', 'chain_short', 'chain_disagrees', 'tree_disagrees',
                           'tree_incomplete', 'head_unsigned')) b
            HAVING count(*) > 0) f,
           LATERAL (SELECT audit.findings_digest(f.findings) AS digest) d
$$;

-- ---------------------------------------------------------------- break-glass
CREATE FUNCTION audit.import_break_glass(p_who text, p_what text, p_ticket text,
    p_claimed_at timestamptz, p_evidence_sha256 text, p_by text, p_single_operator boolean)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.audit_breakglass%ROWTYPE;
BEGIN
    IF coalesce(btrim(p_who), '') = '' OR coalesce(btrim(p_what), '') = ''
            OR coalesce(btrim(p_by), '') = '' THEN
        RAISE EXCEPTION 'it takes who did it, what was done, and who says so'
            USING ERRCODE = 'check_violation';
    END IF;
    IF p_claimed_at > clock_timestamp() OR p_evidence_sha256 !~ '^[0-9a-f]{64}$' THEN
        RAISE EXCEPTION 'what was done lies in the past, and its evidence has a SHA-256'
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO public.audit_breakglass (who, what, ticket_ref, claimed_at, evidence_sha256,
        imported_by, single_operator)
    VALUES (left(p_who, 150), left(p_what, 4000), left(p_ticket, 40), p_claimed_at,
            p_evidence_sha256, left(p_by, 150), p_single_operator)
    ON CONFLICT (who, claimed_at, evidence_sha256) DO NOTHING RETURNING * INTO v;
    IF NOT FOUND THEN RETURN NULL; END IF;
    PERFORM audit.put_pending('person.break_glass', v.id::text, v.ticket_ref, jsonb_build_object(
        'person', v.who, 'what', v.what, 'claimed_at', audit.moment(v.claimed_at),
        'recorded_at', audit.moment(v.recorded_at), 'evidence_sha256', v.evidence_sha256,
        'imported_by', v.imported_by, 'after_the_fact', true,
        'single_operator', v.single_operator));
    RETURN v.id;
END $$;

-- The debt is paid by somebody else; a declared single operator pays it himself, and it is marked.
CREATE FUNCTION audit.acknowledge_break_glass(p_id uuid, p_by text, p_why text,
    p_single_operator boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.audit_breakglass%ROWTYPE; v_independent boolean;
BEGIN
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'a named person acknowledges, with what was looked at'
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO v FROM public.audit_breakglass WHERE id = p_id FOR UPDATE;
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    IF v.acknowledged_at IS NOT NULL THEN RETURN 'acknowledged before'; END IF;
    v_independent := lower(btrim(p_by)) NOT IN (lower(btrim(v.who)), lower(btrim(v.imported_by)));
    IF NOT v_independent AND NOT p_single_operator THEN
        RAISE EXCEPTION 'another person than % acknowledges this', p_by
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE public.audit_breakglass
       SET acknowledged_by = left(p_by, 150), acknowledged_why = left(p_why, 2000),
           acknowledged_at = clock_timestamp(), independent = v_independent
     WHERE id = p_id;
    PERFORM audit.put_pending('person.break_glass_acknowledged', p_id::text, v.ticket_ref,
        jsonb_build_object('person', left(p_by, 150), 'why', left(p_why, 500), 'did', v.who,
            'independent', v_independent, 'single_operator', p_single_operator));
    RETURN 'acknowledged';
END $$;

-- ---------------------------------------------------------------- rights
REVOKE ALL ON FUNCTION audit.prunable(bigint), audit.guard_entry(), audit.prune(int),
    audit.declare_pruning(bigint, bigint, text, int, text, text, text),
    audit.declare_epoch(text, text, bigint, text), audit.origin_after(bigint),
    audit.import_break_glass(text, text, text, timestamptz, text, text, boolean),
    audit.acknowledge_break_glass(uuid, text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    audit.declare_pruning(bigint, bigint, text, int, text, text, text),
    audit.declare_epoch(text, text, bigint, text), audit.origin_after(bigint),
    audit.import_break_glass(text, text, text, timestamptz, text, text, boolean),
    audit.acknowledge_break_glass(uuid, text, text, boolean) TO ethops_app;
GRANT EXECUTE ON FUNCTION audit.origin_after(bigint) TO ethops_audit_signer;
GRANT SELECT ON public.audit_breakglass TO ethops_app;
