-- Who may use which door of the gate.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
GRANT USAGE ON SCHEMA gate TO ethops_app, ethops_agent, ethops_executor;

GRANT EXECUTE ON FUNCTION
    gate.claim_step(text, double precision),
    gate.propose(uuid, text, int, text, text, text, text, jsonb),
    gate.finish_step(uuid, bigint, text, jsonb, jsonb, jsonb, text, double precision, text),
    gate.release_step(uuid, bigint, text)
    TO ethops_agent;

GRANT EXECUTE ON FUNCTION
    gate.claim_effect(text, text, double precision),
    gate.settle(uuid, bigint, text, jsonb),
    gate.claim_doubt(text, double precision, uuid[]),
    gate.resolve_doubt(uuid, bigint, text, jsonb)
    TO ethops_executor;

GRANT EXECUTE ON FUNCTION
    gate.dispatch(text, text, int, jsonb, text, jsonb, text),
    gate.order_notice(text, text, text, jsonb),
    gate.take_over(text, text, text),
    gate.press_stop(text, text),
    gate.lift_stop(text, text),
    gate.set_autonomy(text, text, text, text, text, text),
    gate.person_settles(uuid, text, text, text),
    gate.reconcile()
    TO ethops_app;
GRANT EXECUTE ON FUNCTION gate.stopped() TO ethops_app, ethops_agent, ethops_executor;

GRANT SELECT ON public.personas_card, public.personas_grant, public.personas_catalogueentry,
    public.personas_autonomy, public.personas_agentintent, public.personas_run,
    public.personas_step, public.personas_action, public.personas_stop TO ethops_app;
GRANT SELECT ON reading.catalogue, reading.card, reading.past_action
    TO ethops_agent, ethops_app, ethops_executor;
