-- Files kept with tickets, and who watches them: what may be read, and who may write. Frozen: a
-- later change is a new file and migration.

-- ---------------------------------------------------------------- append-only rows
CREATE TRIGGER tickets_attachment_append_only BEFORE UPDATE OR DELETE ON public.tickets_attachment
    FOR EACH ROW EXECUTE FUNCTION public.tickets_refuse_change();
CREATE TRIGGER tickets_attachment_no_truncate BEFORE TRUNCATE ON public.tickets_attachment
    FOR EACH STATEMENT EXECUTE FUNCTION public.tickets_refuse_change();
ALTER TABLE public.tickets_attachment ENABLE ALWAYS TRIGGER tickets_attachment_append_only;
ALTER TABLE public.tickets_attachment ENABLE ALWAYS TRIGGER tickets_attachment_no_truncate;

-- What came compressed is not compressed again, and is read in pieces.
ALTER TABLE public.tickets_attachment ALTER COLUMN content SET STORAGE EXTERNAL;

-- ---------------------------------------------------------------- reading
-- Agents see that a file is there, and not what is in it.
CREATE VIEW reading.attachment AS
    SELECT ticket_id AS ref, n, name, media_type, sha256, size, by, visibility, at
    FROM public.tickets_attachment;

CREATE VIEW reading.watcher AS
    SELECT ticket_id AS ref, person, address, why, id AS n FROM public.tickets_watcher;

-- ---------------------------------------------------------------- rights
GRANT SELECT ON reading.attachment TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON reading.watcher TO ethops_app, ethops_executor;
GRANT SELECT, INSERT ON public.tickets_attachment TO ethops_app;
GRANT SELECT, INSERT, DELETE ON public.tickets_watcher TO ethops_app;
GRANT USAGE ON SEQUENCE public.tickets_attachment_id_seq, public.tickets_watcher_id_seq
    TO ethops_app;
