-- The fleet's breaker: opens by itself, lets one change at a time through after a calm, and closes
-- after as many good ones as the site declares, or by a named person.

CREATE INDEX autonomy_denied ON public.personas_action (decided_at) WHERE verdict = 'denied';
CREATE INDEX autonomy_failed ON public.personas_action (settled_at) WHERE outcome = 'failed';
CREATE INDEX autonomy_changed ON public.personas_action (decided_at)
    WHERE verdict = 'authorised' AND verb NOT LIKE 'ticket.%' AND verb <> 'notify';
CREATE INDEX autonomy_hit ON public.personas_run (ended_at) WHERE limit_hit <> '';

-- What has gone wrong since then, by rule. What the stop and the breaker themselves refused or cut
-- off says nothing of the fleet.
CREATE FUNCTION gate.anomalies(p_since timestamptz)
RETURNS TABLE (rule text, seen bigint, most double precision, newest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT 'failed', count(*), gate.policy('breaker_failed'), max(at) FROM (
        SELECT settled_at AS at FROM public.personas_action
         WHERE outcome = 'failed' AND settled_at > p_since AND gate.is_change(verb)
           AND result ->> 'code' IS DISTINCT FROM 'executor.stopped'
        UNION ALL
        SELECT w.claimed_at FROM public.audit_work w
          JOIN public.personas_action a ON a.id = w.id
         WHERE w.kind = 'effect' AND w.state = 'in_doubt' AND w.claimed_at > p_since
           AND gate.is_change(a.verb)) bad
    UNION ALL
    SELECT 'denied', count(*), gate.policy('breaker_denied'), max(decided_at)
      FROM public.personas_action
     WHERE verdict = 'denied' AND decided_at > p_since
       AND guard NOT IN ('stop', 'breaker', 'run', 'token')
    UNION ALL
    SELECT 'abandoned', count(*), gate.policy('breaker_abandoned'), max(ended_at)
      FROM public.personas_run WHERE limit_hit <> '' AND ended_at > p_since
$$;

-- Whether a change is on its way now.
CREATE FUNCTION gate.probe_is_out() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.audit_work w JOIN public.personas_action a ON a.id = w.id
                    WHERE w.kind = 'effect' AND w.state IN ('leased', 'in_doubt')
                      AND gate.is_change(a.verb))
$$;

-- True while no change may begin: open, or half open with one on its way.
CREATE FUNCTION gate.breaker_open() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT state = 'open' OR (state = 'half_open' AND gate.probe_is_out())
                       FROM public.autonomy_breaker WHERE id = 1), false)
$$;

