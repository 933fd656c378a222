-- Who may let guests in. A link's hash opens nothing; who makes it alone has seen its secret.

GRANT SELECT, INSERT ON public.guests_link TO ethops_app;
GRANT UPDATE (revoked_at, revoked_by) ON public.guests_link TO ethops_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.guests_knock TO ethops_app;
GRANT USAGE ON SEQUENCE public.guests_knock_id_seq TO ethops_app;
