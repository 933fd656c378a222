-- Numbers of this room, and what a run has spent. Frozen: a later change is a new file and
-- migration.

-- The site's number, else ours. A name that is none has no number, and comparing with it stops.
CREATE FUNCTION gate.policy(p_name text) RETURNS double precision
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(
        (SELECT value FROM public.autonomy_policy WHERE name = p_name),
        CASE p_name
            WHEN 'ticket_runs' THEN 12
            WHEN 'ticket_changes' THEN 4
            WHEN 'fleet_changes_per_hour' THEN 30
            WHEN 'breaker_window_s' THEN 600
            WHEN 'breaker_failed' THEN 10
            WHEN 'breaker_denied' THEN 40
            WHEN 'breaker_abandoned' THEN 10
            WHEN 'breaker_calm_s' THEN 900
            WHEN 'breaker_probes' THEN 3
            WHEN 'veto_least' THEN 8
            WHEN 'veto_lower' THEN 0.6
            WHEN 'act_least' THEN 12
            WHEN 'act_lower' THEN 0.75
            WHEN 'reopened_within_s' THEN 86400
        END)
$$;

-- What touches the world beyond a ticket and a notice.
CREATE FUNCTION gate.is_change(p_verb text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT p_verb NOT LIKE 'ticket.%' AND p_verb <> 'notify' $$;

-- By card; what it does not name has a default.
CREATE FUNCTION gate.run_limits(p_run uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object(
            'max_tool_calls', coalesce(c.limits -> 'max_tool_calls', c.limits -> 'max_actions',
                                       to_jsonb(50)),
            'max_depth', coalesce(c.limits -> 'max_depth', to_jsonb(5)),
            'tokens_in', coalesce(c.limits -> 'tokens_in', to_jsonb(100000)),
            'tokens_out', coalesce(c.limits -> 'tokens_out', to_jsonb(10000)),
            'max_duration_s', coalesce(c.limits -> 'max_duration_s', to_jsonb(3600)))
      FROM public.personas_run r JOIN public.personas_card c ON c.name = r.card_id
     WHERE r.id = p_run
$$;

-- Counted where the answer lands, whoever asked and whatever he says of it. The row of `spent` is
-- taken after that of the question, and by nobody before it.
CREATE FUNCTION gate.count_tokens() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO public.autonomy_spent AS s (run_id, tokens_in, tokens_out, questions)
    SELECT NEW.run, coalesce(NEW.tokens_in, 0), coalesce(NEW.tokens_out, 0), 1
      FROM public.personas_run r WHERE r.id = NEW.run
    ON CONFLICT (run_id) DO UPDATE
       SET tokens_in = s.tokens_in + excluded.tokens_in,
           tokens_out = s.tokens_out + excluded.tokens_out,
           questions = s.questions + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER count_tokens AFTER UPDATE OF finished_at ON public.gpu_job
    FOR EACH ROW WHEN (NEW.run IS NOT NULL AND OLD.finished_at IS NULL
                       AND NEW.finished_at IS NOT NULL)
    EXECUTE FUNCTION gate.count_tokens();
ALTER TABLE public.gpu_job ENABLE ALWAYS TRIGGER count_tokens;

-- How many runs stand above one, the one that was born of an alert being at 0.
CREATE FUNCTION gate.depth_of(p_run uuid) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE above AS (
        SELECT p_run AS run, 0 AS depth
        UNION ALL
        SELECT (i.inputs ->> 'parent_run')::uuid, above.depth + 1
          FROM above JOIN public.personas_run r ON r.id = above.run
          JOIN public.personas_agentintent i ON i.id = r.intent_id
         WHERE pg_input_is_valid(i.inputs ->> 'parent_run', 'uuid') AND above.depth < 50)
    SELECT max(depth) FROM above
$$;

-- Which limit a run is at, '' where none. A question that is open counts as it was estimated.
CREATE FUNCTION gate.over_limit(p_run uuid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_limits jsonb := gate.run_limits(p_run); v_in bigint; v_out bigint; v_calls int;
BEGIN
    SELECT actions INTO v_calls FROM public.personas_run WHERE id = p_run;
    SELECT coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0) INTO v_in, v_out
      FROM public.autonomy_spent WHERE run_id = p_run;
    SELECT v_in + coalesce(sum(j.tokens_asked), 0), v_out + coalesce(sum(j.tokens_done), 0)
      INTO v_in, v_out FROM public.gpu_job j WHERE j.run = p_run AND j.finished_at IS NULL;
    RETURN CASE
        WHEN v_in > (v_limits ->> 'tokens_in')::bigint THEN 'tokens_in'
        WHEN v_out > (v_limits ->> 'tokens_out')::bigint THEN 'tokens_out'
        WHEN v_calls >= (v_limits ->> 'max_tool_calls')::int THEN 'max_tool_calls'
        WHEN gate.depth_of(p_run) > (v_limits ->> 'max_depth')::int THEN 'max_depth'
        ELSE '' END;
END $$;

-- Ends live runs that are at a limit, each with what it came to; one that somebody holds is left
-- for the next round, and one whose last permits are open comes to its end through them first.
CREATE FUNCTION gate.end_over_limit() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record; v_limit text; v_spent record; v_count int := 0;
BEGIN
    FOR v IN
        SELECT r.id, r.steps, r.actions FROM public.personas_run r WHERE r.ended_at IS NULL
           AND r.state IN ('pending', 'running', 'waiting')
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

-- No run is born too deep: who asks for one is told so, and nothing is written.
CREATE FUNCTION gate.guard_depth() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_parent uuid; v_most int;
BEGIN
    IF NOT pg_input_is_valid(NEW.inputs ->> 'parent_run', 'uuid') THEN RETURN NEW; END IF;
    v_parent := (NEW.inputs ->> 'parent_run')::uuid;
    v_most := coalesce((gate.run_limits(v_parent) ->> 'max_depth')::int, 0);
    IF gate.depth_of(v_parent) + 1 > v_most THEN
        RAISE EXCEPTION 'a run of run % would be deeper than %', v_parent, v_most
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_depth BEFORE INSERT ON public.personas_agentintent
    FOR EACH ROW WHEN (NEW.inputs ? 'parent_run') EXECUTE FUNCTION gate.guard_depth();
ALTER TABLE public.personas_agentintent ENABLE ALWAYS TRIGGER guard_depth;

-- Whether a ticket has had all the runs that one may have.
CREATE FUNCTION gate.ticket_is_full(p_ticket text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*) >= gate.policy('ticket_runs')
      FROM public.personas_run WHERE ticket_ref = p_ticket
$$;
