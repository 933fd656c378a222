-- What came over the bus: who may write it, and what everybody may read. Frozen: a later change is
-- a new file and migration.

-- Without what a letter held: whoever sent it is nobody we know.
CREATE VIEW reading.dead_letter AS
    SELECT id, at, routing_key, why, size FROM public.telemetry_deadletter;

GRANT SELECT ON reading.dead_letter TO ethops_app, ethops_executor, ethops_agent;

-- Neither is evidence of what our keys did: both are forgotten by age.
GRANT SELECT, INSERT, DELETE ON public.telemetry_parcel, public.telemetry_deadletter TO ethops_app;
