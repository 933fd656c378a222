-- What agents may read.

CREATE VIEW reading.catalogue AS
    SELECT name, title, risk, parameters, document, enabled
      FROM public.personas_catalogueentry;
CREATE VIEW reading.card AS
    SELECT name, title, team, limits, document, enabled FROM public.personas_card;
CREATE VIEW reading.past_action AS
    SELECT a.ticket_ref, a.entry, a.target, a.verdict, a.outcome, a.decided_at
      FROM public.personas_action a WHERE a.entry <> '';
