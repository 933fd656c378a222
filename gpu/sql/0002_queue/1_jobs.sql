-- Jobs: submitted, cancelled, looked at. Frozen once landed: a change is a new file and migration.

CREATE SCHEMA gpu;

-- One request for the card. What a run asks waits for its ledger entry; what people and programs
-- ask is recorded beside it. Codes: GQ001 the queue is full, GQ002 this client's share is full,
-- GQ003 no such slot for this tier.
CREATE FUNCTION gpu.submit(p_tier text, p_slot text, p_kind text, p_principal text,
    p_client text, p_ticket text, p_run uuid, p_step int, p_label text, p_request jsonb,
    p_streams boolean, p_bound boolean, p_more boolean, p_tokens int,
    p_deadline_s double precision, p_wakes uuid, p_first_recorded boolean, p_max_waiting int)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_id uuid := gen_random_uuid(); v_count int; v_own int;
BEGIN
    IF (p_slot = 'card') <> (p_kind = 'hold') OR (p_slot <> 'card' AND NOT EXISTS (
            SELECT 1 FROM public.gpu_slot s WHERE s.name = p_slot AND s.enabled
               AND s.tiers ? p_tier AND s.kind = CASE p_kind WHEN 'embed' THEN 'embed'
                                                             ELSE 'chat' END)) THEN
        RAISE EXCEPTION 'no slot % for the tier %', p_slot, p_tier USING ERRCODE = 'GQ003';
    END IF;
    -- The partial index of open jobs alone: what has ended never makes this slower.
    SELECT count(*), count(*) FILTER (WHERE j.client = p_client AND p_client <> '')
      INTO v_count, v_own FROM public.gpu_job j WHERE j.finished_at IS NULL;
    IF p_client <> '' AND v_own >= p_max_waiting THEN
        RAISE EXCEPTION '% requests of % wait already', v_own, p_client USING ERRCODE = 'GQ002';
    END IF;
    -- Runs are few and bounded by their cards; a full queue turns programs away first.
    IF v_count >= 512 AND p_run IS NULL THEN
        RAISE EXCEPTION '% requests wait already', v_count USING ERRCODE = 'GQ001';
    END IF;
    INSERT INTO public.audit_work (id, kind, queue, state, subject, priority, max_attempts,
                                   published_at)
    VALUES (v_id, 'inference', p_tier || '.' || p_slot,
            CASE WHEN p_first_recorded THEN 'waiting' ELSE 'ready' END,
            -- Five deaths of a worker; what a server answers wrongly is tried thrice (try_again).
            left(coalesce(nullif(p_principal, ''), 'system'), 200), 5, 5,
            -- Whoever submits to a ready queue publishes, too; the reconciler repairs.
            CASE WHEN p_first_recorded THEN NULL ELSE clock_timestamp() END);
    INSERT INTO public.gpu_job (id, tier, slot, kind, principal, client, ticket_ref, run, step,
        label, request, streams, bound, more, tokens_asked, deadline_at, wakes)
    VALUES (v_id, p_tier, p_slot, p_kind, left(p_principal, 120), p_client,
        coalesce(p_ticket, ''), p_run, p_step, left(coalesce(p_label, ''), 60), p_request,
        p_streams, p_bound, p_more, greatest(p_tokens, 0),
        clock_timestamp() + make_interval(secs => p_deadline_s), p_wakes);
    PERFORM audit.put_pending('inference.asked', v_id::text, p_ticket, jsonb_build_object(
            'principal', left(p_principal, 120), 'run', p_run, 'step', p_step, 'tier', p_tier,
            'slot', p_slot, 'kind', p_kind, 'tokens', p_tokens,
            'request_sha256', encode(sha256(convert_to(p_request::text, 'UTF8')), 'hex')),
        CASE WHEN p_first_recorded THEN v_id END);
    RETURN v_id;
END $$;

