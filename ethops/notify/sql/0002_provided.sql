-- What requesters are told where nobody says otherwise; from then on it is the desk's. Frozen.
INSERT INTO public.notify_rule (name, declared, enabled, occasion, ticket_class, priorities, states,
    service, whom, contact, until_acknowledged)
VALUES ('It is filed', false, true, 'opened', '', '', '', '', 'requester', '', false),
       ('Something was said', false, true, 'said', '', '', '', '', 'requester', '', false),
       ('It is solved or decided', false, true, 'moved', '', '',
        'resolved approved rejected closed pending', '', 'requester', '', false),
       ('Watchers: something was said', false, true, 'said', '', '', '', '', 'watchers', '', false),
       ('Watchers: it is solved or decided', false, true, 'moved', '', '',
        'resolved approved rejected closed escalated', '', 'watchers', '', false);
