-- The worker's doors: every one takes the card's fence, so that a worker that was replaced can
-- neither begin nor end anything.

CREATE FUNCTION gpu.holds(p_card text, p_fence bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.gpu_card
        WHERE name = p_card AND fence = p_fence AND lease_until > clock_timestamp())
$$;

-- One job by its id, if it is ready, recorded where it has to be, and still wanted.
CREATE FUNCTION gpu.claim_job(p_card text, p_fence bigint, p_id uuid, p_lease_s double precision)
RETURNS TABLE (id uuid, fence bigint, attempts int, tier text, slot text, kind text,
    principal text, run uuid, label text, request jsonb, streams boolean, bound boolean,
    more boolean, tokens_asked int, partial jsonb, tokens_done int, preemptions int,
    arrival double precision, left_s double precision)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v_work public.audit_work%ROWTYPE; v_wanted boolean;
BEGIN
    IF NOT gpu.holds(p_card, p_fence) THEN
        RAISE EXCEPTION 'the lease of the card % is not ours', p_card USING ERRCODE = 'GQ004';
    END IF;
    SELECT gpu.still_wanted(j.wakes) AND j.deadline_at > clock_timestamp() AND NOT j.cancel_asked
           AND NOT gpu.is_silent(j) INTO v_wanted
      FROM public.gpu_job j WHERE j.id = p_id;
    IF v_wanted IS NOT TRUE THEN RETURN; END IF;
    -- A command that has a card goes on there, whichever worker waits for its end.
    IF EXISTS (SELECT 1 FROM public.gpu_job j WHERE j.id = p_id AND j.kind = 'hold'
                AND j.started_at IS NOT NULL AND j.card <> p_card) THEN
        RETURN;
    END IF;
    UPDATE public.audit_work w
       SET state = 'leased', fence = w.fence + 1, attempts = w.attempts + 1,
           lease_until = clock_timestamp() + make_interval(secs => p_lease_s),
           holder = p_card || ':' || p_fence, claimed_at = clock_timestamp()
     WHERE w.id = p_id AND w.kind = 'inference' AND w.state = 'ready'
       AND w.not_before <= clock_timestamp()
       AND (w.entry_seq IS NULL OR pg_current_wal_flush_lsn() >= w.entry_lsn)
    RETURNING * INTO v_work;
    IF NOT FOUND THEN RETURN; END IF;
    UPDATE public.gpu_job SET card = p_card WHERE id = p_id;
    RETURN QUERY
        SELECT j.id, v_work.fence, v_work.attempts, j.tier::text, j.slot::text, j.kind::text,
               j.principal::text, j.run, j.label::text, j.request, j.streams, j.bound, j.more,
               j.tokens_asked, j.partial, j.tokens_done, j.preemptions,
               extract(epoch FROM v_work.created_at)::float8,
               extract(epoch FROM j.deadline_at - clock_timestamp())::float8
          FROM public.gpu_job j WHERE j.id = p_id;
END $$;

