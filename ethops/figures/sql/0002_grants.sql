-- Who may do what with restorations. Agents have no business here: when something was well again is
-- what probes saw, not what an agent says. Frozen: a later change is a new file and migration.

GRANT SELECT, INSERT ON public.figures_restoration TO ethops_app;
GRANT USAGE ON SEQUENCE public.figures_restoration_id_seq TO ethops_app;

CREATE FUNCTION public.figures_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: what was seen is never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER figures_restoration_append_only BEFORE UPDATE OR DELETE ON public.figures_restoration
    FOR EACH ROW EXECUTE FUNCTION public.figures_refuse_change();
CREATE TRIGGER figures_restoration_no_truncate BEFORE TRUNCATE ON public.figures_restoration
    FOR EACH STATEMENT EXECUTE FUNCTION public.figures_refuse_change();
ALTER TABLE public.figures_restoration ENABLE ALWAYS TRIGGER figures_restoration_append_only;
ALTER TABLE public.figures_restoration ENABLE ALWAYS TRIGGER figures_restoration_no_truncate;
