-- Who may do what with promises. Agents have no business here: nothing that they may reach holds,
-- moves or forgives a deadline.

GRANT SELECT, INSERT, UPDATE, DELETE ON public.sla_calendar, public.sla_service, public.sla_target
    TO ethops_app;
GRANT USAGE ON SEQUENCE public.sla_calendar_id_seq, public.sla_service_id_seq,
    public.sla_target_id_seq TO ethops_app;
GRANT SELECT ON public.sla_calendar, public.sla_service, public.sla_target TO ethops_executor;

-- What was promised stays as it was promised.
GRANT SELECT, INSERT ON public.sla_terms TO ethops_app, ethops_executor;
GRANT SELECT, INSERT, UPDATE ON public.sla_followed TO ethops_app, ethops_executor;
-- A projection: whoever moves tickets brings it up to date.
GRANT SELECT, INSERT, UPDATE, DELETE ON public.sla_stopwatch TO ethops_app, ethops_executor;
GRANT USAGE ON SEQUENCE public.sla_stopwatch_id_seq TO ethops_app, ethops_executor;
