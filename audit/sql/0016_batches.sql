-- The append of a batch in few statements, and one stamp per work row: what is appended and not
-- yet stamped lies in a small table in between, instead of in the work's wide row with its many
-- indexes.

-- Wakes the signer once per batch of entries; at once where an effect waits in it, since a risky
-- one may have to wait for a witnessed head.
CREATE OR REPLACE FUNCTION audit.say_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(CASE WHEN EXISTS (
            SELECT 1 FROM public.audit_appended a JOIN public.audit_work w ON w.id = a.work_id
             WHERE a.seq > OLD.seq AND w.kind = 'effect')
        THEN 'ethops_head_wanted' ELSE 'ethops_entries' END, NEW.seq::text);
    RETURN NULL;
END $$;

-- As before: in the order given; a fact that is gone was appended by another recorder; what was
-- built under the name of before an epoch is passed over and comes again.
CREATE OR REPLACE FUNCTION audit.append(p_n bigint[], p_body bytea[])
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_head public.audit_head%ROWTYPE;
    v record;
    v_ended boolean := false;
    v_from bigint;
    v_prev bytea[] := '{}';
    v_hash bytea[] := '{}';
    v_body bytea[] := '{}';
    v_kind text[] := '{}';
    v_subject text[] := '{}';
    v_ticket text[] := '{}';
    v_at timestamptz[] := '{}';
    v_work uuid[] := '{}';
BEGIN
    -- Asynchronous on purpose: stamp() in the next transaction is the barrier of the batch.
    PERFORM set_config('synchronous_commit', 'off', true);
    IF coalesce(array_length(p_n, 1), 0) = 0 THEN
        RETURN (SELECT seq FROM public.audit_head WHERE id = 1);
    END IF;
    SELECT * INTO STRICT v_head FROM public.audit_head WHERE id = 1 FOR UPDATE;
    v_from := v_head.seq;
    FOR v IN
        WITH taken AS (
            DELETE FROM public.audit_pending p
             USING unnest(p_n, p_body) WITH ORDINALITY AS g (n, bytes, i)
             WHERE p.n = g.n
               AND (position(v_head.origin::text::bytea IN g.bytes) > 0
                    OR NOT EXISTS (SELECT 1 FROM public.audit_entry WHERE kind = 'ledger.epoch'))
            RETURNING g.i, g.n, g.bytes, p.kind, p.subject, p.ticket_ref, p.at, p.work_id,
                      CASE WHEN p.kind = 'ledger.epoch' THEN (p.body ->> 'origin')::uuid END
                      AS renamed)
        SELECT * FROM taken ORDER BY i
    LOOP
        IF octet_length(v.bytes) > 65535 THEN
            RAISE EXCEPTION 'fact %: an entry of % bytes is too long', v.n, octet_length(v.bytes)
                USING ERRCODE = 'data_exception';
        END IF;
        IF v_ended THEN
            RAISE EXCEPTION 'fact %: the entry of a new epoch has to be the last of its batch', v.n
                USING ERRCODE = 'data_exception';
        END IF;
        v_prev := array_append(v_prev, v_head.hash);
        v_head.seq := v_head.seq + 1;
        v_head.hash := sha256('\x01'::bytea || v_head.hash || sha256('\x00'::bytea || v.bytes));
        v_hash := array_append(v_hash, v_head.hash);
        v_body := array_append(v_body, v.bytes);
        v_kind := array_append(v_kind, v.kind::text);
        v_subject := array_append(v_subject, v.subject::text);
        v_ticket := array_append(v_ticket, v.ticket_ref::text);
        v_at := array_append(v_at, v.at);
        v_work := array_append(v_work, v.work_id);
        IF v.renamed IS NOT NULL THEN
            v_head.origin := v.renamed;
            v_ended := true;
        END IF;
    END LOOP;
    INSERT INTO public.audit_entry (seq, prev, hash, body, kind, subject, ticket_ref, at)
    SELECT v_from + i, prev, hash, body, kind, subject, ticket, at
      FROM unnest(v_prev, v_hash, v_body, v_kind, v_subject, v_ticket, v_at)
           WITH ORDINALITY AS e (prev, hash, body, kind, subject, ticket, at, i);
    INSERT INTO public.audit_appended (work_id, seq)
    SELECT w.id, min(v_from + e.i)
      FROM unnest(v_work) WITH ORDINALITY AS e (work, i)
      JOIN public.audit_work w ON w.id = e.work AND w.entry_seq IS NULL
     GROUP BY w.id
    ON CONFLICT (work_id) DO NOTHING;
    UPDATE public.audit_head SET seq = v_head.seq, hash = v_head.hash, origin = v_head.origin
     WHERE id = 1;
    RETURN v_head.seq;
END $$;

-- As before, and: the entry's number comes with its position.
CREATE OR REPLACE FUNCTION audit.stamp() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_lsn pg_lsn := pg_current_wal_insert_lsn();
    v_row record;
    v_count int := 0;
BEGIN
    PERFORM set_config('synchronous_commit', 'on', true);
    FOR v_row IN
        WITH appended AS (
            DELETE FROM public.audit_appended RETURNING work_id, seq),
        first_time AS (
            UPDATE public.audit_work w
               SET entry_seq = a.seq, entry_lsn = v_lsn,
                   state = CASE WHEN w.state = 'waiting' THEN 'ready' ELSE w.state END
              FROM appended a WHERE w.id = a.work_id
            RETURNING w.queue),
        -- A restored cluster has cleared positions that meant nothing there.
        again AS (
            UPDATE public.audit_work w
               SET entry_lsn = v_lsn,
                   state = CASE WHEN w.state = 'waiting' THEN 'ready' ELSE w.state END
             WHERE w.entry_seq IS NOT NULL AND w.entry_lsn IS NULL
            RETURNING w.queue)
        SELECT s.queue, count(*) AS works
          FROM (SELECT queue FROM first_time UNION ALL SELECT queue FROM again) s GROUP BY s.queue
    LOOP
        v_count := v_count + v_row.works;
        PERFORM pg_notify('ethops_ready', v_row.queue);
    END LOOP;
    RETURN v_count;
END $$;
