-- Which card does the steps of a request, and by which entries. Frozen: a later change is a new file
-- and migration.

CREATE OR REPLACE VIEW reading.request AS
    SELECT ticket_id AS ref, model_id AS model, answers, approver_role, decided_by, decision, card
    FROM public.tickets_request;

CREATE OR REPLACE VIEW reading.request_step AS
    SELECT ticket_id AS ref, n, title, done_by, done_at, entry FROM public.tickets_requeststep;

CREATE OR REPLACE VIEW reading.request_model AS
    SELECT slug, title, description, service, team, approver_role, impact, urgency, fields, steps,
           card, entries
    FROM public.tickets_requestmodel WHERE NOT retired;

-- Who runs an entry says that its step is done; which steps there are is not his to change.
GRANT UPDATE (done_by, done_at) ON public.tickets_requeststep TO ethops_executor;
