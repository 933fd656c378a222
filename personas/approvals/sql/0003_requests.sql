-- As before, and: who has asked for the run over the API.
CREATE OR REPLACE FUNCTION gate.behind(p_run uuid, p_tree_hash text) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH run AS (
        SELECT r.*, i.inputs FROM public.personas_run r
          JOIN public.personas_agentintent i ON i.id = r.intent_id WHERE r.id = p_run),
    words AS (
        SELECT l.n, l.author FROM public.tickets_logline l JOIN run ON l.ticket_id = run.ticket_ref
         WHERE l.author_kind = 'person' AND l.at <= run.created_at)
    SELECT coalesce(array_agg(DISTINCT who ORDER BY who), '{}') FROM (
        SELECT inputs ->> 'asked_by' AS who FROM run
        UNION SELECT regexp_replace(q.principal, '^person:', '') FROM public.agentops_request q
                JOIN run ON q.intent_id = run.intent_id
        UNION SELECT author FROM words WHERE n = 1
        UNION SELECT author FROM words WHERE n = (SELECT max(n) FROM words)
        UNION SELECT a.person FROM public.approvals_author a
               WHERE a.kind = 'tree' AND a.digest = p_tree_hash
        UNION SELECT a.person FROM public.approvals_author a, run
                JOIN public.personas_card c ON c.name = run.card_id
               WHERE a.kind = 'card' AND a.digest = c.digest) found
     WHERE coalesce(btrim(who), '') <> ''
$$;

-- As before, and: whatever else a dispatcher passes on is text of others, but for what is named here.
CREATE OR REPLACE FUNCTION gate.fix_plan() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_offers jsonb := gate.offers(NEW); v_source text;
BEGIN
    INSERT INTO public.approvals_runplan (run_id, offers, digest)
    VALUES (NEW.id, v_offers, gate.sha256_hex(v_offers::text));
    PERFORM audit.put_pending('run.planned', NEW.id::text, NEW.ticket_ref, jsonb_build_object(
        'card', NEW.card_id, 'plan_sha256', gate.sha256_hex(v_offers::text),
        'offers', jsonb_array_length(v_offers)));
    FOR v_source IN
        SELECT i.key FROM public.personas_agentintent n, jsonb_each(n.inputs) i
         WHERE n.id = NEW.intent_id
           AND i.key NOT IN ('first_question', 'slot', 'escalates_to', 'asked_by')
           AND i.value NOT IN ('{}', 'null', '""', '[]') ORDER BY i.key
    LOOP
        PERFORM gate.taint(NEW.id, v_source, 'outside');
    END LOOP;
    IF EXISTS (SELECT 1 FROM public.tickets_logline
                WHERE ticket_id = NEW.ticket_ref AND tainted) THEN
        PERFORM gate.taint(NEW.id, 'ticket', 'outside');
    END IF;
    RETURN NULL;
END $$;
