-- A batch costs less, and no more the longer it goes on: what waits for its stamp is one row a
-- batch, read by its key; plans are made once, and for few rows; who waits is woken once a batch.
-- In a rush the recorder looks by itself, and nobody has to call it.

-- ---------------------------------------------------------------- what waits for its stamp
INSERT INTO public.audit_unstamped (seq, works)
SELECT seq, ARRAY[work_id] FROM public.audit_appended;

-- Both are filled and emptied all the time: giving their ends back would lock out who writes.
ALTER TABLE public.audit_pending SET (vacuum_truncate = off);
ALTER TABLE public.audit_unstamped SET (vacuum_truncate = off);

-- Entries are told of with their stamp, and not by a trigger of their own.
DROP TRIGGER say_entries ON public.audit_head;
DROP FUNCTION audit.say_entries();

-- As before: in the order given; a fact that is gone was appended by another recorder; what was
-- built under the name of before an epoch is passed over and comes again.
CREATE OR REPLACE FUNCTION audit.append(p_n bigint[], p_body bytea[])
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
-- A plan made while a table was empty would read all that is dead in it, later.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_head public.audit_head%ROWTYPE;
    v_last bytea;
    v_count int;
    v_n bigint[];
    v_body bytea[];
    v_leaf bytea[];
    v_hash bytea[] := '{}';
    v_kind text[];
    v_subject text[];
    v_ticket text[];
    v_at timestamptz[];
    v_work uuid[];
    v_named uuid[];
    v_longest int;
    v_epoch bigint;
BEGIN
    -- Asynchronous on purpose: stamp() in the next transaction is the barrier of the batch.
    PERFORM set_config('synchronous_commit', 'off', true);
    IF coalesce(cardinality(p_n), 0) = 0 THEN
        RETURN (SELECT seq FROM public.audit_head WHERE id = 1);
    END IF;
    SELECT * INTO STRICT v_head FROM public.audit_head WHERE id = 1 FOR UPDATE;
    WITH taken AS (
        DELETE FROM public.audit_pending p
         USING unnest(p_n, p_body) WITH ORDINALITY AS g (n, bytes, i)
         WHERE p.n = g.n
           AND (position(v_head.origin::text::bytea IN g.bytes) > 0
                OR NOT EXISTS (SELECT 1 FROM public.audit_entry WHERE kind = 'ledger.epoch'))
        RETURNING g.i, g.n, g.bytes, p.kind, p.subject, p.ticket_ref, p.at, p.work_id,
                  CASE WHEN p.kind = 'ledger.epoch' THEN (p.body ->> 'origin')::uuid END
                  AS named),
    facts AS (SELECT * FROM taken ORDER BY i)
    SELECT count(*), array_agg(n), array_agg(bytes), array_agg(sha256('\x00'::bytea || bytes)),
           array_agg(kind::text), array_agg(subject::text), array_agg(ticket_ref::text),
           array_agg(at), array_agg(work_id), array_agg(named), max(octet_length(bytes))
      INTO v_count, v_n, v_body, v_leaf, v_kind, v_subject, v_ticket, v_at, v_work, v_named,
           v_longest
      FROM facts;
    IF v_count = 0 THEN
        RETURN v_head.seq;
    END IF;
    IF v_longest > 65535 THEN
        RAISE EXCEPTION 'among facts % to %: an entry of % bytes is too long', v_n[1],
            v_n[v_count], v_longest USING ERRCODE = 'data_exception';
    END IF;
    IF array_remove(v_named[:v_count - 1], NULL) <> '{}' THEN
        RAISE EXCEPTION 'fact %: the entry of a new epoch has to be the last of its batch',
            v_n[v_count] USING ERRCODE = 'data_exception';
    END IF;
    v_last := v_head.hash;
    FOR i IN 1 .. v_count LOOP
        v_last := sha256('\x01'::bytea || v_last || v_leaf[i]);
        v_hash[i] := v_last;
    END LOOP;
    INSERT INTO public.audit_entry (seq, prev, hash, body, kind, subject, ticket_ref, at)
    SELECT v_head.seq + i, prev, hash, body, kind, subject, ticket, at
      FROM unnest(v_head.hash || v_hash[:v_count - 1], v_hash, v_body, v_kind, v_subject,
                  v_ticket, v_at)
           WITH ORDINALITY AS e (prev, hash, body, kind, subject, ticket, at, i);
    v_head.seq := v_head.seq + v_count;
    IF array_remove(v_work, NULL) <> '{}' THEN
        INSERT INTO public.audit_unstamped (seq, works) VALUES (v_head.seq, v_work);
    ELSE
        PERFORM pg_notify('ethops_entries', v_head.seq::text);
    END IF;
    UPDATE public.audit_head
       SET seq = v_head.seq, hash = v_last, origin = coalesce(v_named[v_count], v_head.origin)
     WHERE id = 1;
    RETURN v_head.seq;
