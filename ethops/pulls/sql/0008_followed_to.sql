-- What was opened elsewhere is found from where the last look ended. Frozen: a later change is a new
-- file and migration.

CREATE INDEX personas_action_opened_elsewhere ON public.personas_action (settled_at)
    WHERE verb = 'pull.open' AND outcome = 'done' AND result ->> 'url' <> '';

-- As before, and: it reads what was opened since an hour before the last time, not all that ever was.
-- The hour is for what was committed later than it says, and for a clock that was put back.
CREATE OR REPLACE FUNCTION gate.follow_pulls() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_now timestamptz := clock_timestamp(); v_from timestamptz; v_to timestamptz;
    v_seen bigint; v_made bigint;
BEGIN
    SELECT least(l.followed_to, v_now) - interval '1 hour' INTO v_from
      FROM public.pulls_forgelook l WHERE l.id = 1 AND l.followed_to IS NOT NULL;
    WITH opened AS (
        SELECT a.id, a.result, a.ticket_ref, a.args, a.settled_at
          FROM public.personas_action a
         WHERE a.verb = 'pull.open' AND a.outcome = 'done' AND a.result ->> 'url' <> ''
           AND a.settled_at >= coalesce(v_from, '-infinity') AND a.args ? 'title'
           AND NOT EXISTS (SELECT 1 FROM public.pulls_followed f WHERE f.key = a.id)
         ORDER BY a.settled_at LIMIT 200),
    made AS (
        INSERT INTO public.pulls_followed (key, number, ticket_ref, title, url, head)
        SELECT o.id, (o.result ->> 'pull')::bigint, o.ticket_ref, o.args ->> 'title',
               left(o.result ->> 'url', 500), o.result ->> 'head'
          FROM opened o
        ON CONFLICT (key) DO NOTHING RETURNING 1)
    SELECT count(*), max(o.settled_at), (SELECT count(*) FROM made) INTO v_seen, v_to, v_made
      FROM opened o;
    UPDATE public.pulls_forgelook SET followed_to = CASE WHEN v_seen < 200 THEN v_now ELSE v_to END
     WHERE id = 1;
    RETURN v_made;
END $$;
