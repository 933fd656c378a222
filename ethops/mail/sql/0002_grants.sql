-- A letter stays as it was delivered until it is emptied; nobody but the app has it.

GRANT SELECT, INSERT ON public.mail_letter TO ethops_app;
GRANT UPDATE (raw, sender, message_id, state, reason, ticket_ref, repeats)
    ON public.mail_letter TO ethops_app;
GRANT USAGE ON SEQUENCE public.mail_letter_id_seq TO ethops_app;
