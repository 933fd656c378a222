-- What agents may read of the mirror, and who may read it at all: only its owner writes it.
-- Frozen: a later change is a new file and migration.

CREATE SCHEMA IF NOT EXISTS reading;

CREATE VIEW reading.ci AS
    SELECT ref, name, ci_class, attributes, impact, urgency, user_facing, lifeline,
           coalesce(inventory_host_id, '') AS host, source, managed_by, retired
    FROM public.cmdb_ci;

CREATE VIEW reading.host AS
    SELECT name, connection, address, "user", port, python, retired FROM public.cmdb_host;

CREATE VIEW reading.join_rule AS
    SELECT name, ordinal, conditions FROM public.cmdb_joinrule;

GRANT USAGE ON SCHEMA reading TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON reading.ci, reading.host, reading.join_rule
    TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON public.cmdb_ci, public.cmdb_host, public.cmdb_joinrule
    TO ethops_app, ethops_executor;
