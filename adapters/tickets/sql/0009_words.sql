-- Words of tickets, of the CIs that they name, and of worklogs, so that a search need not read all
-- of them: adapters/tickets/finding.py asks for them. Those of tickets are kept, since whoever
-- looks for a frequent word looks at many of them. Frozen: a later change is a new file and
-- migration.
ALTER TABLE public.tickets_ticket ADD COLUMN words tsvector GENERATED ALWAYS AS (
    to_tsvector('simple', regexp_replace(
        ref || ' ' || title || ' ' || assignee || ' ' || requester || ' '
        || coalesce(cause_key, ''), '[^[:alnum:]]+', ' ', 'g'))) STORED;
CREATE INDEX ticket_words ON public.tickets_ticket USING gin (words);

ALTER TABLE public.tickets_ticketci ADD COLUMN words tsvector GENERATED ALWAYS AS (
    to_tsvector('simple', regexp_replace(ci_ref, '[^[:alnum:]]+', ' ', 'g'))) STORED;
CREATE INDEX ticketci_words ON public.tickets_ticketci USING gin (words);

-- A tsvector has an end: a text beyond 20,000 characters is found by what stands in those.
CREATE INDEX logline_words ON public.tickets_logline USING gin (to_tsvector('simple',
    regexp_replace(ticket_id || ' ' || author || ' ' || left(text, 20000),
    '[^[:alnum:]]+', ' ', 'g')));
