-- Who may use which of the new doors.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    gate.submit_intent(text, text, int, jsonb, text, jsonb, text, text, text, int, text, text),
    gate.queue(),
    gate.queue_position(uuid),
    gate.estimated_start_s(text, int),
    gate.set_environment(text, int, int, text, text),
    gate.control_run(uuid, text, text, text),
    gate.isolate_card(text, text, text),
    gate.release_card(text, text, text),
    gate.judge_again(uuid),
    gate.checkpoints(uuid),
    gate.checkpoint(uuid)
    TO ethops_app;
GRANT EXECUTE ON FUNCTION gate.called_off(uuid) TO ethops_executor;
GRANT SELECT ON public.personas_environment, public.personas_isolatedcard,
    public.personas_transition TO ethops_app;

-- A request's time bounds the run from its start; while it waits for a place it is not used up.
CREATE OR REPLACE FUNCTION agentops.requested(p_intent uuid, p_principal text, p_key text,
    p_body_sha256 text, p_prompt text, p_max_duration_s int, p_tenant text, p_position int,
    p_start_s int)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record;
BEGIN
    INSERT INTO public.agentops_request (intent_id, principal, idempotency_key, body_sha256,
        prompt, max_duration_s, tenant_id, queue_position, estimated_start_s)
    VALUES (p_intent, p_principal, p_key, p_body_sha256, p_prompt, p_max_duration_s, p_tenant,
        p_position, p_start_s);
    SELECT i.card_id, i.ticket_ref, i.priority INTO STRICT v
      FROM public.personas_agentintent i WHERE i.id = p_intent;
    PERFORM audit.put_pending('person.asked_run', p_intent::text, v.ticket_ref,
        jsonb_build_object('person', p_principal, 'intent', p_intent, 'card', v.card_id,
            'priority', v.priority, 'max_duration_s', p_max_duration_s, 'tenant', p_tenant,
            'prompt_sha256', gate.sha256_hex(p_prompt)));
END $$;
