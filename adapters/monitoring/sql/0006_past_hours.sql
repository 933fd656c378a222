-- What a probe's value was, hour by hour, for whoever reads, and who may write it. Frozen: a later
-- change is a new file and migration.

CREATE VIEW reading.past_hour AS
    SELECT probe_id AS probe, begin, low, middle, high, points FROM public.monitoring_pasthour;

GRANT SELECT ON reading.past_hour TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT, INSERT, DELETE ON public.monitoring_pasthour TO ethops_app;
GRANT USAGE ON SEQUENCE public.monitoring_pasthour_id_seq TO ethops_app;
