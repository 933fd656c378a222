-- Places go by priority, and within it to the ticket that is due first; tickets to which nothing is
-- promised come after those. `personas/runtime/admission.py` is the same policy without a database.
-- As before nobody overtakes who came more than four minutes later than one who waits.

CREATE OR REPLACE FUNCTION gate.admit() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_environment record; v_run uuid; v_count int := 0;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.personas_run WHERE state = 'pending') THEN
        RETURN 0;
    END IF;
    PERFORM gate.lock_admission();
    FOR v_environment IN SELECT * FROM public.personas_environment LOOP
        WHILE gate.at_work(v_environment.name) < v_environment.max_concurrent LOOP
            WITH waits AS MATERIALIZED (
                SELECT p.id, p.created_at, i.priority, i.due_at,
                       gate.turn(p.created_at, i.priority) AS turn
                  FROM public.personas_run p
                  JOIN public.personas_agentintent i ON i.id = p.intent_id
                 WHERE p.state = 'pending' AND i.environment = v_environment.name
                   AND gate.has_room(p.card_id)),
            head AS (
                SELECT h.priority, (SELECT min(created_at) FROM waits) + interval '240 s' AS until
                  FROM waits h ORDER BY h.turn, h.id LIMIT 1),
            ranked AS (
                SELECT w.id, w.turn, w.due_at,
                       w.priority = head.priority AND w.created_at <= head.until AS first
                  FROM waits w CROSS JOIN head)
            SELECT r.id INTO v_run FROM public.personas_run r JOIN ranked w ON w.id = r.id
             WHERE r.state = 'pending'
             ORDER BY w.first DESC, CASE WHEN w.first THEN w.due_at END NULLS LAST, w.turn, r.id
             LIMIT 1 FOR UPDATE OF r SKIP LOCKED;
            EXIT WHEN NOT FOUND;
            PERFORM gate.start_run(v_run);
            v_count := v_count + 1;
        END LOOP;
    END LOOP;
    RETURN v_count;
END $$;

-- When the ticket of those who wait is due, or NULL where nothing is promised to it any more.
CREATE FUNCTION gate.set_due(p_ticket text, p_due timestamptz) RETURNS int
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH told AS (
        UPDATE public.personas_agentintent i SET due_at = p_due
          FROM public.personas_run r
         WHERE r.intent_id = i.id AND r.ticket_ref = p_ticket AND r.state = 'pending'
           AND i.due_at IS DISTINCT FROM p_due
        RETURNING 1)
    SELECT count(*)::int FROM told
$$;

REVOKE ALL ON FUNCTION gate.set_due(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.set_due(text, timestamptz) TO ethops_app;
