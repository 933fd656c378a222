-- What agents ask of people, and which incidents are major ones: what may be read, and who may
-- write. Frozen: a later change is a new file and migration.

CREATE VIEW reading.question AS
    SELECT ticket_id AS ref, n, name, text, answers, asked_by, asked_at, answer, answered_by,
           answered_at, answer = '' AND withdrawn_at IS NULL AS is_open
    FROM public.tickets_question;

CREATE VIEW reading.major AS
    SELECT ticket_id AS ref, lead, declared_by, declared_at, criteria, update_minutes, ended_by,
           ended_at
    FROM public.tickets_major;

GRANT SELECT ON reading.question, reading.major TO ethops_app, ethops_executor, ethops_agent;
-- An executor asks as an agent wants; people answer.
GRANT SELECT, INSERT ON public.tickets_question TO ethops_executor;
GRANT SELECT, UPDATE ON public.tickets_question TO ethops_app;
GRANT SELECT, INSERT, UPDATE ON public.tickets_major TO ethops_app;
GRANT USAGE ON SEQUENCE public.tickets_question_id_seq TO ethops_executor;
