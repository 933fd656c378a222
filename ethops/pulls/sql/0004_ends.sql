-- How pull requests end, and that their tickets are told, once each. What people do at a forge
-- elsewhere is taken over as what was seen there: it approves nothing. Frozen: a later change is a
-- new file and migration.

-- As before, and: telling a ticket what became of its pull request touches nothing else.
CREATE OR REPLACE FUNCTION gate.is_risky(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT CASE
            WHEN a.verb IN ('ticket.comment', 'ticket.assign', 'ticket.resolve', 'ticket.escalate',
                            'ticket.ask', 'pull.open', 'pull.tell', 'notify') THEN false
            WHEN a.verb = 'playbook.run' THEN coalesce(e.risk NOT IN ('none', 'low'), true)
            WHEN a.verb = 'command.run' THEN coalesce(s.risk NOT IN ('none', 'low'), true)
            ELSE true END
          FROM public.personas_action a
          LEFT JOIN public.personas_run r ON r.id = a.run_id
          LEFT JOIN public.personas_catalogueentry e ON e.name = a.entry
          LEFT JOIN public.guardrails_commandscope s
                 ON s.card_id = r.card_id AND s.name = a.entry
         WHERE a.id = p_action), true)
$$;

-- ---------------------------------------------------------------- telling the ticket
-- Orders it, once per end and try; no agent has this verb: `gate.verb_parameters` does not know it.
CREATE FUNCTION gate.order_told(p public.pulls_followed) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_id uuid := gen_random_uuid(); v_args text; v_given jsonb;
    -- A stop, or a ledger that is down for days, is no reason to forget the ticket.
    v_deadline timestamptz := clock_timestamp() + interval '7 days';
BEGIN
    v_given := jsonb_build_object('pull', p.number::text, 'what', p.state, 'title', p.title,
        'commit', p.merged_as, 'by', p.ended_by, 'why', p.ended_why, 'url', p.url);
    INSERT INTO public.audit_work (id, kind, queue, state, subject, priority, expires_at)
    VALUES (v_id, 'effect', gate.queue_of('pull.tell'), 'waiting', p.ticket_ref, 2, v_deadline);
    v_args := audit.keep_value(v_given::text, v_id::text);
    v_deadline := v_deadline + gate.time_to_act('pull.tell', '');
    INSERT INTO public.personas_action (id, key, principal, ticket_ref, verb, target, args, level,
        verdict, work_id, deadline, args_digest)
    VALUES (v_id, format('told:%s:%s:%s', p.key, p.ends, p.tries), 'rule:pulls', p.ticket_ref,
            'pull.tell', '', v_given, 'act', 'authorised', v_id, v_deadline, v_args);
    PERFORM audit.put_pending('action.authorised', v_id::text, p.ticket_ref, jsonb_build_object(
        'principal', 'rule:pulls', 'verb', 'pull.tell', 'target', '', 'cis', '[]'::jsonb,
        'risk', '', 'level', 'act', 'deadline', audit.moment(v_deadline),
        'values', jsonb_build_object('args', v_args)), v_id);
    RETURN v_id;
END $$;

