-- A job whose server broke while a reader listened goes on later from what the reader has heard;
-- every other one begins anew, with an empty partial answer.
DROP FUNCTION gpu.try_again(uuid, bigint, text, text, double precision, double precision);

CREATE FUNCTION gpu.try_again(p_id uuid, p_fence bigint, p_code text, p_error text,
    p_delay_s double precision, p_busy_s double precision, p_partial jsonb, p_tokens int)
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
    UPDATE public.gpu_job SET error_code = p_code, tokens_done = p_tokens, partial = p_partial,
           busy_s = busy_s + p_busy_s WHERE id = p_id;
    IF v_state = 'dead' THEN PERFORM gpu.bury(p_id); END IF;
    RETURN v_state;
END $$;

REVOKE ALL ON FUNCTION gpu.try_again(uuid, bigint, text, text, double precision,
    double precision, jsonb, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gpu.try_again(uuid, bigint, text, text, double precision,
    double precision, jsonb, int) TO ethops_gpu;
