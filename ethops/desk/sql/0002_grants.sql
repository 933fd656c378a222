-- The desk's rows, which only the app role touches.

GRANT SELECT, INSERT, UPDATE ON public.desk_sender, public.desk_event TO ethops_app;
GRANT SELECT, INSERT ON public.desk_delivery TO ethops_app;
-- What was delivered stays as it was delivered.
GRANT UPDATE (state, repeats, last_at) ON public.desk_delivery TO ethops_app;
GRANT SELECT, INSERT, DELETE ON public.desk_occasion TO ethops_app;
