-- What stands on what, readable by everybody; only the owner writes it, as all of the mirror.
-- Frozen: a later change is a new file and migration.

CREATE VIEW reading.relation AS
    SELECT dependent, support, kind, source, confidence, changed_at, seen_at, fresh_until, gone
    FROM public.cmdb_relation;

GRANT SELECT ON reading.relation TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON public.cmdb_relation TO ethops_app, ethops_executor;
