-- As before, and: no more than a thousand of each are counted, so that a storm costs no more to look
-- at than it can say.
CREATE OR REPLACE FUNCTION gate.anomalies(p_since timestamptz)
RETURNS TABLE (rule text, seen bigint, most double precision, newest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT 'failed', count(*), gate.policy('breaker_failed'), max(at) FROM (
        (SELECT settled_at AS at FROM public.personas_action
          WHERE outcome = 'failed' AND settled_at > p_since AND gate.is_change(verb)
            AND result ->> 'code' IS DISTINCT FROM 'executor.stopped'
          ORDER BY settled_at DESC LIMIT 1000)
        UNION ALL
        (SELECT w.claimed_at FROM public.audit_work w
           JOIN public.personas_action a ON a.id = w.id
          WHERE w.kind = 'effect' AND w.state = 'in_doubt' AND w.claimed_at > p_since
            AND gate.is_change(a.verb) LIMIT 1000)) bad
    UNION ALL
    SELECT 'denied', count(*), gate.policy('breaker_denied'), max(decided_at) FROM (
        SELECT decided_at FROM public.personas_action
         WHERE verdict = 'denied' AND decided_at > p_since
           AND guard NOT IN ('stop', 'breaker', 'run', 'token')
         ORDER BY decided_at DESC LIMIT 1000) refused
    UNION ALL
    SELECT 'abandoned', count(*), gate.policy('breaker_abandoned'), max(ended_at) FROM (
        SELECT ended_at FROM public.personas_run
         WHERE limit_hit <> '' AND ended_at > p_since ORDER BY ended_at DESC LIMIT 1000) over
$$;

-- As before, in whatever state a run lives.
CREATE OR REPLACE FUNCTION gate.end_over_limit() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record; v_limit text; v_spent record; v_count int := 0;
BEGIN
    FOR v IN
        SELECT r.id, r.steps, r.actions FROM public.personas_run r WHERE r.ended_at IS NULL
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
