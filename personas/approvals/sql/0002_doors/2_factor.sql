-- The second factor, checked here and not where pages are drawn: who holds the web's login can
-- neither read a secret nor approve without a code. PostgreSQL without extensions has no SHA-1,
-- and authenticators know little else (RFC 6238, RFC 2104, FIPS 180-4).

CREATE FUNCTION gate.rotl32(p bigint, n int) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT ((p << n) | (p >> (32 - n))) & 4294967295 $$;

CREATE FUNCTION gate.sha1(p_message bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    v bytea := p_message || '\x80'::bytea;
    h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520]::bigint[];
    w bigint[]; a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; t bigint;
    v_at int; i int;
BEGIN
    v := v || decode(repeat('00', (120 - octet_length(v) % 64) % 64), 'hex')
           || int8send(octet_length(p_message)::bigint * 8);
    FOR v_block IN 0 .. octet_length(v) / 64 - 1 LOOP
        w := NULL;
        FOR i IN 1 .. 16 LOOP
            v_at := v_block * 64 + (i - 1) * 4;
            w[i] := (get_byte(v, v_at)::bigint << 24) | (get_byte(v, v_at + 1) << 16)
                  | (get_byte(v, v_at + 2) << 8) | get_byte(v, v_at + 3);
        END LOOP;
        FOR i IN 17 .. 80 LOOP
            w[i] := gate.rotl32(w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16], 1);
        END LOOP;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        FOR i IN 1 .. 80 LOOP
            IF i <= 20 THEN f := (b & c) | ((b # 4294967295) & d); k := 1518500249;
            ELSIF i <= 40 THEN f := b # c # d; k := 1859775393;
            ELSIF i <= 60 THEN f := (b & c) | (b & d) | (c & d); k := 2400959708;
            ELSE f := b # c # d; k := 3395469782; END IF;
            t := (gate.rotl32(a, 5) + f + e + k + w[i]) & 4294967295;
            e := d; d := c; c := gate.rotl32(b, 30); b := a; a := t;
        END LOOP;
        h := ARRAY[(h[1] + a) & 4294967295, (h[2] + b) & 4294967295, (h[3] + c) & 4294967295,
                   (h[4] + d) & 4294967295, (h[5] + e) & 4294967295];
    END LOOP;
    RETURN (SELECT string_agg(substr(int8send(word), 5), ''::bytea ORDER BY n)
              FROM unnest(h) WITH ORDINALITY AS words (word, n));
END $$;

CREATE FUNCTION gate.hmac_sha1(p_key bytea, p_message bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE v_key bytea := p_key; v_in bytea; v_out bytea;
BEGIN
    IF octet_length(v_key) > 64 THEN v_key := gate.sha1(v_key); END IF;
    v_key := v_key || decode(repeat('00', 64 - octet_length(v_key)), 'hex');
    v_in := v_key; v_out := v_key;
    FOR i IN 0 .. 63 LOOP
        v_in := set_byte(v_in, i, get_byte(v_key, i) # 54);
        v_out := set_byte(v_out, i, get_byte(v_key, i) # 92);
    END LOOP;
    RETURN gate.sha1(v_out || gate.sha1(v_in || p_message));
END $$;

CREATE FUNCTION gate.totp(p_secret bytea, p_step bigint) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE v bytea := gate.hmac_sha1(p_secret, int8send(p_step)); o int := get_byte(v, 19) & 15;
BEGIN
    RETURN lpad(((((get_byte(v, o) & 127)::bigint << 24) | (get_byte(v, o + 1) << 16)
        | (get_byte(v, o + 2) << 8) | get_byte(v, o + 3)) % 1000000)::text, 6, '0');
END $$;

-- Takes a code: `ok` and which one, or `none`, `locked`, `used`, `wrong`. Wrong ones are counted by
-- the row, so the caller must let this commit; after three, waiting doubles up to an hour.
CREATE FUNCTION gate.take_code(p_person text, p_code text, OUT said text, OUT step bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.approvals_factor%ROWTYPE; v_now bigint; v_given text := coalesce(p_code, '');
BEGIN
    SELECT * INTO v FROM public.approvals_factor WHERE person = p_person FOR UPDATE;
    IF NOT FOUND THEN said := 'none'; RETURN; END IF;
    IF v.locked_until > clock_timestamp() THEN said := 'locked'; RETURN; END IF;
    v_now := floor(extract(epoch FROM clock_timestamp()) / 30)::bigint;
    said := 'wrong';
    -- A clock may be half a minute off, either way.
    FOREACH step IN ARRAY ARRAY[v_now, v_now - 1, v_now + 1] LOOP
        IF v_given = gate.totp(v.secret, step) THEN
            said := CASE WHEN step > v.last_step THEN 'ok' ELSE 'used' END;
            EXIT;
        END IF;
    END LOOP;
    IF said = 'ok' THEN
        UPDATE public.approvals_factor
           SET last_step = step, failures = 0, locked_until = NULL WHERE person = p_person;
        RETURN;
    END IF;
    step := NULL;
    UPDATE public.approvals_factor
       SET failures = v.failures + 1, locked_until = CASE WHEN v.failures >= 2 THEN
           clock_timestamp() + make_interval(secs => least(3600, 30 * 2 ^ (v.failures - 2))) END
     WHERE person = p_person;
END $$;

-- Only the owner of the tables enrols: whoever may do that sits at the host.
CREATE FUNCTION gate.enrol_factor(p_person text, p_by text) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_secret bytea := substr(sha256(uuid_send(gen_random_uuid())
                                        || uuid_send(gen_random_uuid())), 1, 20);
BEGIN
    INSERT INTO public.approvals_factor (person, secret, enrolled_by)
    VALUES (p_person, v_secret, left(p_by, 150))
    ON CONFLICT (person) DO UPDATE
       SET secret = excluded.secret, confirmed_at = NULL, last_step = 0, failures = 0,
           locked_until = NULL, enrolled_by = excluded.enrolled_by,
           enrolled_at = clock_timestamp();
    PERFORM audit.put_pending('person.factor', p_person, '',
        jsonb_build_object('person', p_person, 'by', left(p_by, 150), 'what', 'enrolled'));
    RETURN v_secret;
END $$;

-- The first code shows that the secret has arrived; before it, no code counts.
CREATE FUNCTION gate.confirm_factor(p_person text, p_code text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record;
BEGIN
    SELECT * INTO v FROM gate.take_code(p_person, p_code);
    IF v.said = 'ok' THEN
        UPDATE public.approvals_factor SET confirmed_at = clock_timestamp()
         WHERE person = p_person;
        PERFORM audit.put_pending('person.factor', p_person, '',
            jsonb_build_object('person', p_person, 'by', p_person, 'what', 'confirmed'));
    END IF;
    RETURN v.said;
END $$;

CREATE FUNCTION gate.revoke_factor(p_person text, p_by text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM public.approvals_factor WHERE person = p_person;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM audit.put_pending('person.factor', p_person, '',
        jsonb_build_object('person', p_person, 'by', left(p_by, 150), 'what', 'revoked'));
    RETURN true;
END $$;