-- Further jobs of the same queue and kind for one call, oldest first. Whoever has failed before
-- goes alone, so that it takes nobody along.
CREATE FUNCTION gpu.company(p_queue text, p_kind text, p_limit int)
RETURNS TABLE (id uuid, tokens int, truncate boolean, dimensions int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT w.id, j.tokens_asked, (j.request ->> 'truncate')::boolean,
           (j.request ->> 'dimensions')::int
      FROM public.audit_work w JOIN public.gpu_job j ON j.id = w.id
     WHERE w.attempts = 0 AND w.queue = p_queue AND w.kind = 'inference' AND w.state = 'ready' AND j.kind = p_kind
       AND w.not_before <= clock_timestamp()
     ORDER BY w.created_at LIMIT p_limit
$$;

-- The card begins with it: the wait ends here.
CREATE FUNCTION gpu.begin_job(p_id uuid, p_fence bigint, p_load_s double precision,
    p_swapped boolean, p_digest text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE public.gpu_job j
       SET started_at = coalesce(j.started_at, clock_timestamp()),
           wait_s = coalesce(j.wait_s, extract(epoch FROM clock_timestamp() - j.created_at)),
           load_s = j.load_s + p_load_s, swapped = j.swapped OR p_swapped,
           model_digest = p_digest
      FROM public.audit_work w
     WHERE j.id = p_id AND w.id = p_id AND w.fence = p_fence AND w.state = 'leased';
END $$;

CREATE FUNCTION gpu.cancel_asked(p_id uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT j.cancel_asked OR NOT gpu.still_wanted(j.wakes) FROM public.gpu_job j WHERE j.id = p_id
$$;

-- Stopped between two tokens: its partial answer is kept, and it is the head of its queue.
CREATE FUNCTION gpu.put_back(p_id uuid, p_fence bigint, p_partial jsonb, p_tokens int,
    p_busy_s double precision)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE public.audit_work
       SET state = 'ready', lease_until = NULL, attempts = attempts - 1,
           published_at = clock_timestamp()
     WHERE id = p_id AND fence = p_fence AND state = 'leased' AND kind = 'inference';
    IF NOT FOUND THEN RETURN false; END IF;
    -- What gave way before it began was not preempted.
    UPDATE public.gpu_job SET partial = p_partial, tokens_done = p_tokens,
           preemptions = preemptions + (p_busy_s > 0)::int, busy_s = busy_s + p_busy_s
     WHERE id = p_id;
    RETURN true;
END $$;

-- The server did not answer as it should: later again, or dead after the last attempt.
CREATE FUNCTION gpu.try_again(p_id uuid, p_fence bigint, p_code text, p_error text,
    p_delay_s double precision, p_busy_s double precision)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_state text;
BEGIN
    UPDATE public.audit_work
       SET state = CASE WHEN attempts >= 3 THEN 'dead' ELSE 'ready' END,
           lease_until = NULL, published_at = NULL, error = left(p_error, 2000),
           not_before = clock_timestamp() + make_interval(secs => p_delay_s),
           settled_at = CASE WHEN attempts >= 3 THEN clock_timestamp() END
     WHERE id = p_id AND fence = p_fence AND state = 'leased' AND kind = 'inference'
    RETURNING state INTO v_state;
    IF v_state IS NULL THEN RETURN 'late'; END IF;
    UPDATE public.gpu_job SET error_code = p_code, tokens_done = 0, partial = '{}',
           busy_s = busy_s + p_busy_s WHERE id = p_id;
    IF v_state = 'dead' THEN PERFORM gpu.bury(p_id); END IF;
    RETURN v_state;
END $$;

CREATE FUNCTION gpu.bury(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_job public.gpu_job%ROWTYPE;
BEGIN
    UPDATE public.gpu_job SET finished_at = clock_timestamp(),
           latency_s = extract(epoch FROM clock_timestamp() - created_at),
           error_code = CASE WHEN error_code = '' THEN 'gpu.worker_died' ELSE error_code END
     WHERE id = p_id AND finished_at IS NULL RETURNING * INTO v_job;
    IF NOT FOUND THEN RETURN; END IF;
    PERFORM gpu.record_end(v_job, 'inference.failed', 'no attempt succeeded; the last: '
        || coalesce((SELECT error FROM public.audit_work WHERE id = p_id), ''));
    PERFORM gpu.hasten(v_job.wakes);
END $$;

-- The end of one job, with its cost; `late` where it was no longer ours.
CREATE FUNCTION gpu.finish_job(p_id uuid, p_fence bigint, p_ending text, p_answer jsonb,
    p_code text, p_error text, p_tokens_in int, p_tokens_out int, p_busy_s double precision)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_job public.gpu_job%ROWTYPE;
BEGIN
    UPDATE public.audit_work
       SET state = CASE p_ending WHEN 'finished' THEN 'done' WHEN 'cancelled' THEN 'cancelled'
                   ELSE 'failed' END,
           lease_until = NULL, settled_at = clock_timestamp(), error = left(p_error, 2000)
     WHERE id = p_id AND fence = p_fence AND state = 'leased' AND kind = 'inference';
    IF NOT FOUND THEN RETURN 'late'; END IF;
    UPDATE public.gpu_job
       SET answer = CASE WHEN p_ending = 'finished' THEN p_answer END, error_code = p_code,
           finished_at = clock_timestamp(), tokens_in = p_tokens_in, tokens_out = p_tokens_out,
           busy_s = busy_s + p_busy_s, partial = '{}',
           latency_s = extract(epoch FROM clock_timestamp() - created_at)
     WHERE id = p_id RETURNING * INTO v_job;
    PERFORM gpu.record_end(v_job, CASE p_ending WHEN 'finished' THEN 'inference.done'
        WHEN 'cancelled' THEN 'inference.cancelled' ELSE 'inference.failed' END, p_error);
    PERFORM gpu.hasten(v_job.wakes);
    RETURN 'settled';
END $$;

-- ---------------------------------------------------------------- foreign work
-- Who holds the card for a command says so every few seconds; answers whether to go on:
-- wait, yours, give_back, over.
CREATE FUNCTION gpu.foreign_beat(p_id uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_state text; v_job public.gpu_job%ROWTYPE;
BEGIN
    UPDATE public.gpu_job SET partial = partial || jsonb_build_object('beat',
        extract(epoch FROM clock_timestamp())) WHERE id = p_id AND kind = 'hold'
    RETURNING * INTO v_job;
    IF NOT FOUND THEN RETURN 'over'; END IF;
    SELECT state INTO v_state FROM public.audit_work WHERE id = p_id;
    RETURN CASE WHEN v_state IN ('waiting', 'ready') THEN 'wait'
                WHEN v_state <> 'leased' OR v_job.cancel_asked THEN 'over'
                WHEN v_job.started_at IS NULL THEN 'wait'
                WHEN (v_job.partial ->> 'asked_back')::boolean THEN 'give_back'
                ELSE 'yours' END;
END $$;

CREATE FUNCTION gpu.foreign_over(p_id uuid, p_exit int) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE public.gpu_job SET partial = partial || jsonb_build_object('exit', p_exit)
     WHERE id = p_id AND kind = 'hold'
$$;

-- A worker that ends leaves the command its card; the next one goes on from here.
CREATE FUNCTION gpu.leave_hold(p_id uuid, p_fence bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE public.audit_work
       SET state = 'ready', lease_until = NULL, attempts = attempts - 1, published_at = NULL
     WHERE id = p_id AND fence = p_fence AND state = 'leased' AND kind = 'inference'
$$;

CREATE FUNCTION gpu.hold_before(p_card text) RETURNS TABLE (id uuid, queue text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT j.id, w.queue::text FROM public.gpu_job j JOIN public.audit_work w ON w.id = j.id
     WHERE j.kind = 'hold' AND j.card = p_card AND j.started_at IS NOT NULL
       AND w.state = 'ready' AND NOT j.partial ? 'exit'
       AND (j.partial ->> 'beat')::float8 > extract(epoch FROM clock_timestamp()) - 15
     ORDER BY j.started_at LIMIT 1
$$;

CREATE FUNCTION gpu.ask_back(p_id uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE public.gpu_job SET partial = partial || '{"asked_back": true}'
     WHERE id = p_id AND kind = 'hold'
$$;

-- exit: the command's, once it is over; silent_s: since its holder was last heard.
CREATE FUNCTION gpu.foreign_look(p_id uuid)
RETURNS TABLE (exit int, silent_s double precision, cancelled boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT (partial ->> 'exit')::int,
           extract(epoch FROM clock_timestamp()) - coalesce((partial ->> 'beat')::float8,
                extract(epoch FROM created_at)), cancel_asked
      FROM public.gpu_job WHERE id = p_id
$$;

-- ---------------------------------------------------------------- quotes
CREATE FUNCTION gpu.quote(p_id uuid, p_start_s double precision, p_end_s double precision)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE public.gpu_job
       SET quoted_start = clock_timestamp() + make_interval(secs => p_start_s),
           quoted_end = clock_timestamp() + make_interval(secs => p_end_s)
     WHERE id = p_id AND quoted_start IS NULL AND started_at IS NULL;
END $$;
