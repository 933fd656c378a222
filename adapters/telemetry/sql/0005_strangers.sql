-- Hosts that write to a log of query results and have no CI there, by name: who collects notes them,
-- and whoever proposes what is no CI reads them. Frozen: a later change is a new file and migration.

CREATE VIEW reading.stranger AS
    SELECT name AS log, strangers FROM public.telemetry_querylog WHERE NOT retired;

-- Names that strangers give themselves are nothing for agents.
GRANT SELECT ON reading.stranger TO ethops_app;
GRANT UPDATE (strangers) ON public.telemetry_querylog TO ethops_app;
