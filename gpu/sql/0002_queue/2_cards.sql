-- Cards: the lease of their one worker, and what they show.

-- The fence of a card that was free, or whose holder is known to be dead; NULL where somebody
-- else lives. What the last holder left unfinished is ready again.
CREATE FUNCTION gpu.take_card(p_card text, p_holder text, p_lease_s double precision,
    p_dead_holder text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_card public.gpu_card%ROWTYPE; v_fence bigint;
BEGIN
    SELECT * INTO v_card FROM public.gpu_card WHERE name = p_card AND enabled FOR UPDATE;
    IF NOT FOUND OR (v_card.lease_until > clock_timestamp() AND v_card.holder <> p_dead_holder
                     AND v_card.holder <> p_holder) THEN
        RETURN NULL;
    END IF;
    UPDATE public.gpu_card
       SET holder = p_holder, fence = fence + 1, doing = 'idle', doing_tier = '', doing_slot = '',
           doing_job = NULL, doing_since = clock_timestamp(), free_at = NULL, fault = '',
           lease_until = clock_timestamp() + make_interval(secs => p_lease_s),
           seen_at = clock_timestamp()
     WHERE name = p_card RETURNING fence INTO v_fence;
    -- Whoever was there at several deaths lets the others go first.
    UPDATE public.audit_work w
       SET state = CASE WHEN w.attempts >= w.max_attempts AND j.kind <> 'hold' THEN 'dead'
                   ELSE 'ready' END,
           lease_until = NULL, published_at = NULL, not_before = clock_timestamp()
               + make_interval(secs => CASE j.kind WHEN 'hold' THEN 0 ELSE 2 * (w.attempts - 1) END),
           settled_at = CASE WHEN w.attempts >= w.max_attempts AND j.kind <> 'hold'
                        THEN clock_timestamp() END,
           error = 'its worker died'
      FROM public.gpu_job j
     WHERE j.id = w.id AND j.card = p_card AND j.finished_at IS NULL AND w.state = 'leased';
    PERFORM gpu.bury(j.id) FROM public.gpu_job j JOIN public.audit_work w ON w.id = j.id
     WHERE j.card = p_card AND j.finished_at IS NULL AND w.state = 'dead';
    PERFORM pg_notify('ethops_ready', 'gpu');
    RETURN v_fence;
END $$;

-- Renews the lease of the card and of the jobs in its worker's hands; false where it was lost.
-- A job that its worker has dropped is not named, so that its lease runs out.
CREATE FUNCTION gpu.beat_card(p_card text, p_fence bigint, p_lease_s double precision,
    p_jobs uuid[])
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE public.gpu_card
       SET lease_until = clock_timestamp() + make_interval(secs => p_lease_s),
           seen_at = clock_timestamp()
     WHERE name = p_card AND fence = p_fence;
    IF NOT FOUND THEN RETURN false; END IF;
    UPDATE public.audit_work w
       SET lease_until = clock_timestamp() + make_interval(secs => p_lease_s)
     WHERE w.id = ANY (p_jobs) AND w.holder = p_card || ':' || p_fence
       AND w.kind = 'inference' AND w.state = 'leased';
    RETURN true;
END $$;

CREATE FUNCTION gpu.leave_card(p_card text, p_fence bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE public.gpu_card SET lease_until = NULL, holder = '', doing = 'idle', doing_job = NULL
     WHERE name = p_card AND fence = p_fence
$$;

-- What the card does and holds, for people, quotes and other cards; a lost row repairs itself.
CREATE FUNCTION gpu.show_card(p_card text, p_fence bigint, p_doc jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE public.gpu_card
       SET resident = coalesce(p_doc -> 'resident', resident),
           policy = coalesce(p_doc -> 'policy', policy),
           doing = coalesce(p_doc ->> 'doing', doing),
           doing_tier = coalesce(p_doc ->> 'tier', doing_tier),
           doing_slot = coalesce(p_doc ->> 'slot', doing_slot),
           doing_job = CASE WHEN p_doc ? 'job' THEN (p_doc ->> 'job')::uuid ELSE doing_job END,
           doing_since = CASE WHEN p_doc ->> 'doing' IS DISTINCT FROM doing AND p_doc ? 'doing'
                         OR p_doc ? 'job' THEN clock_timestamp() ELSE doing_since END,
           free_at = CASE WHEN p_doc ? 'free_in_s' THEN clock_timestamp()
                     + make_interval(secs => (p_doc ->> 'free_in_s')::float8) ELSE free_at END,
           strangers_mb = CASE WHEN p_doc ? 'strangers_mb' THEN (p_doc ->> 'strangers_mb')::int
                          ELSE strangers_mb END,
           fault = coalesce(left(p_doc ->> 'fault', 500), fault),
           seen_at = clock_timestamp()
     WHERE name = p_card AND fence = p_fence;
    RETURN FOUND;
END $$;

CREATE FUNCTION gpu.note_piece(p_card text, p_fence bigint, p_kind text, p_tier text, p_slot text,
    p_job uuid, p_seconds double precision, p_ending text, p_tokens int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO public.gpu_piece (card, kind, tier, slot, job, began_at, ended_at, ending, tokens)
    SELECT p_card, p_kind, p_tier, p_slot, p_job,
           clock_timestamp() - make_interval(secs => p_seconds), clock_timestamp(), p_ending,
           p_tokens
      FROM public.gpu_card WHERE name = p_card AND fence = p_fence;
END $$;

-- Measured times replace declared ones, the newest weighing a fifth.
CREATE FUNCTION gpu.measure(p_slot text, p_load_s double precision, p_tokens_per_s
    double precision, p_prefill_per_s double precision, p_tokens_out double precision)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE public.gpu_slot
       SET measured_load_s = gpu.blend(measured_load_s, p_load_s),
           measured_tokens_per_s = gpu.blend(measured_tokens_per_s, p_tokens_per_s),
           measured_prefill_per_s = gpu.blend(measured_prefill_per_s, p_prefill_per_s),
           mean_tokens_out = gpu.blend(mean_tokens_out, p_tokens_out)
     WHERE name = p_slot;
END $$;

CREATE FUNCTION gpu.blend(p_old double precision, p_new double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_new IS NULL THEN p_old WHEN p_old IS NULL THEN p_new
                ELSE 0.8 * p_old + 0.2 * p_new END
$$;

-- A slot is pinned to the first digest that is seen of its model; another one is refused until
-- a person pins it anew.
CREATE FUNCTION gpu.see_digest(p_slot text, p_digest text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_slot public.gpu_slot%ROWTYPE;
BEGIN
    SELECT * INTO v_slot FROM public.gpu_slot WHERE name = p_slot FOR UPDATE;
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    IF v_slot.digest = '' AND p_digest <> '' THEN
        UPDATE public.gpu_slot SET digest = p_digest, fault = '' WHERE name = p_slot;
        PERFORM audit.put_pending('gpu.pinned', p_slot, '', jsonb_build_object(
            'slot', p_slot, 'model', v_slot.model, 'digest', p_digest, 'by', 'first sight'));
        RETURN 'pinned';
    END IF;
    IF p_digest = '' OR v_slot.digest = p_digest THEN
        UPDATE public.gpu_slot SET fault = '' WHERE name = p_slot AND fault <> '';
        RETURN 'same';
    END IF;
    IF v_slot.fault = '' THEN
        UPDATE public.gpu_slot SET fault = 'the model has another digest than the pinned one'
         WHERE name = p_slot;
        PERFORM audit.put_pending('gpu.digest_changed', p_slot, '', jsonb_build_object(
            'slot', p_slot, 'model', v_slot.model, 'pinned', v_slot.digest, 'seen', p_digest));
    END IF;
    RETURN 'changed';
END $$;

CREATE FUNCTION gpu.unpin(p_slot text, p_by text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_old text;
BEGIN
    SELECT digest INTO v_old FROM public.gpu_slot WHERE name = p_slot FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    UPDATE public.gpu_slot SET digest = '', fault = '' WHERE name = p_slot;
    PERFORM audit.put_pending('person.unpinned', p_slot, '', jsonb_build_object(
        'slot', p_slot, 'was', v_old, 'by', left(p_by, 120)));
    RETURN true;
END $$;

-- Prompts and answers go after p_text_days, the rows after p_row_days; the ledger keeps hashes
-- and costs. Small rounds, so that nobody waits.
CREATE FUNCTION gpu.forget(p_text_days double precision, p_row_days double precision) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_gone uuid[]; v_count int;
BEGIN
    UPDATE public.gpu_job SET request = '{}', answer = NULL, partial = '{}'
     WHERE id IN (SELECT j.id FROM public.gpu_job j
                   WHERE j.finished_at < clock_timestamp() - make_interval(secs => 86400
                         * p_text_days) AND j.request <> '{}' LIMIT 5000);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    DELETE FROM public.gpu_piece WHERE id IN (SELECT p.id FROM public.gpu_piece p
        WHERE p.began_at < clock_timestamp() - make_interval(secs => 86400 * p_row_days)
        LIMIT 20000);
    v_gone := ARRAY(SELECT j.id FROM public.gpu_job j
        WHERE j.finished_at < clock_timestamp() - make_interval(secs => 86400 * p_row_days)
        LIMIT 5000);
    DELETE FROM public.gpu_job WHERE id = ANY (v_gone);
    DELETE FROM public.audit_work WHERE id = ANY (v_gone) AND kind = 'inference';
    RETURN v_count + coalesce(array_length(v_gone, 1), 0);
END $$;
