-- The lifecycle of a run: one table of moves, refused by a trigger otherwise, and every move a row
-- that nobody changes. `personas/states.py` says the same; a test holds the two together.
-- Frozen: a later change is a new file and migration.

CREATE FUNCTION gate.run_move(p_old text, p_new text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT (p_old, p_new) IN (
        ('pending', 'starting'), ('pending', 'failed'), ('pending', 'paused'), ('pending', 'isolated'),
        ('pending', 'cancelled'), ('pending', 'timed_out'),
        ('starting', 'running'), ('starting', 'failed'), ('starting', 'paused'),
        ('starting', 'isolated'), ('starting', 'cancelled'), ('starting', 'timed_out'),
        ('running', 'waiting'), ('running', 'succeeded'), ('running', 'failed'),
        ('running', 'paused'), ('running', 'isolated'), ('running', 'cancelled'),
        ('running', 'timed_out'),
        ('waiting', 'running'), ('waiting', 'failed'), ('waiting', 'paused'),
        ('waiting', 'isolated'), ('waiting', 'cancelled'), ('waiting', 'timed_out'),
        ('failed', 'retrying'),
        ('retrying', 'running'), ('retrying', 'failed'), ('retrying', 'paused'),
        ('retrying', 'isolated'), ('retrying', 'cancelled'), ('retrying', 'timed_out'),
        ('paused', 'pending'), ('paused', 'isolated'), ('paused', 'cancelled'),
        ('isolated', 'pending'), ('isolated', 'cancelled'))
$$;

-- Not over: at most one such run per ticket.
CREATE FUNCTION gate.is_live(p_state text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_state IN ('pending', 'starting', 'running', 'waiting', 'paused', 'retrying')
$$;

-- Has a place among those that may be at work at once.
CREATE FUNCTION gate.has_place(p_state text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_state IN ('starting', 'running', 'waiting', 'retrying')
$$;

CREATE FUNCTION gate.refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT gate.run_move(OLD.state, NEW.state) THEN
        RAISE EXCEPTION 'run %: no move from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

-- Births, routine steps and ends have entries of their own; what is between them is told here.
CREATE FUNCTION gate.note_move() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_old text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.state ELSE '' END;
BEGIN
    INSERT INTO public.personas_transition (run_id, from_state, state, step, why, told_by)
    VALUES (NEW.id, v_old, NEW.state, NEW.steps, NEW.why, NEW.told_by);
    IF v_old <> '' AND NEW.state IN ('pending', 'paused', 'isolated', 'retrying') THEN
        PERFORM audit.put_pending('run.state', NEW.id::text, NEW.ticket_ref, jsonb_build_object(
            'card', NEW.card_id, 'from_state', v_old, 'state', NEW.state, 'steps', NEW.steps,
            'retries', NEW.retries, 'by', NEW.told_by, 'why', left(NEW.why, 500)));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION gate.refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;

-- A run that waits in a queue of before has its place already.
UPDATE public.personas_run SET state = 'starting' WHERE state = 'pending';

CREATE TRIGGER guard_run BEFORE UPDATE ON public.personas_run FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION gate.refuse_move();
CREATE TRIGGER note_birth AFTER INSERT ON public.personas_run FOR EACH ROW
    EXECUTE FUNCTION gate.note_move();
CREATE TRIGGER note_move AFTER UPDATE ON public.personas_run FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION gate.note_move();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON public.personas_transition FOR EACH ROW
    EXECUTE FUNCTION gate.refuse_rewriting();
ALTER TABLE public.personas_run ENABLE ALWAYS TRIGGER guard_run;
ALTER TABLE public.personas_run ENABLE ALWAYS TRIGGER note_birth;
ALTER TABLE public.personas_run ENABLE ALWAYS TRIGGER note_move;
ALTER TABLE public.personas_transition ENABLE ALWAYS TRIGGER append_only;
