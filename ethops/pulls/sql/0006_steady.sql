-- One look at a time, none that is older than what is known, and only ends are told. Frozen: a later
-- change is a new file and migration.

-- As before, and: one that was opened again before its ticket heard of it has nothing to tell, and
-- people hear of the last order that came to nothing as well.
CREATE OR REPLACE FUNCTION gate.retell_pulls() RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.pulls_followed%ROWTYPE; v_outcome text;
BEGIN
    FOR v IN SELECT f.* FROM public.pulls_followed f
              WHERE NOT f.told AND f.tries < 20 ORDER BY f.key LIMIT 200
                FOR UPDATE SKIP LOCKED LOOP
        SELECT a.outcome INTO v_outcome FROM public.personas_action a WHERE a.id = v.action;
        CONTINUE WHEN v_outcome = '';
        IF v_outcome = 'done' OR v.state = 'open' THEN
            UPDATE public.pulls_followed SET told = true WHERE key = v.key;
        ELSIF v.next_at IS NULL THEN
            UPDATE public.pulls_followed SET tries = v.tries + 1,
                   next_at = clock_timestamp() + least(interval '1 minute' * power(2, v.tries),
                                                       interval '1 hour')
             WHERE key = v.key;
            IF v.tries IN (2, 19) THEN RETURN NEXT v.key; END IF;
        ELSIF v.next_at <= clock_timestamp() THEN
            UPDATE public.pulls_followed SET next_at = NULL, action = gate.order_told(v)
             WHERE key = v.key;
        END IF;
    END LOOP;
END $$;

-- As before, and: `p_at` is when the forge was asked, and what was seen earlier than what is known
-- changes nothing. Of one that was opened a month before anybody here looked, nobody is told.
DROP FUNCTION gate.see_pull(uuid, text, text, text, text, text, jsonb);
CREATE FUNCTION gate.see_pull(p_key uuid, p_at timestamptz, p_head text, p_state text,
    p_commit text, p_by text, p_mark text, p_reviews jsonb)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.pulls_followed%ROWTYPE; v_what text; v_head text;
BEGIN
    SELECT * INTO v FROM public.pulls_followed WHERE key = p_key AND url <> '' FOR UPDATE;
    IF NOT FOUND OR v.state = 'merged' OR v.seen_at >= p_at THEN RETURN ''; END IF;
    v_head := coalesce(nullif(p_head, ''), v.head);
    v_what := CASE
        WHEN p_state <> v.state THEN CASE p_state WHEN 'open' THEN 'reopened' ELSE p_state END
        WHEN v_head <> v.head THEN 'moved'
        WHEN p_reviews <> v.reviews THEN 'reviewed'
        ELSE '' END;
    UPDATE public.pulls_followed
       SET head = v_head, state = p_state, merged_as = left(p_commit, 64),
           ended_by = left(p_by, 150), mark = left(p_mark, 60),
           seen_at = least(p_at, clock_timestamp()), missing = 0, unread = 0,
           reviews = coalesce(p_reviews, reviews), told = told OR v_what = 'reopened'
     WHERE key = p_key;
    IF v_what <> '' THEN
        PERFORM audit.put_pending('pull.seen', p_key::text, v.ticket_ref, jsonb_build_object(
            'pull', v.number, 'what', v_what, 'head', v_head, 'commit', left(p_commit, 64), 'by',
            left(p_by, 150), 'count', jsonb_array_length(coalesce(p_reviews, v.reviews))));
    END IF;
    IF v_what IN ('merged', 'closed') THEN
        IF v.seen_at IS NULL AND EXISTS (
            SELECT 1 FROM public.personas_action a
             WHERE a.id = p_key AND a.decided_at < clock_timestamp() - interval '30 days')
        THEN
            UPDATE public.pulls_followed SET ends = ends + 1, ended_at = clock_timestamp()
             WHERE key = p_key;
        ELSE
            PERFORM gate.end_pull(p_key);
        END IF;
    END IF;
    RETURN v_what;
END $$;

REVOKE ALL ON FUNCTION
    gate.see_pull(uuid, timestamptz, text, text, text, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    gate.see_pull(uuid, timestamptz, text, text, text, text, text, jsonb) TO ethops_app;
-- When it was seen is said by `gate.see_pull` alone.
REVOKE UPDATE (seen_at) ON public.pulls_followed FROM ethops_app;
GRANT UPDATE (asked_at, unread) ON public.pulls_followed TO ethops_app;
