-- On a major incident and its children agents find out and tell; what is done there, people do.

-- The major incident that a ticket is, or is a child of; NULL where it is over, or there is none.
CREATE FUNCTION gate.major_of(p_ticket text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT m.ticket_id FROM public.tickets_ticket t
      JOIN public.tickets_major m ON m.ticket_id IN (t.ref, t.parent_id)
     WHERE t.ref = p_ticket AND m.ended_at IS NULL LIMIT 1
$$;

-- What tells or asks people, and what only looks, as the catalogue or the card's scope says.
CREATE FUNCTION gate.only_looks(p_card text, p_verb text, p_entry text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p_verb IN ('ticket.comment', 'ticket.escalate', 'ticket.ask')
        OR coalesce(gate.risk_of(p_card, p_verb, p_entry) = 'none', false)
$$;

CREATE FUNCTION gate.guard_major(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_ref text;
BEGIN
    IF p.verb IN ('ticket.comment', 'ticket.escalate', 'ticket.ask') THEN RETURN NULL; END IF;
    v_ref := gate.major_of((p.run).ticket_ref);
    IF v_ref IS NULL OR gate.only_looks((p.run).card_id, p.verb, p.entry) THEN RETURN NULL; END IF;
    RETURN format('%s is a major incident: agents only look, and tell people', v_ref);
END $$;
