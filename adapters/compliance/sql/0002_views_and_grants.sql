-- What everybody may read of compliance, who may write it, and what nobody changes. Frozen: a later
-- change is a new file and migration.

CREATE SCHEMA IF NOT EXISTS reading;

CREATE VIEW reading.observation AS
    SELECT id, kind, safeguard, scope, outcome, said, source, collected_at, expires_at, raw_sha256
    FROM public.compliance_observation;

CREATE VIEW reading.exemption AS
    SELECT safeguard, scope, reason, said_by, said_at, until FROM public.compliance_exemption;

GRANT USAGE ON SCHEMA reading TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON reading.observation, reading.exemption
    TO ethops_app, ethops_executor, ethops_agent;

-- Who collects adds observations; that something does not apply is the owner's to write.
GRANT SELECT, INSERT ON public.compliance_observation TO ethops_app;
GRANT SELECT ON public.compliance_exemption TO ethops_app;

-- Evidence is added to, by anybody: not even the owner of the tables edits or takes away.
CREATE FUNCTION public.compliance_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only added to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON public.compliance_observation
    FOR EACH ROW EXECUTE FUNCTION public.compliance_is_kept();
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON public.compliance_exemption
    FOR EACH ROW EXECUTE FUNCTION public.compliance_is_kept();
