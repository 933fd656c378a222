-- As before, but which run a run comes of is no text from outside: it taints nobody. Frozen: a later
-- change is a new file and migration.
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
           AND i.key NOT IN ('first_question', 'slot', 'escalates_to', 'asked_by', 'parent_run')
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
