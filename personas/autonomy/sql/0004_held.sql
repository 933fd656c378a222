-- As before, but not of a run that a person has set aside: no move leads from there to its end by a
-- limit, and it meets the limit once it is back. Frozen: a later change is a new file and migration.
CREATE OR REPLACE FUNCTION gate.end_over_limit() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record; v_limit text; v_spent record; v_count int := 0;
BEGIN
    FOR v IN
        SELECT r.id, r.steps, r.actions FROM public.personas_run r
         WHERE r.ended_at IS NULL AND gate.run_move(r.state, 'failed')
           AND NOT EXISTS (SELECT 1 FROM public.personas_action a WHERE a.run_id = r.id
                            AND a.verdict = 'authorised' AND a.outcome = '')
         FOR UPDATE SKIP LOCKED
    LOOP
        v_limit := gate.over_limit(v.id);
        CONTINUE WHEN v_limit = '';
        SELECT coalesce(sum(tokens_in), 0) AS read, coalesce(sum(tokens_out), 0) AS written
          INTO v_spent FROM public.autonomy_spent WHERE run_id = v.id;
        PERFORM gate.end_run(v.id, 'failed', format('stopped at its limit %s of %s, after %s '
            'steps, %s proposals, %s tokens read and %s written; a person has to go on', v_limit,
            gate.run_limits(v.id) ->> v_limit, v.steps, v.actions, v_spent.read, v_spent.written),
            v_limit);
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;
