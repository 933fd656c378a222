-- The cost of one inference, in the ledger: whole microseconds, and the digest of what was asked.
CREATE OR REPLACE FUNCTION gpu.record_end(p_job public.gpu_job, p_kind text, p_error text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT audit.put_pending(p_kind, (p_job).id::text, (p_job).ticket_ref, jsonb_build_object(
        'principal', (p_job).principal, 'run', (p_job).run, 'step', (p_job).step,
        'tier', (p_job).tier, 'slot', (p_job).slot, 'card', (p_job).card,
        'model_digest', (p_job).model_digest, 'tokens_in', (p_job).tokens_in,
        'tokens_out', (p_job).tokens_out,
        'wait_us', round((p_job).wait_s * 1e6)::bigint,
        'load_us', round((p_job).load_s * 1e6)::bigint,
        'latency_us', round((p_job).latency_s * 1e6)::bigint,
        'busy_us', round((p_job).busy_s * 1e6)::bigint,
        'preemptions', (p_job).preemptions, 'swapped', (p_job).swapped,
        'error_code', (p_job).error_code, 'error', left(p_error, 500),
        'request_sha256', encode(sha256(convert_to((p_job).request::text, 'UTF8')), 'hex'),
        'answer_sha256', CASE WHEN (p_job).answer IS NULL THEN NULL
            ELSE encode(sha256(convert_to((p_job).answer::text, 'UTF8')), 'hex') END))
$$;
