-- As before, but only where a move leads there: a detector finds nothing in a run that a person has
-- set aside. Frozen: a later change is a new file and migration.
CREATE OR REPLACE FUNCTION agentops.end_run(p_run uuid, p_state text, p_summary text, p_limit text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM public.personas_run
      WHERE id = p_run AND ended_at IS NULL AND gate.run_move(state, p_state) FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM gate.end_run(p_run, p_state, p_summary, p_limit);
    PERFORM gate.void_run(p_run, 'its run has ended');
    RETURN true;
END $$;
