-- The states a ticket came into, as its deeds have it. Frozen: a later change is a new file.

CREATE VIEW reading.ticket_passage AS
    SELECT ticket_id AS ticket_ref, state, at, line, stimulus
    FROM public.tickets_deed
    WHERE verb = 'move' OR (verb = 'open' AND outcome = 'opened');

CREATE INDEX tickets_deed_moves ON public.tickets_deed (ticket_id, line)
    WHERE verb = 'move' OR (verb = 'open' AND outcome = 'opened');

GRANT SELECT ON reading.ticket_passage TO ethops_app, ethops_executor, ethops_agent;
