-- What osquery found on hosts: who may write it, and what everybody may read. Frozen: a later change
-- is a new file and migration.

CREATE VIEW reading.query_log AS
    SELECT name, path, read_at, unread, unplaced, lost_at, fault
    FROM public.telemetry_querylog WHERE NOT retired;

CREATE VIEW reading.query_result AS
    SELECT ci, query, action, at, seen_at, counter, rows, whole FROM public.telemetry_result;

GRANT SELECT ON reading.query_log, reading.query_result
    TO ethops_app, ethops_executor, ethops_agent;

-- Logs are declared by the owner; who collects says how far he has come. Results are no evidence of
-- what our keys did: they are forgotten by age, and beyond a CI's share.
GRANT SELECT ON public.telemetry_querylog TO ethops_app;
GRANT UPDATE (position, read_at, unread, unplaced, lost_at, fault)
    ON public.telemetry_querylog TO ethops_app;
GRANT SELECT, INSERT, DELETE ON public.telemetry_result TO ethops_app;
