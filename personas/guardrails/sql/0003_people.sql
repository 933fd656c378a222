-- People approve cards through one door: who may, on what he was shown, and with a second factor
-- where agents could change more by it than standard changes do. Frozen: a later change is a new
-- file and migration.

DROP FUNCTION gate.approve_card(text, text, text, text, text);

-- Whether a card may ask for something that is no standard change, or whose risk nobody knows.
CREATE FUNCTION gate.card_is_risky(p_card text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM public.personas_grant g
                    WHERE g.card_id = p_card AND g.entry <> ''
                      AND gate.change_class(gate.risk_of(g.card_id, g.verb, g.entry), '')
                          <> 'standard')
$$;

-- Keeps an approval with the very words that were approved; false where it was given before.
CREATE FUNCTION gate.keep_card_approval(p_card public.personas_card, p_told text, p_by text,
    p_why text, p_factor text, p_independent boolean)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO public.guardrails_cardapproval (card, digest, prompt_digest, by, why, document,
        told, factor, independent)
    VALUES (p_card.name, p_card.digest, coalesce(p_card.document ->> 'prompt_digest', ''),
        left(p_by, 150), left(p_why, 2000), p_card.document, p_told, p_factor, p_independent)
    ON CONFLICT (card, digest, prompt_digest) DO NOTHING;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM audit.put_pending('card.approved', p_card.name, '', jsonb_build_object(
        'card_digest', p_card.digest,
        'prompt_digest', coalesce(p_card.document ->> 'prompt_digest', ''),
        'by', left(p_by, 150), 'why', left(p_why, 500), 'factor', p_factor,
        'independent', p_independent));
    RETURN true;
END $$;

-- The owner's: who installs a version takes its cards with it, where they never were here before.
CREATE FUNCTION gate.install_card(p_card text, p_told text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.personas_card%ROWTYPE;
BEGIN
    SELECT * INTO STRICT v FROM public.personas_card WHERE name = p_card FOR UPDATE;
    IF EXISTS (SELECT 1 FROM public.guardrails_cardapproval WHERE card = p_card) THEN
        RETURN false;
    END IF;
    RETURN gate.keep_card_approval(v, p_told, 'site load', 'It is loaded here for the first time.',
                                   '', NULL);
END $$;

-- What must hold of a card and of who approves it; NULL where it does.
CREATE FUNCTION gate.not_card_approver(p public.personas_card, p_digest text, p_told text,
    p_person text, p_why text)
RETURNS gate.ruling LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.approvals_profile%ROWTYPE;
BEGIN
    IF NOT gate.may_approve(p_person) THEN
        RETURN ('approvals.forbidden', format('%s may not approve', p_person))::gate.ruling;
    END IF;
    IF coalesce(btrim(p_why), '') = '' THEN
        RETURN ('cards.no_reason', 'a card is approved with a reason')::gate.ruling;
    END IF;
    IF p.digest IS DISTINCT FROM p_digest OR coalesce(p.document ->> 'prompt_digest', '')
            <> coalesce(gate.sha256_hex(nullif(p_told, '')), '') THEN
        RETURN ('cards.other_loaded', format('%s is loaded otherwise than you were shown: look '
            'again', p.name))::gate.ruling;
    END IF;
    SELECT * INTO STRICT v FROM public.approvals_profile WHERE id = 1;
    IF NOT v.single AND EXISTS (SELECT 1 FROM public.approvals_author
            WHERE kind = 'card' AND digest = p.digest AND person = p_person) THEN
        RETURN ('approvals.not_independent', format('%s has loaded what changed: somebody else '
            'approves it', p_person))::gate.ruling;
    END IF;
    IF v.single AND p.loaded_at + make_interval(secs => v.delay_s) > clock_timestamp() THEN
        RETURN ('approvals.too_early', format('one who operates alone approves %s s after it was '
            'loaded', v.delay_s))::gate.ruling;
    END IF;
    RETURN NULL;
END $$;

-- A person's word for a card as it is loaded, and as he was shown it: its digest, and the very text
-- that a model would be told. Nothing is raised, so that a wrong code stays counted.
CREATE FUNCTION gate.approve_card(p_card text, p_digest text, p_told text, p_person text,
    p_code text, p_why text)
RETURNS TABLE (code text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v public.personas_card%ROWTYPE; v_ruling gate.ruling; v_taken record; v_single boolean;
    v_factor text := '';
BEGIN
    SELECT * INTO v FROM public.personas_card WHERE name = p_card FOR UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'cards.not_found', format('there is no card %s', left(p_card, 60));
        RETURN;
    END IF;
    SELECT p.single INTO STRICT v_single FROM public.approvals_profile p WHERE p.id = 1;
    v_ruling := gate.not_card_approver(v, p_digest, coalesce(p_told, ''), coalesce(p_person, ''),
                                       p_why);
    IF v_ruling.code IS NULL
            AND (v_single OR gate.card_is_risky(p_card) OR coalesce(p_code, '') <> '') THEN
        SELECT * INTO v_taken FROM gate.take_confirmed_code(p_person, p_code);
        v_ruling := gate.code_ruling(v_taken.said);
        v_factor := 'totp';
    END IF;
    IF v_ruling.code IS NOT NULL THEN
        PERFORM audit.put_pending('card.refused', p_card, '', jsonb_build_object(
            'person', left(coalesce(p_person, ''), 150), 'card_digest', v.digest,
            'code', v_ruling.code, 'reason', left(v_ruling.reason, 500)));
        RETURN QUERY SELECT v_ruling.code, v_ruling.reason;
        RETURN;
    END IF;
    IF gate.keep_card_approval(v, coalesce(p_told, ''), p_person, p_why, v_factor, NOT v_single) THEN
        RETURN QUERY SELECT 'ok', 'approved';
    ELSE
        RETURN QUERY SELECT 'ok', 'approved before';
    END IF;
END $$;

-- As it was approved: nobody rewrites afterwards what somebody has said yes to.
CREATE TRIGGER write_once BEFORE UPDATE OR DELETE ON public.guardrails_cardapproval
    FOR EACH ROW EXECUTE FUNCTION gate.write_once();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.guardrails_cardapproval
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE public.guardrails_cardapproval ENABLE ALWAYS TRIGGER write_once;
ALTER TABLE public.guardrails_cardapproval ENABLE ALWAYS TRIGGER no_truncate;

REVOKE ALL ON FUNCTION gate.card_is_risky(text),
    gate.keep_card_approval(public.personas_card, text, text, text, text, boolean),
    gate.install_card(text, text),
    gate.not_card_approver(public.personas_card, text, text, text, text),
    gate.approve_card(text, text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.card_is_risky(text),
    gate.approve_card(text, text, text, text, text, text) TO ethops_app;
