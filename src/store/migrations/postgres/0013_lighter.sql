-- What a login does while all others wait for the chain of the audit log, made short.

-- The same fields as before. A function in SQL is taken apart and planned anew for every line that is written; this one once for each connection.
CREATE OR REPLACE FUNCTION usher_field(document TEXT, field TEXT) RETURNS TEXT LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF strpos(document, '\u0000') = 0 THEN
        RETURN document::json ->> field;
    END IF;
    -- By itself, and not by usher_field_or_none: whoever restores a dump has no search path to find that by.
    BEGIN
        RETURN document::json ->> field;
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END;
END $$;

-- The last line of the audit log, which stays the last until the transaction ends; 0 and an empty hash before the first. The lock and the look are two
-- statements, and the function is VOLATILE, because a statement sees what was there when it began, and not when it got a lock. A connection keeps the plan
-- that was best when the log was short, so it may not be one that reads the whole log.
CREATE FUNCTION usher_last_line(OUT sequence BIGINT, OUT hash TEXT) LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1970497637, 2);
    SELECT line.sequence, line.hash INTO usher_last_line.sequence, usher_last_line.hash FROM audit AS line ORDER BY line.sequence DESC LIMIT 1;
    sequence := COALESCE(sequence, 0);
    hash := COALESCE(hash, '');
END $$;
