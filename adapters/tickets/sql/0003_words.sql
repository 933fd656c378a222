-- Words that a named person had taken out of the record go from tickets too. Frozen.

-- Append-only, as before. One thing may happen to a line: words in it become a tombstone.
CREATE FUNCTION public.tickets_guard_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - 'text' = to_jsonb(OLD) - 'text'
                AND NEW.text ~ '\[redacted [0-9a-f]{12}\]' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'Write a further worklog line that corrects the earlier one.';
END $$;
DROP TRIGGER tickets_logline_append_only ON public.tickets_logline;
CREATE TRIGGER tickets_logline_append_only BEFORE UPDATE OR DELETE ON public.tickets_logline
    FOR EACH ROW EXECUTE FUNCTION public.tickets_guard_line();
ALTER TABLE public.tickets_logline ENABLE ALWAYS TRIGGER tickets_logline_append_only;