-- It has ended: its ticket, if it has one, is to be told.
CREATE FUNCTION gate.end_pull(p_key uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.pulls_followed%ROWTYPE;
BEGIN
    UPDATE public.pulls_followed
       SET ends = ends + 1, tries = 0, next_at = NULL, ended_at = clock_timestamp(),
           told = (ticket_ref = '')
     WHERE key = p_key RETURNING * INTO v;
    IF NOT v.told THEN
        UPDATE public.pulls_followed SET action = gate.order_told(v) WHERE key = p_key;
    END IF;
END $$;

-- At the forge here: in the transaction in which the row says that it is merged or closed.
CREATE FUNCTION gate.pull_has_ended() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO public.pulls_followed (key, number, ticket_ref, title, head, state, merged_as,
                                       ended_by, ended_why, seen_at)
    VALUES (NEW.key, NEW.number, NEW.ticket_ref, NEW.title, NEW.head, NEW.state, NEW.merged_as,
            NEW.ended_by, NEW.ended_why, clock_timestamp())
    ON CONFLICT (key) DO UPDATE SET state = EXCLUDED.state, merged_as = EXCLUDED.merged_as,
           ended_by = EXCLUDED.ended_by, ended_why = EXCLUDED.ended_why;
    PERFORM gate.end_pull(NEW.key);
    RETURN NULL;
END $$;
CREATE TRIGGER pull_has_ended AFTER UPDATE OF state ON public.forge_pullrequest
    FOR EACH ROW WHEN (NEW.state IN ('merged', 'closed')) EXECUTE FUNCTION gate.pull_has_ended();
ALTER TABLE public.forge_pullrequest ENABLE ALWAYS TRIGGER pull_has_ended;

-- Looks after what was ordered: what came to nothing is ordered again, a little later each time.
-- Returns the keys of those that people should know of.
CREATE FUNCTION gate.retell_pulls() RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.pulls_followed%ROWTYPE; v_outcome text;
BEGIN
    FOR v IN SELECT f.* FROM public.pulls_followed f
              WHERE NOT f.told AND f.tries < 20 ORDER BY f.key LIMIT 200
                FOR UPDATE SKIP LOCKED LOOP
        SELECT a.outcome INTO v_outcome FROM public.personas_action a WHERE a.id = v.action;
        CONTINUE WHEN v_outcome = '';
        IF v_outcome = 'done' THEN
            UPDATE public.pulls_followed SET told = true WHERE key = v.key;
        ELSIF v.next_at IS NULL THEN
            UPDATE public.pulls_followed SET tries = v.tries + 1,
                   next_at = clock_timestamp() + least(interval '1 minute' * power(2, v.tries),
                                                       interval '1 hour')
             WHERE key = v.key;
            IF v.tries = 2 THEN RETURN NEXT v.key; END IF;
        ELSIF v.next_at <= clock_timestamp() THEN
            UPDATE public.pulls_followed SET next_at = NULL, action = gate.order_told(v)
             WHERE key = v.key;
        END IF;
    END LOOP;
END $$;

-- How many of a ticket's pull requests are not over yet: its change waits for all of them.
CREATE FUNCTION gate.pulls_waiting(p_ticket text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT (SELECT count(*) FROM public.forge_pullrequest
             WHERE ticket_ref = p_ticket AND state IN ('open', 'merging'))
         + (SELECT count(*) FROM public.pulls_followed
             WHERE ticket_ref = p_ticket AND url <> '' AND state = 'open')
         + (SELECT count(*) FROM public.personas_action a
             WHERE a.ticket_ref = p_ticket AND a.verb = 'pull.open' AND a.verdict = 'authorised'
               AND (a.outcome = '' OR a.outcome = 'done' AND a.result ->> 'url' <> '')
               AND NOT EXISTS (SELECT 1 FROM public.pulls_followed f WHERE f.key = a.id)
               AND NOT EXISTS (SELECT 1 FROM public.forge_pullrequest q WHERE q.key = a.id))
$$;

-- ---------------------------------------------------------------- what people do elsewhere
-- Begins to follow what was opened at a forge elsewhere; returns how many that were.
CREATE FUNCTION gate.follow_pulls() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH made AS (
        INSERT INTO public.pulls_followed (key, number, ticket_ref, title, url, head)
        SELECT a.id, (a.result ->> 'pull')::bigint, a.ticket_ref, a.args ->> 'title',
               left(a.result ->> 'url', 500), a.result ->> 'head'
          FROM public.personas_action a
         WHERE a.verb = 'pull.open' AND a.outcome = 'done' AND a.result ->> 'url' <> ''
           AND a.args ? 'title'
           AND NOT EXISTS (SELECT 1 FROM public.pulls_followed f WHERE f.key = a.id)
         LIMIT 200
        ON CONFLICT (key) DO NOTHING RETURNING 1)
    SELECT count(*) FROM made
$$;

-- Takes over what was seen of one; returns what is new: merged, closed, reopened, moved, reviewed,
-- or nothing. What is merged stays so. `p_reviews` is NULL where they were not looked at.
CREATE FUNCTION gate.see_pull(p_key uuid, p_head text, p_state text, p_commit text, p_by text,
    p_mark text, p_reviews jsonb)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.pulls_followed%ROWTYPE; v_what text; v_head text;
BEGIN
    SELECT * INTO v FROM public.pulls_followed WHERE key = p_key AND url <> '' FOR UPDATE;
    IF NOT FOUND OR v.state = 'merged' THEN RETURN ''; END IF;
    v_head := coalesce(nullif(p_head, ''), v.head);
    v_what := CASE
        WHEN p_state <> v.state THEN CASE p_state WHEN 'open' THEN 'reopened' ELSE p_state END
        WHEN v_head <> v.head THEN 'moved'
        WHEN p_reviews <> v.reviews THEN 'reviewed'
        ELSE '' END;
    UPDATE public.pulls_followed
       SET head = v_head, state = p_state, merged_as = left(p_commit, 64),
           ended_by = left(p_by, 150), mark = left(p_mark, 60), seen_at = clock_timestamp(),
           missing = 0, reviews = coalesce(p_reviews, reviews)
     WHERE key = p_key;
    IF v_what <> '' THEN
        PERFORM audit.put_pending('pull.seen', p_key::text, v.ticket_ref, jsonb_build_object(
            'pull', v.number, 'what', v_what, 'head', v_head, 'commit', left(p_commit, 64), 'by',
            left(p_by, 150), 'count', jsonb_array_length(coalesce(p_reviews, v.reviews))));
    END IF;
    IF v_what IN ('merged', 'closed') THEN PERFORM gate.end_pull(p_key); END IF;
    RETURN v_what;
END $$;

-- ---------------------------------------------------------------- rights
CREATE INDEX personas_action_pull_open ON public.personas_action (ticket_ref)
    WHERE verb = 'pull.open';
REVOKE ALL ON FUNCTION gate.order_told(public.pulls_followed), gate.end_pull(uuid),
    gate.pull_has_ended(), gate.retell_pulls(), gate.pulls_waiting(text), gate.follow_pulls(),
    gate.see_pull(uuid, text, text, text, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.retell_pulls(), gate.follow_pulls(),
    gate.see_pull(uuid, text, text, text, text, text, jsonb) TO ethops_app;
GRANT EXECUTE ON FUNCTION gate.pulls_waiting(text) TO ethops_executor;
GRANT SELECT ON public.pulls_followed TO ethops_app;
GRANT UPDATE (missing, seen_at) ON public.pulls_followed TO ethops_app;
GRANT SELECT, INSERT, UPDATE ON public.pulls_forgelook TO ethops_app;
