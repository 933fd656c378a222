-- A process that is gone holds nothing: whoever looks after this host may say so.

CREATE FUNCTION gate.held_steps() RETURNS TABLE (work_id uuid, fence bigint, holder text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id, fence, holder::text FROM public.audit_work WHERE kind = 'step' AND state = 'leased'
$$;

-- Its lease ends now; the reconciler does the rest, as for one that ran out by itself.
CREATE FUNCTION gate.holder_died(p_work uuid, p_fence bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE public.audit_work SET lease_until = clock_timestamp() - interval '1 ms'
     WHERE id = p_work AND kind = 'step' AND state = 'leased' AND fence = p_fence
$$;

REVOKE ALL ON FUNCTION gate.held_steps(), gate.holder_died(uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.held_steps(), gate.holder_died(uuid, bigint) TO ethops_app;
