-- What iTop says of when things are due, and who may write the mirror. Frozen: a later change is
-- a new file and migration.

CREATE VIEW reading.itop_ticket AS
    SELECT m.ticket_id AS ref, m.itop_class, m.itop_id, m.itop_ref, m.status, m.tto_due_at,
           m.ttr_due_at, m.seen_at,
           (SELECT count(*) FROM public.itop_waiting w WHERE w.mirrored_id = m.ticket_id AND w.outage)
               AS waiting,
           (SELECT count(*) FROM public.itop_waiting w
             WHERE w.mirrored_id = m.ticket_id AND NOT w.outage) AS refused
    FROM public.itop_mirrored m;

GRANT SELECT ON reading.itop_ticket TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT, INSERT, UPDATE ON public.itop_mirrored TO ethops_app, ethops_executor;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.itop_waiting TO ethops_app, ethops_executor;
GRANT USAGE ON SEQUENCE public.itop_waiting_id_seq TO ethops_app, ethops_executor;
