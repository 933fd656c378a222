-- The record: durable work and the ledger. Frozen: a later change is a new file and migration.
-- Doors are SECURITY DEFINER with a pinned search_path; who may use which stands in 0003.

CREATE SCHEMA audit;

-- ---------------------------------------------------------------- states of work
CREATE FUNCTION audit.legal_move(p_old text, p_new text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT (p_old, p_new) IN (
        ('waiting', 'ready'), ('waiting', 'cancelled'),
        ('ready', 'leased'), ('ready', 'cancelled'),
        ('leased', 'done'), ('leased', 'failed'), ('leased', 'ready'), ('leased', 'dead'),
        ('leased', 'in_doubt'), ('leased', 'cancelled'),
        ('in_doubt', 'done'), ('in_doubt', 'failed'), ('in_doubt', 'ready'), ('in_doubt', 'dead'))
$$;

CREATE FUNCTION audit.guard_work() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND NOT audit.legal_move(OLD.state, NEW.state) THEN
        RAISE EXCEPTION 'work %: no move from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER guard_work BEFORE UPDATE ON public.audit_work
    FOR EACH ROW EXECUTE FUNCTION audit.guard_work();
ALTER TABLE public.audit_work ENABLE ALWAYS TRIGGER guard_work;

-- ---------------------------------------------------------------- work: inner verbs
CREATE FUNCTION audit.put_work(p_kind text, p_queue text, p_state text, p_subject text,
    p_payload jsonb, p_dedup text, p_priority int, p_not_before timestamptz, p_max_attempts int)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_id uuid;
BEGIN
    INSERT INTO public.audit_work (kind, queue, state, subject, payload, dedup, priority,
                                   not_before, max_attempts)
    VALUES (p_kind, p_queue, p_state, p_subject, coalesce(p_payload, '{}'), p_dedup,
            p_priority, coalesce(p_not_before, clock_timestamp()), p_max_attempts)
    ON CONFLICT (kind, dedup) WHERE dedup IS NOT NULL DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        SELECT id INTO v_id FROM public.audit_work WHERE kind = p_kind AND dedup = p_dedup;
    ELSIF p_state = 'ready' THEN
        PERFORM pg_notify('ethops_ready', p_queue);
    END IF;
    RETURN v_id;
END $$;

CREATE FUNCTION audit.lease_out(p_queue text, p_kinds text[], p_holder text,
    p_lease_s double precision)
RETURNS SETOF public.audit_work
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE public.audit_work w
       SET state = 'leased', fence = w.fence + 1, attempts = w.attempts + 1,
           lease_until = clock_timestamp() + make_interval(secs => p_lease_s),
           holder = p_holder, claimed_at = clock_timestamp()
     WHERE w.id = ANY (ARRAY(
            SELECT c.id FROM public.audit_work c
             WHERE c.queue = p_queue AND c.state = 'ready' AND c.kind = ANY (p_kinds)
               AND c.not_before <= clock_timestamp()
             ORDER BY c.priority, c.created_at LIMIT 1 FOR UPDATE SKIP LOCKED))
    RETURNING w.*
$$;

-- ---------------------------------------------------------------- work: doors
CREATE FUNCTION audit.enqueue(p_kind text, p_queue text, p_subject text, p_payload jsonb,
    p_dedup text DEFAULT NULL, p_priority int DEFAULT 5, p_delay_s double precision DEFAULT 0,
    p_max_attempts int DEFAULT 3)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF p_kind NOT IN ('intake', 'dispatch', 'sweep') OR p_queue <> 'control' THEN
        RAISE EXCEPTION 'work of kind % is not enqueued by this door', p_kind
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN audit.put_work(p_kind, p_queue, 'ready', p_subject, p_payload, p_dedup, p_priority,
        clock_timestamp() + make_interval(secs => p_delay_s), p_max_attempts);
END $$;

CREATE FUNCTION audit.claim(p_queue text, p_holder text, p_lease_s double precision)
RETURNS SETOF public.audit_work
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT * FROM audit.lease_out(p_queue, ARRAY['intake', 'dispatch', 'sweep'], p_holder,
                                  p_lease_s)
$$;

-- Each role renews leases of its own kind of work alone, within an hour.
CREATE FUNCTION audit.beat(p_id uuid, p_fence bigint, p_lease_s double precision)
RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH beaten AS (
        UPDATE public.audit_work
           SET lease_until = clock_timestamp()
                   + make_interval(secs => least(greatest(p_lease_s, 1), 3600))
         WHERE id = p_id AND fence = p_fence AND state = 'leased'
           AND kind = ANY (CASE session_user
                   WHEN 'ethops_agent' THEN ARRAY['step']
                   WHEN 'ethops_executor' THEN ARRAY['effect']
                   WHEN 'ethops_gpu' THEN ARRAY['inference']
                   ELSE ARRAY['intake', 'dispatch', 'sweep'] END)
        RETURNING 1)
    SELECT EXISTS (SELECT 1 FROM beaten)
$$;

CREATE FUNCTION audit.finish(p_id uuid, p_fence bigint, p_ok boolean, p_error text DEFAULT '')
RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH finished AS (
        UPDATE public.audit_work
           SET state = CASE WHEN p_ok THEN 'done' ELSE 'failed' END, lease_until = NULL,
               settled_at = clock_timestamp(), error = left(p_error, 2000)
         WHERE id = p_id AND fence = p_fence AND state = 'leased'
           AND kind IN ('intake', 'dispatch', 'sweep') RETURNING 1)
    SELECT EXISTS (SELECT 1 FROM finished)
$$;

-- A piece of work that could not be done now: again later, or dead after its last attempt.
CREATE FUNCTION audit.put_back(p_id uuid, p_fence bigint, p_error text, p_kinds text[])
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_state text;
BEGIN
    UPDATE public.audit_work
       SET state = CASE WHEN attempts >= max_attempts THEN 'dead' ELSE 'ready' END,
           lease_until = NULL, published_at = NULL, error = left(p_error, 2000),
           not_before = clock_timestamp()
               + make_interval(secs => least(60, power(2, attempts)) * (0.5 + random() / 2)),
           settled_at = CASE WHEN attempts >= max_attempts THEN clock_timestamp() END
     WHERE id = p_id AND fence = p_fence AND state = 'leased' AND kind = ANY (p_kinds)
    RETURNING state INTO v_state;
    RETURN coalesce(v_state, 'late');
END $$;

CREATE FUNCTION audit.release(p_id uuid, p_fence bigint, p_error text) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT audit.put_back(p_id, p_fence, p_error, ARRAY['intake', 'dispatch', 'sweep'])
$$;

-- Leases that ran out; and work that died, until somebody says that a person knows of it.
CREATE FUNCTION audit.reconcile()
RETURNS TABLE (id uuid, kind text, subject text, state text, error text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH late AS (
        SELECT w.id FROM public.audit_work w
         WHERE w.state = 'leased' AND w.lease_until < clock_timestamp()
         ORDER BY w.lease_until LIMIT 200 FOR UPDATE SKIP LOCKED),
    freed AS (
        UPDATE public.audit_work w
           SET state = CASE WHEN w.kind = 'effect' THEN 'in_doubt'
                            WHEN w.attempts >= w.max_attempts THEN 'dead' ELSE 'ready' END,
               lease_until = NULL, published_at = NULL, not_before = clock_timestamp(),
               settled_at = CASE WHEN w.kind <> 'effect' AND w.attempts >= w.max_attempts
                                 THEN clock_timestamp() END,
               error = CASE WHEN w.error = '' THEN 'lease of ' || w.holder || ' ran out'
                            ELSE w.error END
          FROM late WHERE w.id = late.id
        RETURNING w.id, w.kind::text, w.subject::text, w.state::text, w.error)
    SELECT * FROM freed f WHERE f.state <> 'dead';
    RETURN QUERY SELECT w.id, w.kind::text, w.subject::text, w.state::text, w.error
      FROM public.audit_work w
     WHERE w.state = 'dead' AND w.reported_at IS NULL AND w.kind <> 'step' LIMIT 50;
END $$;

-- A person knows of this dead work now.
CREATE FUNCTION audit.reported(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_work public.audit_work%ROWTYPE;
BEGIN
    UPDATE public.audit_work SET reported_at = clock_timestamp()
     WHERE id = p_id AND state = 'dead' AND reported_at IS NULL RETURNING * INTO v_work;
    IF FOUND THEN
        PERFORM audit.put_pending('work.dead', p_id::text, '', jsonb_build_object(
            'kind', v_work.kind, 'subject', v_work.subject, 'error', left(v_work.error, 500)));
    END IF;
END $$;

-- The relay's half: which work to wake workers for. Stale rows again, the oldest few per queue.
CREATE FUNCTION audit.unpublished(p_limit int, p_again_after_s double precision)
RETURNS TABLE (id uuid, queue text)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH fresh AS (
        SELECT w.id FROM public.audit_work w
         WHERE w.state = 'ready' AND w.published_at IS NULL
           AND w.not_before <= clock_timestamp()
         ORDER BY w.priority, w.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED),
    stale AS (
        SELECT w.id FROM public.audit_work w
         WHERE w.state IN ('ready', 'in_doubt') AND w.not_before <= clock_timestamp()
           AND coalesce(w.published_at, '-infinity')
               < clock_timestamp() - make_interval(secs => p_again_after_s)
           AND (w.state = 'in_doubt' OR w.published_at IS NOT NULL)
         ORDER BY w.created_at LIMIT 16 FOR UPDATE SKIP LOCKED)
    UPDATE public.audit_work w SET published_at = clock_timestamp()
      FROM (SELECT f.id FROM fresh f UNION SELECT s.id FROM stale s) picked
     WHERE w.id = picked.id
    RETURNING w.id, w.queue::text
$$;

CREATE FUNCTION audit.next_due_s() RETURNS double precision
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT extract(epoch FROM min(not_before) - clock_timestamp())::float8
      FROM public.audit_work WHERE state = 'ready' AND published_at IS NULL
$$;

CREATE FUNCTION audit.alive(p_name text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO public.audit_heartbeat (name, at) VALUES (left(p_name, 80), clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET at = excluded.at
$$;

-- ---------------------------------------------------------------- ledger: what waits
CREATE FUNCTION audit.put_pending(p_kind text, p_subject text, p_ticket text, p_body jsonb,
    p_work uuid DEFAULT NULL)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO public.audit_pending (kind, subject, ticket_ref, body, work_id)
    VALUES (p_kind, p_subject, coalesce(p_ticket, ''), p_body, p_work);
    SELECT pg_notify('ethops_pending', '');
$$;

-- What people and rules did. What agents asked and executors did comes by the gate alone.
CREATE FUNCTION audit.note(p_kind text, p_subject text, p_ticket text, p_body jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF split_part(p_kind, '.', 1) NOT IN ('ticket', 'event', 'person', 'work', 'site') THEN
        RAISE EXCEPTION 'facts of kind % are not noted by this door', p_kind
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM audit.put_pending(p_kind, p_subject, p_ticket,
                              p_body || jsonb_build_object('noted_by', session_user));
END $$;

-- ---------------------------------------------------------------- ledger: append and stamp
CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON public.audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE public.audit_entry ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE public.audit_entry ENABLE ALWAYS TRIGGER no_truncate;

INSERT INTO public.audit_head (id) VALUES (1);

-- leaf = SHA-256(0x00 || body), entry hash = SHA-256(0x01 || previous || leaf): domain-separated
-- as in RFC 6962, so that a leaf can never be read as a link.
CREATE FUNCTION audit.append(p_n bigint[], p_body bytea[])
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_head public.audit_head%ROWTYPE;
    v_fact public.audit_pending%ROWTYPE;
    v_prev bytea;
BEGIN
    -- Asynchronous on purpose: stamp() in the next transaction is the barrier of the batch.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO STRICT v_head FROM public.audit_head WHERE id = 1 FOR UPDATE;
    FOR i IN 1 .. coalesce(array_length(p_n, 1), 0) LOOP
        DELETE FROM public.audit_pending WHERE n = p_n[i] RETURNING * INTO v_fact;
        CONTINUE WHEN NOT FOUND;
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
    END LOOP;
    UPDATE public.audit_head SET seq = v_head.seq, hash = v_head.hash WHERE id = 1;
    RETURN v_head.seq;
END $$;

CREATE FUNCTION audit.stamp() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_lsn pg_lsn := pg_current_wal_insert_lsn();
    v_queue text;
    v_count int := 0;
BEGIN
    PERFORM set_config('synchronous_commit', 'on', true);
    FOR v_queue IN
        WITH stamped AS (
            UPDATE public.audit_work
               SET entry_lsn = v_lsn,
                   state = CASE WHEN state = 'waiting' THEN 'ready' ELSE state END
             WHERE entry_seq IS NOT NULL AND entry_lsn IS NULL
            RETURNING queue)
        SELECT queue FROM stamped
    LOOP
        v_count := v_count + 1;
        PERFORM pg_notify('ethops_ready', v_queue);
    END LOOP;
    RETURN v_count;
END $$;

-- COMMIT is impossible inside a definer, so this one runs with the recorder's own rights.
CREATE PROCEDURE audit.record(p_n bigint[], p_body bytea[]) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM audit.append(p_n, p_body);
    COMMIT;
    PERFORM audit.stamp();
    COMMIT;
END $$;

-- Old positions mean nothing in a restored cluster: clear them, and the next stamp sets them anew.
CREATE FUNCTION audit.clear_stamps() RETURNS int
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH cleared AS (
        UPDATE public.audit_work SET entry_lsn = NULL
         WHERE entry_lsn IS NOT NULL AND state IN ('waiting', 'ready') RETURNING 1)
    SELECT count(*)::int FROM cleared
$$;

-- ---------------------------------------------------------------- ledger: reading
CREATE FUNCTION audit.head() RETURNS TABLE (origin uuid, seq bigint, hash bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT origin, seq, hash FROM public.audit_head WHERE id = 1
$$;
