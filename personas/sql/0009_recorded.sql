-- What the ledger says of an effect that somebody holds, for whoever is about to do it: the bytes
-- of its entry, and the value that they commit to.
CREATE FUNCTION gate.recorded(p_action uuid)
RETURNS TABLE (body bytea, salt bytea, value text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.body, v.salt, v.value
      FROM public.audit_work w
      JOIN public.personas_action a ON a.id = w.id
      JOIN public.audit_entry e ON e.seq = w.entry_seq
      LEFT JOIN public.audit_value v ON v.digest = a.args_digest
     WHERE w.id = p_action AND w.kind = 'effect' AND w.state = 'leased'
$$;
REVOKE ALL ON FUNCTION gate.recorded(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.recorded(uuid) TO ethops_executor;