-- The door of people and programs: they have no run, and wake nobody.
CREATE FUNCTION gpu.request(p_tier text, p_slot text, p_kind text, p_principal text,
    p_client text, p_label text, p_request jsonb, p_streams boolean, p_bound boolean,
    p_more boolean, p_tokens int, p_deadline_s double precision, p_max_waiting int)
RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT gpu.submit(p_tier, p_slot, p_kind, p_principal, p_client, '', NULL, NULL, p_label,
        p_request, p_streams, p_bound, p_more, p_tokens, p_deadline_s, NULL, false, p_max_waiting)
$$;

-- True where the request will not be answered any more: at once, or between two tokens.
CREATE FUNCTION gpu.cancel(p_id uuid, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_job public.gpu_job%ROWTYPE; v_state text;
BEGIN
    SELECT state INTO v_state FROM public.audit_work
     WHERE id = p_id AND kind = 'inference' FOR UPDATE;
    IF v_state IS NULL OR v_state NOT IN ('waiting', 'ready', 'leased') THEN RETURN false; END IF;
    IF v_state = 'leased' THEN
        UPDATE public.gpu_job SET cancel_asked = true WHERE id = p_id RETURNING * INTO v_job;
        PERFORM audit.put_pending('inference.cancel_asked', p_id::text, v_job.ticket_ref,
            jsonb_build_object('why', left(p_why, 500)));
        RETURN true;
    END IF;
    UPDATE public.audit_work SET state = 'cancelled', settled_at = clock_timestamp(),
           error = left(p_why, 2000) WHERE id = p_id;
    UPDATE public.gpu_job SET finished_at = clock_timestamp(), error_code = 'gpu.cancelled'
     WHERE id = p_id RETURNING * INTO v_job;
    PERFORM gpu.record_end(v_job, 'inference.cancelled', p_why);
    PERFORM gpu.hasten(v_job.wakes);
    RETURN true;
END $$;

-- The cost of one inference, in the ledger.
CREATE FUNCTION gpu.record_end(p_job public.gpu_job, p_kind text, p_error text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT audit.put_pending(p_kind, (p_job).id::text, (p_job).ticket_ref, jsonb_build_object(
        'principal', (p_job).principal, 'run', (p_job).run, 'step', (p_job).step,
        'tier', (p_job).tier, 'slot', (p_job).slot, 'card', (p_job).card,
        'model_digest', (p_job).model_digest, 'tokens_in', (p_job).tokens_in,
        'tokens_out', (p_job).tokens_out,
        'wait_ms', round((p_job).wait_s * 1000), 'load_ms', round((p_job).load_s * 1000),
        'latency_ms', round((p_job).latency_s * 1000), 'busy_ms', round((p_job).busy_s * 1000),
        'preemptions', (p_job).preemptions, 'swapped', (p_job).swapped,
        'error_code', (p_job).error_code, 'error', left(p_error, 500),
        'answer_sha256', CASE WHEN (p_job).answer IS NULL THEN NULL
            ELSE encode(sha256(convert_to((p_job).answer::text, 'UTF8')), 'hex') END))
$$;

-- What waits, by queue: the policy's only view of the jobs.
CREATE FUNCTION gpu.waiting()
RETURNS TABLE (queue text, jobs bigint, oldest double precision, tokens bigint, begun boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT w.queue::text, count(*), extract(epoch FROM min(w.created_at))::float8,
           sum(j.tokens_asked), (array_agg(j.tokens_done > 0 ORDER BY w.created_at))[1]
      FROM public.audit_work w JOIN public.gpu_job j ON j.id = w.id
     WHERE w.kind = 'inference' AND w.state = 'ready' AND w.not_before <= clock_timestamp()
     GROUP BY w.queue
$$;

CREATE FUNCTION gpu.ops_wait() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.audit_work w
        WHERE w.queue >= 'ops.' AND w.queue < 'ops/' AND w.state = 'ready'
          AND w.not_before <= clock_timestamp())
$$;

-- Ready jobs whose message may be lost: old enough to have one.
CREATE FUNCTION gpu.ready_jobs(p_older_than_s double precision)
RETURNS TABLE (id uuid, queue text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT w.id, w.queue::text FROM public.audit_work w
     WHERE w.kind = 'inference' AND w.state = 'ready' AND w.not_before <= clock_timestamp()
       AND coalesce(w.published_at, w.created_at)
           < clock_timestamp() - make_interval(secs => p_older_than_s)
     ORDER BY w.created_at LIMIT 2000
$$;

-- Requests past their deadline, of a slot that is no more, and those whose run no longer waits,
-- leave the queue; and what died with its lease is told to whoever waits.
CREATE FUNCTION gpu.end_overdue() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record; v_job public.gpu_job%ROWTYPE; v_count int := 0;
BEGIN
    FOR v IN
        SELECT w.id, CASE WHEN j.deadline_at < clock_timestamp() THEN 'gpu.over_deadline'
                          WHEN j.cancel_asked OR NOT gpu.still_wanted(j.wakes)
                          THEN 'gpu.cancelled'
                          WHEN gpu.is_silent(j) THEN 'gpu.command_silent'
                          ELSE 'gpu.unknown_slot' END AS code
          FROM public.gpu_job j JOIN public.audit_work w ON w.id = j.id
         WHERE j.finished_at IS NULL AND w.state IN ('waiting', 'ready')
           AND (j.deadline_at < clock_timestamp() OR j.cancel_asked OR gpu.is_silent(j)
                OR NOT gpu.still_wanted(j.wakes)
                OR (j.slot <> 'card' AND NOT EXISTS (
                    SELECT 1 FROM public.gpu_slot s WHERE s.name = j.slot AND s.enabled)))
         LIMIT 100 FOR UPDATE OF w SKIP LOCKED
    LOOP
        UPDATE public.audit_work SET state = 'cancelled', settled_at = clock_timestamp(),
               error = CASE v.code WHEN 'gpu.over_deadline' THEN 'over its deadline'
                       WHEN 'gpu.cancelled' THEN 'nobody waits for it'
                       WHEN 'gpu.command_silent' THEN 'its keeper is not heard'
                       ELSE 'its slot is declared no more' END
         WHERE id = v.id;
        UPDATE public.gpu_job SET finished_at = clock_timestamp(), error_code = v.code
         WHERE id = v.id RETURNING * INTO v_job;
        PERFORM gpu.record_end(v_job, 'inference.cancelled', v_job.error_code);
        PERFORM gpu.hasten(v_job.wakes);
        v_count := v_count + 1;
    END LOOP;
    PERFORM gpu.bury(w.id)
       FROM public.gpu_job j JOIN public.audit_work w ON w.id = j.id
      WHERE j.finished_at IS NULL AND w.state = 'dead';
    RETURN v_count;
END $$;

-- A foreign command that waits and whose keeper has not been heard for a minute.
CREATE FUNCTION gpu.is_silent(p_job public.gpu_job) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT (p_job).kind = 'hold' AND (p_job).started_at IS NULL
       AND coalesce(((p_job).partial ->> 'beat')::float8,
                    extract(epoch FROM (p_job).created_at))
           < extract(epoch FROM clock_timestamp()) - 60
$$;

CREATE FUNCTION gpu.still_wanted(p_wakes uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p_wakes IS NULL OR EXISTS (SELECT 1 FROM public.audit_work
        WHERE id = p_wakes AND state IN ('waiting', 'ready', 'leased'))
$$;

-- Work that waits for this answer is due now.
CREATE FUNCTION gpu.hasten(p_work uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_queue text;
BEGIN
    UPDATE public.audit_work SET not_before = clock_timestamp(), published_at = NULL
     WHERE id = p_work AND state = 'ready' RETURNING queue INTO v_queue;
    IF v_queue IS NOT NULL THEN PERFORM pg_notify('ethops_ready', v_queue); END IF;
END $$;
