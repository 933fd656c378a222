-- What is asked by the door alone, whose path is pinned, needs neither a path nor rights of its own:
-- setting them cost more than most of these look at.
ALTER FUNCTION gate.guard_uses(gate.ask) SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.guard_command(gate.ask) SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.guard_command_uses(gate.ask) SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.guard_arguments(gate.ask) SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.guard_duplicate(gate.ask) SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.guard_questions(gate.ask) SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.level_of(gate.ask) SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.confidence_ceiling(gate.ask) SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.weighed(gate.decision, public.personas_run, text, text, text)
    SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.time_to_act(text, text) SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.risk_of(text, text, text) SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.change_class(text, text) SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.firing(jsonb) SECURITY INVOKER RESET ALL;
ALTER FUNCTION gate.only_looks(text, text) RESET ALL;
ALTER FUNCTION gate.family(text, jsonb) RESET ALL;
ALTER FUNCTION gate.argv_facts(text[]) RESET ALL;
ALTER FUNCTION gate.words_of(jsonb) RESET ALL;
ALTER FUNCTION gate.says(jsonb, text) RESET ALL;
ALTER FUNCTION gate.is_bounded(jsonb, jsonb, boolean) RESET ALL;
ALTER FUNCTION gate.members(jsonb) RESET ALL;
ALTER FUNCTION gate.matches(jsonb, jsonb) RESET ALL;
ALTER FUNCTION gate.all_hold(jsonb, jsonb) RESET ALL;
ALTER FUNCTION gate.rule_fires(public.guardrails_rule, jsonb) RESET ALL;
ALTER FUNCTION gate.asked(public.personas_run, text, text, text, text, jsonb)
    SECURITY INVOKER RESET ALL;
DROP FUNCTION gate.has_rules(gate.ask, boolean);

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
