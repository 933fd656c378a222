-- Who may read the rows and use the doors.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
GRANT SELECT ON public.guardrails_rule, public.guardrails_commandscope,
    public.guardrails_cardapproval TO ethops_app;
GRANT EXECUTE ON FUNCTION gate.approve_card(text, text, text, text, text),
    gate.card_approved(text) TO ethops_app;
GRANT EXECUTE ON FUNCTION gate.judge_in_hand(uuid), gate.scope_in_hand(uuid) TO ethops_executor;

-- What agents may know of their own scopes.
CREATE VIEW reading.command_scope AS
    SELECT card_id AS card, name, risk, commands, options FROM public.guardrails_commandscope;
GRANT SELECT ON reading.command_scope TO ethops_agent, ethops_app, ethops_executor;

-- What runs have asked for by command, and what came of it.
CREATE VIEW reading.command AS
    SELECT a.run_id, a.key, a.entry, a.verdict, a.outcome, a.decided_at,
           coalesce(nullif(a.reason, ''), CASE WHEN a.outcome = 'failed'
                    THEN a.result ->> 'said' END, '') AS reason,
           coalesce(nullif(a.result #>> '{report,out}', ''), a.result #>> '{report,err}', '') AS out
      FROM public.personas_action a WHERE a.verb = 'command.run' AND a.run_id IS NOT NULL;
GRANT SELECT ON reading.command TO ethops_agent, ethops_app;
