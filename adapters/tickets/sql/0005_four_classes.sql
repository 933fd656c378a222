-- Refs, what may be read, and who may write, of the four classes. Frozen: a later change is a new
-- file and migration.

CREATE SEQUENCE public.tickets_problem_ref;
CREATE SEQUENCE public.tickets_request_ref;

-- ---------------------------------------------------------------- what was there before
-- Every change so far was a standard one: the run of a playbook.
INSERT INTO public.tickets_change (ticket_id, change_type, reason, outcome)
SELECT ref, 'standard', description,
       CASE state WHEN 'implemented' THEN 'successful' WHEN 'failed' THEN 'failed' ELSE '' END
  FROM public.tickets_ticket WHERE ticket_class = 'change';

UPDATE public.tickets_ticket t SET requester = l.author
  FROM public.tickets_logline l
 WHERE l.ticket_id = t.ref AND l.n = 1 AND l.author_kind = 'person' AND t.requester = '';

-- ---------------------------------------------------------------- append-only rows
CREATE TRIGGER tickets_link_append_only BEFORE UPDATE OR DELETE ON public.tickets_link
    FOR EACH ROW EXECUTE FUNCTION public.tickets_refuse_change();
CREATE TRIGGER tickets_link_no_truncate BEFORE TRUNCATE ON public.tickets_link
    FOR EACH STATEMENT EXECUTE FUNCTION public.tickets_refuse_change();
ALTER TABLE public.tickets_link ENABLE ALWAYS TRIGGER tickets_link_append_only;
ALTER TABLE public.tickets_link ENABLE ALWAYS TRIGGER tickets_link_no_truncate;

-- ---------------------------------------------------------------- reading
CREATE VIEW reading.ticket AS
    SELECT t.ref, t.ticket_class, t.title, t.description, t.state, t.priority, t.impact,
           t.urgency,
           ARRAY(SELECT c.ci_ref FROM public.tickets_ticketci c
                 WHERE c.ticket_id = t.ref ORDER BY c.id) AS ci_refs,
           t.team, t.assignee, t.cause_key, t.parent_id AS parent_ref, t.solution, t.repeats,
           t.opened_at, t.first_bad_at, t.detected_at, t.assigned_at, t.resolved_at, t.closed_at,
           t.state NOT IN ('resolved', 'implemented', 'monitored', 'failed', 'rejected', 'closed')
               AS is_open,
           t.requester, t.service, t.pending_reason, t.reopens,
           CASE t.ticket_class
               WHEN 'change' THEN (SELECT x.change_type FROM public.tickets_change x
                                    WHERE x.ticket_id = t.ref)
               WHEN 'request' THEN (SELECT CASE WHEN q.approver_role = '' THEN 'plain'
                                                ELSE 'with_approver' END
                                      FROM public.tickets_request q WHERE q.ticket_id = t.ref)
               ELSE '' END AS variant
    FROM public.tickets_ticket t;

CREATE VIEW reading.ticket_passage AS
    SELECT ticket_id AS ticket_ref, state, at, line, stimulus
    FROM public.tickets_deed
    WHERE verb = 'move' OR (verb = 'open' AND outcome = 'opened');

CREATE VIEW reading.problem AS
    SELECT ticket_id AS ref, known_error, workaround, root_cause FROM public.tickets_problem;

CREATE VIEW reading.change AS
    SELECT ticket_id AS ref, change_type, reason, planned_start, planned_end, implementer, backout,
           outcome, decided_by, decision
    FROM public.tickets_change;

CREATE VIEW reading.request AS
    SELECT ticket_id AS ref, model_id AS model, answers, approver_role, decided_by, decision
    FROM public.tickets_request;

CREATE VIEW reading.request_step AS
    SELECT ticket_id AS ref, n, title, done_by, done_at FROM public.tickets_requeststep;

CREATE VIEW reading.ticket_link AS
    SELECT ticket_id AS ref, kind, other_id AS other, id AS n FROM public.tickets_link;

CREATE VIEW reading.request_model AS
    SELECT slug, title, description, service, team, approver_role, impact, urgency, fields, steps
    FROM public.tickets_requestmodel WHERE NOT retired;

-- ---------------------------------------------------------------- rights
GRANT SELECT ON reading.ticket, reading.ticket_passage, reading.problem, reading.change,
    reading.request, reading.request_step, reading.ticket_link, reading.request_model
    TO ethops_app, ethops_executor, ethops_agent;

GRANT SELECT, INSERT, UPDATE ON public.tickets_problem, public.tickets_change,
    public.tickets_request, public.tickets_requeststep TO ethops_app;
-- An executor opens and moves its standard changes, and moves requests as an agent asks.
GRANT SELECT, INSERT, UPDATE ON public.tickets_change TO ethops_executor;
GRANT SELECT, UPDATE ON public.tickets_request TO ethops_executor;
GRANT SELECT ON public.tickets_problem, public.tickets_requeststep TO ethops_executor;
GRANT SELECT, INSERT ON public.tickets_link TO ethops_app, ethops_executor;
GRANT SELECT ON public.tickets_requestmodel TO ethops_app, ethops_executor;
GRANT USAGE ON SEQUENCE public.tickets_problem_ref, public.tickets_request_ref TO ethops_app;
GRANT USAGE ON SEQUENCE public.tickets_requeststep_id_seq TO ethops_app;
GRANT USAGE ON SEQUENCE public.tickets_link_id_seq TO ethops_app, ethops_executor;
