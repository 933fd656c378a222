-- What became of events, which only the app role touches; a window, once declared, only ends.

GRANT SELECT, UPDATE ON public.desk_eventpolicy TO ethops_app;

GRANT SELECT, INSERT ON public.desk_maintenancewindow TO ethops_app;
GRANT UPDATE (ends_at, ended_by, closed_at) ON public.desk_maintenancewindow TO ethops_app;
GRANT USAGE ON SEQUENCE public.desk_maintenancewindow_id_seq TO ethops_app;

GRANT SELECT, INSERT, UPDATE ON public.desk_flapping TO ethops_app;

GRANT SELECT, INSERT ON public.desk_storm TO ethops_app;
GRANT UPDATE (settled_at) ON public.desk_storm TO ethops_app;
