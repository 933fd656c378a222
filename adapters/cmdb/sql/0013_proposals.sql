-- What discovery proposes, and nothing more: a proposal is read by no guard and makes no CI. Who sees
-- things writes it by these doors; that it is accepted or declined is said by a person at the gate's.
-- Frozen: a later change is a new file and migration.

-- Keeps what was seen: each thing once, and what has not the shape of a CI not at all. What a person
-- has declined stays so until it is seen otherwise.
CREATE FUNCTION cmdb.keep_proposals(p_rows jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_kept bigint;
BEGIN
    IF jsonb_array_length(p_rows) > 5000 OR octet_length(p_rows::text) > 16777216 THEN
        RAISE EXCEPTION 'too much at once' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO public.cmdb_proposal AS p (key, kind, name, about, ref, said, source, seen, times,
        first_seen_at, last_seen_at)
    SELECT t.key, t.kind, t.name, t.about, t.ref, t.said, t.source, t.seen, t.times,
           t.first_seen_at, t.last_seen_at
      FROM jsonb_to_recordset(p_rows) AS t (key text, kind text, name text, about text, ref text,
           said jsonb, source text, seen jsonb, times bigint, first_seen_at timestamptz,
           last_seen_at timestamptz)
     WHERE cmdb.bad_words(t.ref, t.said) IS NULL
       -- Whether it is acted on, and where, is never proposed.
       AND NOT t.said ?| ARRAY['host', 'lifeline', 'impact', 'urgency', 'user_facing']
    ON CONFLICT (key) DO UPDATE
        SET said = excluded.said, ref = excluded.ref, seen = excluded.seen, times = excluded.times,
            first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at,
            source = excluded.source,
            state = CASE WHEN p.state = 'declined' AND p.said = excluded.said THEN p.state
                         ELSE 'proposed' END,
            proposed_at = CASE WHEN p.state = 'proposed' OR p.said = excluded.said
                                    AND p.state = 'declined' THEN p.proposed_at
                               ELSE clock_timestamp() END
      -- Accepted while this was being looked for: the CI that is there says so.
      WHERE NOT (p.state = 'accepted' AND p.said = excluded.said AND EXISTS (
            SELECT 1 FROM public.cmdb_claim c WHERE c.ref = p.ref AND c.source = 'desk'));
    GET DIAGNOSTICS v_kept = ROW_COUNT;
    RETURN v_kept;
END $$;

-- Withdraws what is a CI by now, and what nobody has seen for long; in the end it is forgotten.
CREATE FUNCTION cmdb.withdraw_proposals(p_keys text[], p_unseen_since timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_gone bigint;
BEGIN
    UPDATE public.cmdb_proposal SET state = 'withdrawn', decided_at = clock_timestamp(),
           decided_by = '', why = CASE WHEN key = ANY (p_keys) THEN 'the CMDB says it by now'
                                       ELSE 'not seen any more' END
     WHERE state = 'proposed' AND (key = ANY (p_keys) OR last_seen_at < p_unseen_since);
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    DELETE FROM public.cmdb_proposal
     WHERE state = 'withdrawn' AND decided_at < clock_timestamp() - interval '90 days';
    RETURN v_gone;
END $$;

-- What a person was shown: the proposal as it would be said, and all that is said of that CI.
CREATE FUNCTION cmdb.proposal_digest(p_id bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT encode(sha256(convert_to(p.ref || ' ' || p.said::text || ' ' || cmdb.words_digest(p.ref),
                                    'UTF8')), 'hex')
      FROM public.cmdb_proposal p WHERE p.id = p_id
$$;

-- Why a person cannot decide about this proposal, or NULL.
CREATE FUNCTION cmdb.bad_decision(p_id bigint, p_shown text, p_accepts boolean) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE v public.cmdb_proposal%ROWTYPE;
BEGIN
    SELECT * INTO v FROM public.cmdb_proposal WHERE id = p_id;
    IF v.id IS NULL THEN RETURN 'there is no such proposal'; END IF;
    IF v.state <> 'proposed' THEN RETURN format('it is %s by now', v.state); END IF;
    IF p_shown IS DISTINCT FROM cmdb.proposal_digest(p_id) THEN
        RETURN 'it was seen otherwise, or something was said of the CI meanwhile: look again';
    END IF;
    IF NOT p_accepts THEN RETURN NULL; END IF;
    IF v.said ? 'ref' AND EXISTS (SELECT 1 FROM public.cmdb_claim WHERE ref = v.ref) THEN
        RETURN format('there is a CI %s by now', v.ref);
    END IF;
    IF EXISTS (SELECT 1 FROM public.cmdb_claim c WHERE c.ref = v.ref AND c.source = 'site'
                  AND v.said ? c.field) THEN
        RETURN 'the site file says it: change it there';
    END IF;
    RETURN NULL;
END $$;

-- What the desk says of the CI once this is accepted: what it says by now, and what is proposed.
CREATE FUNCTION cmdb.said_if_accepted(p_id bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT jsonb_object_agg(c.field, c.value) FROM public.cmdb_claim c
                      WHERE c.ref = p.ref AND c.source = 'desk'), '{}') || p.said
      FROM public.cmdb_proposal p WHERE p.id = p_id
$$;

REVOKE ALL ON FUNCTION cmdb.keep_proposals(jsonb), cmdb.withdraw_proposals(text[], timestamptz),
    cmdb.proposal_digest(bigint), cmdb.bad_decision(bigint, text, boolean),
    cmdb.said_if_accepted(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cmdb.keep_proposals(jsonb), cmdb.withdraw_proposals(text[], timestamptz),
    cmdb.proposal_digest(bigint) TO ethops_app;
GRANT SELECT ON public.cmdb_proposal TO ethops_app;
