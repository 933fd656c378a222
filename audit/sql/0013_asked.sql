-- As before, and: what an agent asks for is committed without a flush of its own. Nothing rests on
-- it before the recorder's stamp, whose synchronous commit comes later in the same write-ahead log;
-- the agent's own step ends with a synchronous commit, too. A crash in between loses the request
-- with the step that made it, and the step is taken again.
CREATE OR REPLACE FUNCTION audit.put_pending(p_kind text, p_subject text, p_ticket text,
    p_body jsonb, p_work uuid DEFAULT NULL)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO public.audit_pending (kind, subject, ticket_ref, body, work_id)
    VALUES (p_kind, p_subject, coalesce(p_ticket, ''), p_body, p_work);
    SELECT pg_notify('ethops_pending', '');
    SELECT set_config('synchronous_commit', 'off', true)
     WHERE p_work IS NOT NULL AND session_user = 'ethops_agent';
$$;
