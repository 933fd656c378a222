-- What a run has read, and what it may still do after it. When a run is born the gate fixes what
-- code would offer it: verbs, entries and targets of its card's grants on the CIs of its intent, none
-- of them from a text. Then it notes where text has come to it from. Both follow from what the doors
-- see; an agent can add a taint and nothing else.

CREATE FUNCTION gate.trust_rank(p_trust text) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(ARRAY['declared', 'person', 'host', 'outside'], p_trust)
$$;

-- A taint is never taken back, and never becomes better.
CREATE FUNCTION gate.keep_taint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.run_id <> OLD.run_id OR NEW.source <> OLD.source
            OR NEW.at <> OLD.at OR NEW.id <> OLD.id
            OR gate.trust_rank(NEW.trust) < gate.trust_rank(OLD.trust) THEN
        RAISE EXCEPTION 'what a run has read is not taken back: % refused', TG_OP
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_taint BEFORE UPDATE OR DELETE ON public.approvals_taint
    FOR EACH ROW EXECUTE FUNCTION gate.keep_taint();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.approvals_taint
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE public.approvals_taint ENABLE ALWAYS TRIGGER keep_taint;
ALTER TABLE public.approvals_taint ENABLE ALWAYS TRIGGER no_truncate;

-- Notes that a run has read something; a source that is known can only turn out worse.
CREATE FUNCTION gate.taint(p_run uuid, p_source text, p_trust text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_ticket text; v_new boolean;
BEGIN
    -- A trust that nobody knows is the worst there is.
    IF gate.trust_rank(p_trust) IS NULL THEN p_trust := 'outside'; END IF;
    SELECT ticket_ref INTO v_ticket FROM public.personas_run WHERE id = p_run;
    IF NOT FOUND THEN RETURN; END IF;
    INSERT INTO public.approvals_taint AS t (run_id, source, trust)
    VALUES (p_run, left(p_source, 120), p_trust)
    ON CONFLICT (run_id, source) DO UPDATE SET trust = excluded.trust
     WHERE gate.trust_rank(excluded.trust) > gate.trust_rank(t.trust)
    RETURNING true INTO v_new;
    IF v_new THEN
        PERFORM audit.put_pending('run.tainted', p_run::text, v_ticket,
            jsonb_build_object('source', left(p_source, 120), 'trust', p_trust));
    END IF;
END $$;

-- The worst that a run has read; `declared` where it has read nothing.
CREATE FUNCTION gate.taint_of(p_run uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT trust FROM public.approvals_taint WHERE run_id = p_run
                      ORDER BY gate.trust_rank(trust) DESC LIMIT 1), 'declared')
$$;

-- What code would offer a run of this card on this intent.
CREATE FUNCTION gate.offers(p_run public.personas_run) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('verb', o.verb, 'entry', o.entry,
                                                          'target', o.target)), '[]'::jsonb)
      FROM (
        SELECT g.verb, '' AS entry, (p_run).ticket_ref AS target
          FROM public.personas_grant g
         WHERE g.card_id = (p_run).card_id AND g.verb LIKE 'ticket.%'
        UNION ALL
        SELECT g.verb, g.entry, c.ref
          FROM public.personas_grant g
          JOIN public.personas_agentintent i ON i.id = (p_run).intent_id AND i.joined = 'joined'
          JOIN public.cmdb_ci c ON i.scope ? c.ref AND NOT c.retired
               AND g.ci_class IN ('', c.ci_class)
         WHERE g.card_id = (p_run).card_id AND g.verb NOT LIKE 'ticket.%') o
$$;

-- Before the run has read anything, whoever bears it.
CREATE FUNCTION gate.fix_plan() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_offers jsonb := gate.offers(NEW); v_inputs jsonb;
BEGIN
    INSERT INTO public.approvals_runplan (run_id, offers, digest)
    VALUES (NEW.id, v_offers, gate.sha256_hex(v_offers::text));
    PERFORM audit.put_pending('run.planned', NEW.id::text, NEW.ticket_ref, jsonb_build_object(
        'card', NEW.card_id, 'plan_sha256', gate.sha256_hex(v_offers::text),
        'offers', jsonb_array_length(v_offers)));
    SELECT inputs INTO v_inputs FROM public.personas_agentintent WHERE id = NEW.intent_id;
    IF coalesce(v_inputs -> 'alert', '{}') NOT IN ('{}', 'null') THEN
        PERFORM gate.taint(NEW.id, 'alert', 'outside');
    END IF;
    IF EXISTS (SELECT 1 FROM public.tickets_logline
                WHERE ticket_id = NEW.ticket_ref AND tainted) THEN
        PERFORM gate.taint(NEW.id, 'ticket', 'outside');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER fix_plan AFTER INSERT ON public.personas_run
    FOR EACH ROW EXECUTE FUNCTION gate.fix_plan();
ALTER TABLE public.personas_run ENABLE ALWAYS TRIGGER fix_plan;

-- What a host, or a person, has answered is put before the run's next question.
CREATE FUNCTION gate.taint_by_answer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- A person's no comes the same way as what a host has said.
    IF NEW.result ? 'approval' THEN
        PERFORM gate.taint(NEW.run_id, 'answer of a person', 'person');
    ELSE
        PERFORM gate.taint(NEW.run_id, left('host ' || NEW.target, 120), 'host');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER taint_by_answer AFTER UPDATE OF result ON public.personas_action
    FOR EACH ROW WHEN (NEW.run_id IS NOT NULL AND NEW.verb NOT LIKE 'ticket.%'
                       AND coalesce(NEW.result ->> 'said', '') <> ''
                       AND NEW.result IS DISTINCT FROM OLD.result)
    EXECUTE FUNCTION gate.taint_by_answer();
ALTER TABLE public.personas_action ENABLE ALWAYS TRIGGER taint_by_answer;

-- A run that has read what is not declared keeps what was fixed before, or comments, or escalates.
CREATE FUNCTION gate.guard_taint(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN gate.taint_of((p).run.id) = 'declared' THEN NULL
        WHEN (p).verb IN ('ticket.comment', 'ticket.escalate') THEN NULL
        WHEN EXISTS (SELECT 1 FROM public.approvals_runplan f
                      WHERE f.run_id = (p).run.id AND f.offers @> jsonb_build_array(
                          jsonb_build_object('verb', (p).verb, 'entry', (p).entry,
                                             'target', (p).target))) THEN NULL
        ELSE format('the run has read what others wrote, and %s was not planned before it',
                    btrim(concat_ws(' ', (p).verb, (p).entry, 'on', (p).target))) END
$$;
