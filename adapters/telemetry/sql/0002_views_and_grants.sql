-- What agents may read of the telemetry, who may write it, and what nobody changes. Frozen: a
-- later change is a new file and migration.

CREATE SCHEMA IF NOT EXISTS reading;

CREATE VIEW reading.own_key AS
    SELECT name, fingerprint, accounts, addresses, authority, retired_at
    FROM public.telemetry_key;

CREATE VIEW reading.observer AS
    SELECT host, source, silent_after_s, skew_s, began_at, read_at, heard_until, gap_from,
           gap_until, clock_off_at, fault
    FROM public.telemetry_observer WHERE NOT retired;

CREATE VIEW reading.key_use AS
    SELECT id, kind, host, at, after, seen_at, session, account, granted, method, fingerprint,
           authority, address, port, run_as, command, ended_at, line
    FROM public.telemetry_use;

GRANT USAGE ON SCHEMA reading TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON reading.own_key, reading.observer, reading.key_use
    TO ethops_app, ethops_executor, ethops_agent;

-- Keys and observers are declared by the owner; who collects says how far he has come.
GRANT SELECT ON public.telemetry_key, public.telemetry_observer, public.telemetry_use
    TO ethops_app;
GRANT UPDATE (position, began_at, read_at, heard_until, gap_from, gap_until, clock_off_at, fault)
    ON public.telemetry_observer TO ethops_app;
GRANT INSERT ON public.telemetry_use TO ethops_app;
GRANT UPDATE (command, line, ended_at, joined_at) ON public.telemetry_use TO ethops_app;
GRANT USAGE ON SEQUENCE public.telemetry_use_id_seq TO ethops_app;

-- Evidence is not taken away: no role at run time may delete, and what was said is only continued.
CREATE FUNCTION public.telemetry_use_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT starts_with(NEW.command, OLD.command) OR NOT starts_with(NEW.line, OLD.line)
            OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at) THEN
        RAISE EXCEPTION 'a use of a key is only added to' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_grows BEFORE UPDATE ON public.telemetry_use
    FOR EACH ROW EXECUTE FUNCTION public.telemetry_use_grows();
