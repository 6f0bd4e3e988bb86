-- The same fields as before, read without a subtransaction for each: only a text that this database may not be able to read needs one.
CREATE FUNCTION usher_field_or_none(document TEXT, field TEXT) RETURNS TEXT LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN document::json ->> field;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION usher_field(document TEXT, field TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN strpos(document, '\u0000') = 0 THEN document::json ->> field ELSE usher_field_or_none(document, field) END
$$;