END $$;

-- As before, and: wakes the signer, too; at once where an effect was stamped, since a risky one
-- may have to wait for a witnessed head.
CREATE OR REPLACE FUNCTION audit.stamp() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_work uuid[];
    v_seq bigint[];
    v_last bigint;
    v_lsn pg_lsn;
    v_row record;
    v_effects boolean := false;
    v_count int := 0;
BEGIN
    PERFORM set_config('synchronous_commit', 'on', true);
    WITH batch AS (
        DELETE FROM public.audit_unstamped WHERE seq > 0 RETURNING seq, works),
    appended AS (
        SELECT e.id, min(b.seq - cardinality(b.works) + e.i) AS seq, max(b.seq) AS last
          FROM batch b, unnest(b.works) WITH ORDINALITY AS e (id, i)
         WHERE e.id IS NOT NULL GROUP BY e.id)
    SELECT array_agg(id), array_agg(seq), max(last) INTO v_work, v_seq, v_last FROM appended;
    -- Read after what is stamped was seen, so it lies behind the commit of every batch in it,
    -- even of one that another session appends right now.
    v_lsn := pg_current_wal_insert_lsn();
    FOR v_row IN
        WITH first_time AS (
            UPDATE public.audit_work w
               SET entry_seq = a.seq, entry_lsn = v_lsn,
                   state = CASE WHEN w.state = 'waiting' THEN 'ready' ELSE w.state END
              FROM unnest(v_work, v_seq) AS a (id, seq)
             WHERE w.id = a.id AND w.entry_seq IS NULL
            RETURNING w.queue, w.kind),
        -- A restored cluster has cleared positions that meant nothing there.
        again AS (
            UPDATE public.audit_work w
               SET entry_lsn = v_lsn,
                   state = CASE WHEN w.state = 'waiting' THEN 'ready' ELSE w.state END
             WHERE w.entry_seq IS NOT NULL AND w.entry_lsn IS NULL
            RETURNING w.queue, w.kind)
        SELECT s.queue, count(*) AS works, bool_or(s.kind = 'effect') AS effects
          FROM (SELECT queue, kind FROM first_time
                UNION ALL SELECT queue, kind FROM again) s GROUP BY s.queue
    LOOP
        v_count := v_count + v_row.works;
        v_effects := v_effects OR v_row.effects;
        PERFORM pg_notify('ethops_ready', v_row.queue);
    END LOOP;
    IF v_last IS NOT NULL THEN
        PERFORM pg_notify(CASE WHEN v_effects THEN 'ethops_head_wanted' ELSE 'ethops_entries' END,
                          v_last::text);
    END IF;
    RETURN v_count;
END $$;

-- ---------------------------------------------------------------- who calls the recorder
-- The recorder looks by itself, this long from now. Its commit is a hint: nothing rests on it.
CREATE FUNCTION audit.look(p_for_s double precision) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO public.audit_looking (id, until)
    VALUES (1, clock_timestamp() + make_interval(secs => least(p_for_s, 1)))
    ON CONFLICT (id) DO UPDATE SET until = excluded.until;
END $$;

-- As before, and: a recorder that looks by itself for a tenth of a second to come is not called.
-- A notification wakes every session that listens to anything, and is held for its whole commit.
CREATE OR REPLACE FUNCTION audit.put_pending(p_kind text, p_subject text, p_ticket text,
    p_body jsonb, p_work uuid DEFAULT NULL)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO public.audit_pending (kind, subject, ticket_ref, body, work_id)
    VALUES (p_kind, p_subject, coalesce(p_ticket, ''), p_body, p_work);
    SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM public.audit_looking
                                  WHERE until > clock_timestamp() + interval '100 ms')
                THEN pg_notify('ethops_pending', '') END,
           CASE WHEN p_work IS NOT NULL AND session_user = 'ethops_agent'
                THEN set_config('synchronous_commit', 'off', true) END;
$$;

REVOKE ALL ON FUNCTION audit.look(double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.look(double precision) TO ethops_audit_writer;
