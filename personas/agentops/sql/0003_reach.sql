-- Events follow what redaction does to reasons too; words of a request are kept only while its run
-- needs them: afterwards they stand in its ticket, where redaction reaches them.

CREATE OR REPLACE FUNCTION agentops.follow_action() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- Asked here and not in the trigger's own condition, which would nail the columns' types down.
    IF NEW.run_id IS NULL OR (OLD.args = NEW.args AND OLD.result = NEW.result
                              AND OLD.outcome = NEW.outcome AND OLD.reason = NEW.reason) THEN
        RETURN NULL;
    END IF;
    UPDATE public.agentops_agentevent
       SET tool_calls = agentops.tool_calls(NEW.run_id), revision = revision + 1,
           published_at = NULL
     WHERE session_id = NEW.run_id;
    RETURN NULL;
END $$;

CREATE FUNCTION agentops.forget_prompt() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE public.agentops_request SET prompt = '' WHERE intent_id = NEW.intent_id;
    UPDATE public.personas_agentintent SET inputs = inputs - 'request'
     WHERE id = NEW.intent_id AND inputs ? 'request';
    RETURN NULL;
END $$;
CREATE TRIGGER forget_prompt AFTER UPDATE OF ended_at ON public.personas_run
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION agentops.forget_prompt();

REVOKE ALL ON FUNCTION agentops.forget_prompt() FROM PUBLIC;
