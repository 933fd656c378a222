-- Who may use which door; the same roles as before.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    gate.claim_step(text, double precision, uuid, bytea),
    gate.propose(uuid, text, int, text, text, text, text, text, text, text, text),
    gate.finish_step(uuid, bigint, text, text, text, jsonb, text, double precision, text, text,
        text),
    gate.ask_model(uuid, bigint, text, text, text, int, double precision, text, text)
    TO ethops_agent;
GRANT EXECUTE ON FUNCTION
    gate.claim_effect(text, text, double precision),
    gate.claim_doubt(text, double precision, uuid[])
    TO ethops_executor;
GRANT EXECUTE ON FUNCTION gate.overdue(), gate.abandon(uuid), gate.redact(text, text, text)
    TO ethops_app;
GRANT SELECT ON public.personas_incarnation TO ethops_app;