CREATE FUNCTION gate.move_breaker(p_from text, p_to text, p_rule text, p_reason text, p_by text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE public.autonomy_breaker
       SET state = p_to, rule = p_rule, reason = p_reason, by = p_by, since = clock_timestamp(),
           ticket_ref = CASE WHEN p_to = 'open' THEN '' ELSE ticket_ref END,
           closed_at = CASE WHEN p_to = 'closed' THEN clock_timestamp() ELSE closed_at END
     WHERE id = 1 AND state = p_from;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM audit.put_pending('breaker.moved', 'ethops', '', jsonb_build_object(
        'state', p_to, 'before', p_from, 'rule', p_rule, 'why', left(p_reason, 500),
        'by', p_by));
    -- Who waits for it looks again.
    IF p_to <> 'open' THEN PERFORM pg_notify('ethops_ready', ''); END IF;
    RETURN true;
END $$;

-- Looks at what went wrong lately and moves the breaker; returns the state it has then.
CREATE FUNCTION gate.mind_breaker() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.autonomy_breaker%ROWTYPE; v_bad record; v_since timestamptz; v_probes bigint;
    v_window interval := make_interval(secs => gate.policy('breaker_window_s'));
    v_calm double precision := gate.policy('breaker_calm_s');
BEGIN
    SELECT * INTO v FROM public.autonomy_breaker WHERE id = 1;
    IF NOT FOUND THEN
        INSERT INTO public.autonomy_breaker (id) VALUES (1) ON CONFLICT DO NOTHING;
        SELECT * INTO STRICT v FROM public.autonomy_breaker WHERE id = 1;
    END IF;
    -- Half open, one thing that goes wrong is enough.
    v_since := CASE v.state WHEN 'half_open' THEN v.since
        ELSE greatest(clock_timestamp() - v_window, v.closed_at) END;
    SELECT * INTO v_bad FROM gate.anomalies(v_since) a
     WHERE a.seen >= CASE WHEN v.state = 'half_open' AND a.rule = 'failed' THEN 1 ELSE a.most END
     ORDER BY a.seen / greatest(a.most, 1) DESC LIMIT 1;
    IF v.state <> 'open' AND FOUND THEN
        PERFORM gate.move_breaker(v.state, 'open', v_bad.rule, format(
            '%s times %s within %s s, and at most %s is bearable', v_bad.seen, v_bad.rule,
            round(extract(epoch FROM clock_timestamp() - v_since)), v_bad.most), '');
    ELSIF v.state = 'open' AND v_calm > 0 AND greatest(v.since,
            (SELECT max(newest) FROM gate.anomalies(clock_timestamp() - v_window)))
            < clock_timestamp() - make_interval(secs => v_calm) THEN
        PERFORM gate.move_breaker('open', 'half_open', v.rule, format(
            'nothing went wrong for %s s: one change at a time is tried', v_calm), '');
    ELSIF v.state = 'half_open' THEN
        SELECT count(*) INTO v_probes FROM public.personas_action a
         WHERE a.outcome = 'done' AND a.settled_at > v.since AND gate.is_change(a.verb);
        IF v_probes >= gate.policy('breaker_probes') THEN
            PERFORM gate.move_breaker('half_open', 'closed', v.rule,
                format('%s changes in a row went well', v_probes), 'itself');
        END IF;
    END IF;
    RETURN (SELECT state FROM public.autonomy_breaker WHERE id = 1);
END $$;

-- The ticket that a person was given about it; false where it has one or is not open.
CREATE FUNCTION gate.note_breaker_ticket(p_since timestamptz, p_ticket text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE public.autonomy_breaker SET ticket_ref = left(p_ticket, 40)
     WHERE id = 1 AND state = 'open' AND since = p_since AND ticket_ref = '';
    RETURN FOUND;
END $$;

CREATE FUNCTION gate.close_breaker(p_by text, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_state text;
BEGIN
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'the breaker is closed by a named person, with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT state INTO v_state FROM public.autonomy_breaker WHERE id = 1 FOR UPDATE;
    IF v_state IS NULL OR v_state = 'closed' THEN RETURN false; END IF;
    RETURN gate.move_breaker(v_state, 'closed', '', left(p_why, 2000), left(p_by, 150));
END $$;

-- A person may also open it: less than the stop, since comments and escalations go on.
CREATE FUNCTION gate.open_breaker(p_by text, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_state text := gate.mind_breaker();
BEGIN
    IF coalesce(btrim(p_by), '') = '' OR coalesce(btrim(p_why), '') = '' THEN
        RAISE EXCEPTION 'the breaker is opened by a named person, with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN v_state <> 'open'
       AND gate.move_breaker(v_state, 'open', 'person', left(p_why, 2000), left(p_by, 150));
END $$;

-- As before, and: a change while the breaker is open, and more than one while it is half open.
CREATE OR REPLACE FUNCTION gate.held_back(p_action uuid, p_entry_seq bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN gate.breaker_open() AND gate.is_change(
                (SELECT verb FROM public.personas_action WHERE id = p_action))
            THEN 'waits: the breaker of the fleet is open'
        WHEN NOT gate.is_risky(p_action) THEN NULL
        WHEN NOT audit.trusted() THEN 'waits until a person acknowledges what is wrong with the ledger'
        WHEN p_entry_seq > audit.witnessed_size() THEN 'waits for a witness'
    END
$$;

-- Whoever claims, by whatever door: no change while the breaker is open, and half open one at a
-- time, also where two ask in the same instant. The claim then finds nothing.
CREATE FUNCTION gate.guard_claim() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_state text;
BEGIN
    SELECT state INTO v_state FROM public.autonomy_breaker WHERE id = 1;
    IF v_state IS NULL OR v_state = 'closed' OR NOT gate.is_change(
            (SELECT verb FROM public.personas_action WHERE id = NEW.id)) THEN
        RETURN NEW;
    END IF;
    PERFORM 1 FROM public.autonomy_breaker WHERE id = 1 FOR UPDATE;
    RETURN CASE WHEN gate.breaker_open() THEN NULL ELSE NEW END;
END $$;
CREATE TRIGGER guard_claim BEFORE UPDATE ON public.audit_work
    FOR EACH ROW WHEN (NEW.kind = 'effect' AND NEW.state = 'leased' AND OLD.state = 'ready')
    EXECUTE FUNCTION gate.guard_claim();
ALTER TABLE public.audit_work ENABLE ALWAYS TRIGGER guard_claim;
