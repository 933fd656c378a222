-- The gate: what an agent may ask is decided here, where no prompt and no process reaches.
-- Frozen: a later change is a new file and migration. Rights stand in 0003.

CREATE SCHEMA gate;

INSERT INTO public.personas_stop (id) VALUES (1);

CREATE FUNCTION gate.sha256_hex(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT encode(sha256(convert_to(p_text, 'UTF8')), 'hex') $$;

CREATE FUNCTION gate.stopped() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT stopped FROM public.personas_stop WHERE id = 1
$$;
