-- What a person has taken is no agent's any more, whatever an agent, a worker or an executor was
-- just about to do. Frozen: a later change is a new file and migration.

-- Who has a ticket; NULL where nobody has, or where another desk keeps it.
CREATE FUNCTION gate.held_by(p_ticket text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT nullif(assignee, '') FROM public.tickets_ticket WHERE ref = p_ticket
$$;

CREATE FUNCTION gate.guard_person(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_person text;
BEGIN
    SELECT assignee INTO v_person FROM public.tickets_ticket WHERE ref = (p.run).ticket_ref;
    RETURN nullif(v_person, '') || ' has the ticket';
END $$;

-- As before, and: what a person has taken meanwhile.
CREATE OR REPLACE FUNCTION gate.called_off(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.personas_action a
                     JOIN public.personas_run r ON r.id = a.run_id
                    WHERE a.id = p_action AND (r.state IN ('cancelled', 'isolated', 'timed_out')
                                               OR gate.held_by(a.ticket_ref) IS NOT NULL))
$$;

-- Nobody is born for a ticket that a person has: the ticket is locked as it is where he takes it,
-- so that one of the two sees the other.
CREATE FUNCTION gate.refuse_taken() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_person text;
BEGIN
    SELECT assignee INTO v_person FROM public.tickets_ticket WHERE ref = NEW.ticket_ref FOR SHARE;
    IF coalesce(v_person, '') <> '' THEN
        RAISE EXCEPTION '% has %', v_person, NEW.ticket_ref
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_taken BEFORE INSERT ON public.personas_agentintent
    FOR EACH ROW EXECUTE FUNCTION gate.refuse_taken();
ALTER TABLE public.personas_agentintent ENABLE ALWAYS TRIGGER refuse_taken;
