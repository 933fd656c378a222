-- What goes into a ticket's worklog of the entry that permitted an effect, with the newest head.
CREATE FUNCTION audit.receipt_of(p_work uuid)
RETURNS TABLE (seq bigint, hash bytea, size bigint, root bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.seq, e.hash, coalesce(h.size, 0), coalesce(h.root, ''::bytea)
      FROM public.audit_work w
      JOIN public.audit_entry e ON e.seq = w.entry_seq
      LEFT JOIN LATERAL (SELECT t.size, t.root FROM public.audit_treehead t
                          ORDER BY t.size DESC LIMIT 1) h ON true
     WHERE w.id = p_work AND w.kind = 'effect'
$$;
REVOKE ALL ON FUNCTION audit.receipt_of(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.receipt_of(uuid) TO ethops_executor, ethops_app;
