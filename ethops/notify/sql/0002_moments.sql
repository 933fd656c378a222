-- What happens to tickets, by whatever door, waits here until somebody was told. Frozen.

CREATE FUNCTION public.notify_of_deed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO public.notify_moment (deed, ticket_ref, verb, stimulus, state, line)
    VALUES (NEW.key, NEW.ticket_id, NEW.verb, NEW.stimulus, NEW.state, NEW.line)
    ON CONFLICT (deed) DO NOTHING;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION public.notify_of_deed() FROM PUBLIC;

CREATE TRIGGER notify_of_deed AFTER INSERT ON public.tickets_deed
    FOR EACH ROW WHEN (NEW.verb IN ('open', 'move', 'comment') AND NEW.outcome <> 'folded_into')
    EXECUTE FUNCTION public.notify_of_deed();

-- A row is locked by who may change it.
GRANT SELECT, DELETE, UPDATE (state) ON public.notify_moment TO ethops_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.notify_contact, public.notify_rule TO ethops_app;
GRANT USAGE ON SEQUENCE public.notify_contact_id_seq, public.notify_rule_id_seq TO ethops_app;
GRANT SELECT, INSERT ON public.notify_notice TO ethops_app;
GRANT UPDATE (next_at, told, acknowledged_at, acknowledged_by)
    ON public.notify_notice TO ethops_app;
-- The executor sends to nobody that no person has named.
GRANT SELECT ON public.notify_contact, public.notify_notice TO ethops_executor;
-- Links for requesters are made where they are sent, so that no row ever holds their secret.
GRANT SELECT, INSERT ON public.guests_link TO ethops_executor;
