-- What agents may read of the monitoring, and who may write it. Frozen: a later change is a
-- new file and migration.

CREATE SCHEMA IF NOT EXISTS reading;

CREATE VIEW reading.probe AS
    SELECT p.name, p.ci_ref, p.kind, p.params, p.interval_s, p.bad_after, p.good_after,
           p.alertname, p.severity, p.host, p.retired,
           coalesce(a.status, 'quiet') AS alert_status, a.last_symptom, a.first_bad_at,
           a.good_since, a.last_sample_at
    FROM public.monitoring_probe p
    LEFT JOIN public.monitoring_alertstate a ON a.probe_id = p.name;

CREATE VIEW reading.sample AS
    SELECT s.probe_id AS probe, p.ci_ref, s.at, s.ok, s.symptom, s.value, s.unit, s.detail
    FROM public.monitoring_sample s
    JOIN public.monitoring_probe p ON p.name = s.probe_id;

GRANT USAGE ON SCHEMA reading TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON reading.probe, reading.sample TO ethops_app, ethops_executor, ethops_agent;

GRANT SELECT ON public.monitoring_probe, public.monitoring_sample, public.monitoring_alertstate
    TO ethops_app, ethops_executor;
-- A probe is declared by the owner; who sweeps may say when it is due and who runs it.
GRANT UPDATE (next_due_at, lease_until) ON public.monitoring_probe TO ethops_app;
GRANT INSERT, DELETE ON public.monitoring_sample TO ethops_app;
GRANT INSERT, UPDATE ON public.monitoring_alertstate TO ethops_app;
GRANT USAGE ON SEQUENCE public.monitoring_sample_id_seq TO ethops_app;
