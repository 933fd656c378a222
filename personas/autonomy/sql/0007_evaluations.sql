-- Evaluations are written once, by who loads and asks as the owner. Frozen: a later change is a new
-- file and migration.

CREATE TRIGGER write_once BEFORE UPDATE OR DELETE ON public.autonomy_evaluation
    FOR EACH ROW EXECUTE FUNCTION gate.write_once();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.autonomy_evaluation
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE public.autonomy_evaluation ENABLE ALWAYS TRIGGER write_once;
ALTER TABLE public.autonomy_evaluation ENABLE ALWAYS TRIGGER no_truncate;
GRANT SELECT ON public.autonomy_evaluation TO ethops_app;
