-- What is promised where nobody says otherwise; from then on it is the desk's. Frozen.

INSERT INTO public.sla_calendar (name, declared, zone, monday, tuesday, wednesday, thursday, friday,
    saturday, sunday, holidays)
VALUES ('always', false, 'UTC', 'all day', 'all day', 'all day', 'all day', 'all day', 'all day',
        'all day', ''),
       -- Ten hours a day, five days a week.
       ('office', false, 'UTC', '08:00-18:00', '08:00-18:00', '08:00-18:00', '08:00-18:00',
        '08:00-18:00', '', '', '');

-- Where an outage hurts people, round the clock; the rest can wait for the morning. Problems and
-- changes have nobody who waits for them: nothing is promised.
INSERT INTO public.sla_target (ticket_class, priority, declared, tto_s, ttr_s, calendar_id, warn,
    breach)
SELECT of.class, of.priority, false, extract(epoch FROM of.own), extract(epoch FROM of.solve), c.id,
       of.warn, of.breach
  FROM (VALUES
        ('incident', 'P1', interval '15 min', interval '4 h', 'always', 'people', 'people'),
        ('incident', 'P2', interval '30 min', interval '8 h', 'always', '', 'people'),
        ('incident', 'P3', interval '4 h', interval '20 h', 'office', '', ''),
        ('incident', 'P4', interval '10 h', interval '50 h', 'office', '', ''),
        ('request', 'P1', interval '1 h', interval '10 h', 'office', '', ''),
        ('request', 'P2', interval '4 h', interval '20 h', 'office', '', ''),
        ('request', 'P3', interval '10 h', interval '30 h', 'office', '', ''),
        ('request', 'P4', interval '10 h', interval '50 h', 'office', '', '')
       ) AS of (class, priority, own, solve, calendar, warn, breach)
  JOIN public.sla_calendar c ON c.name = of.calendar AND NOT c.declared;
