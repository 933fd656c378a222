-- Who may use which door of this room.

REVOKE ALL ON FUNCTION gate.policy(text), gate.is_change(text), gate.run_limits(uuid),
    gate.count_tokens(), gate.depth_of(uuid), gate.over_limit(uuid), gate.end_over_limit(),
    gate.guard_depth(), gate.ticket_is_full(text), gate.anomalies(timestamptz),
    gate.probe_is_out(), gate.guard_claim(), gate.breaker_open(),
    gate.move_breaker(text, text, text, text, text), gate.mind_breaker(),
    gate.note_breaker_ticket(timestamptz, text), gate.close_breaker(text, text),
    gate.open_breaker(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.policy(text), gate.run_limits(uuid), gate.end_over_limit(),
    gate.ticket_is_full(text), gate.anomalies(timestamptz), gate.mind_breaker(),
    gate.note_breaker_ticket(timestamptz, text), gate.close_breaker(text, text),
    gate.open_breaker(text, text) TO ethops_app;
GRANT EXECUTE ON FUNCTION gate.breaker_open() TO ethops_app, ethops_executor;
GRANT SELECT ON public.autonomy_policy, public.autonomy_spent, public.autonomy_breaker,
    public.autonomy_judgement, public.autonomy_change, public.autonomy_evaluated TO ethops_app;
