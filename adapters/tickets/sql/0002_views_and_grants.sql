-- Refs, the worklog's guard, what agents may read, and who may write. Frozen: a later change
-- is a new file and migration.

CREATE SEQUENCE public.tickets_incident_ref;
CREATE SEQUENCE public.tickets_change_ref;

-- ---------------------------------------------------------------- append-only rows
CREATE FUNCTION public.tickets_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'Write a further worklog line that corrects the earlier one.';
END $$;

CREATE TRIGGER tickets_logline_append_only BEFORE UPDATE OR DELETE ON public.tickets_logline
    FOR EACH ROW EXECUTE FUNCTION public.tickets_refuse_change();
CREATE TRIGGER tickets_logline_no_truncate BEFORE TRUNCATE ON public.tickets_logline
    FOR EACH STATEMENT EXECUTE FUNCTION public.tickets_refuse_change();
CREATE TRIGGER tickets_deed_append_only BEFORE UPDATE OR DELETE ON public.tickets_deed
    FOR EACH ROW EXECUTE FUNCTION public.tickets_refuse_change();
CREATE TRIGGER tickets_deed_no_truncate BEFORE TRUNCATE ON public.tickets_deed
    FOR EACH STATEMENT EXECUTE FUNCTION public.tickets_refuse_change();
ALTER TABLE public.tickets_logline ENABLE ALWAYS TRIGGER tickets_logline_append_only;
ALTER TABLE public.tickets_logline ENABLE ALWAYS TRIGGER tickets_logline_no_truncate;
ALTER TABLE public.tickets_deed ENABLE ALWAYS TRIGGER tickets_deed_append_only;
ALTER TABLE public.tickets_deed ENABLE ALWAYS TRIGGER tickets_deed_no_truncate;

-- ---------------------------------------------------------------- reading
CREATE SCHEMA IF NOT EXISTS reading;

CREATE VIEW reading.ticket_ci AS
    SELECT ticket_id AS ticket_ref, ci_ref FROM public.tickets_ticketci;

CREATE VIEW reading.ticket AS
    SELECT t.ref, t.ticket_class, t.title, t.description, t.state, t.priority, t.impact,
           t.urgency,
           ARRAY(SELECT c.ci_ref FROM public.tickets_ticketci c
                 WHERE c.ticket_id = t.ref ORDER BY c.id) AS ci_refs,
           t.team, t.assignee, t.cause_key, t.parent_id AS parent_ref, t.solution, t.repeats,
           t.opened_at, t.first_bad_at, t.detected_at, t.assigned_at, t.resolved_at, t.closed_at,
           t.state NOT IN ('resolved', 'implemented', 'failed', 'closed') AS is_open
    FROM public.tickets_ticket t;

CREATE VIEW reading.worklog AS
    SELECT ticket_id AS ticket_ref, n, at, author, author_kind, visibility, text, action_id,
           tainted
    FROM public.tickets_logline;

-- ---------------------------------------------------------------- rights
GRANT USAGE ON SCHEMA reading TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON reading.ticket, reading.ticket_ci, reading.worklog
    TO ethops_app, ethops_executor, ethops_agent;

GRANT SELECT, INSERT ON public.tickets_logline, public.tickets_deed, public.tickets_ticketci
    TO ethops_app, ethops_executor;
GRANT SELECT, INSERT, UPDATE ON public.tickets_ticket TO ethops_app, ethops_executor;
GRANT USAGE ON SEQUENCE public.tickets_incident_ref, public.tickets_change_ref,
    public.tickets_ticketci_id_seq, public.tickets_logline_id_seq
    TO ethops_app, ethops_executor;
