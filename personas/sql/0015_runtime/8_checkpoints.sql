-- Checkpoints: what is durable at each boundary of a run (an action decided, its outcome, a step's
-- end), read from the rows that these write. Nothing is copied, so that what a person redacts is
-- gone here too.

CREATE FUNCTION gate.checkpoints(p_run uuid)
RETURNS TABLE (intent_id uuid, session_id uuid, boundary text, step int, tool_call_count int,
    last_tool text, last_output text, "timestamp" timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH boundaries AS (
        SELECT 'decided' AS boundary, a.step_number AS step, a.decided_at AS at,
               btrim(a.verb || ' ' || a.entry) AS tool,
               a.verdict || CASE WHEN a.reason <> '' THEN ': ' || a.reason ELSE '' END AS output
          FROM public.personas_action a WHERE a.run_id = p_run
        UNION ALL
        SELECT 'outcome', a.step_number, a.settled_at, btrim(a.verb || ' ' || a.entry),
               coalesce(nullif(a.result ->> 'said', ''), a.outcome)
          FROM public.personas_action a WHERE a.run_id = p_run AND a.settled_at IS NOT NULL
        UNION ALL
        SELECT 'step', s.number, s.ended_at, '', coalesce(s.answer ->> 'choice', '')
          FROM public.personas_step s WHERE s.run_id = p_run)
    SELECT r.intent_id, r.id, b.boundary, b.step,
           (count(*) FILTER (WHERE b.boundary = 'decided') OVER (ORDER BY b.at, b.boundary))::int,
           b.tool, left(b.output, 500), b.at
      FROM boundaries b, public.personas_run r WHERE r.id = p_run
     ORDER BY b.at, b.boundary
$$;

-- The newest one, as people and programs are told it; NULL before the first boundary.
CREATE FUNCTION gate.checkpoint(p_run uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('intent_id', c.intent_id, 'session_id', c.session_id,
               'tool_call_count', c.tool_call_count, 'last_tool', coalesce((
                   SELECT d.last_tool FROM gate.checkpoints(p_run) d WHERE d.last_tool <> ''
                    ORDER BY d."timestamp" DESC, d.boundary DESC LIMIT 1), ''),
               'last_output', c.last_output, 'timestamp', c."timestamp")
      FROM gate.checkpoints(p_run) c ORDER BY c."timestamp" DESC, c.boundary DESC LIMIT 1
$$;
