-- Reading the audit log by what its lines say. The columns are worked out from the line itself, so that nobody can change what a line is found by
-- without breaking the hash chain.

-- A field of a JSON text. What this database cannot read (a text with U+0000 in it) has no fields; the line is kept all the same.
CREATE FUNCTION usher_field(document TEXT, field TEXT) RETURNS TEXT LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN document::json ->> field;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

ALTER TABLE audit
    ADD COLUMN connection TEXT COLLATE "C" GENERATED ALWAYS AS
        (COALESCE(usher_field(detail, 'connection'), CASE WHEN event LIKE 'connection.%' THEN target END)) STORED,
    ADD COLUMN address  TEXT COLLATE "C" GENERATED ALWAYS AS (usher_field(origin, 'address')) STORED,
    ADD COLUMN request  TEXT COLLATE "C" GENERATED ALWAYS AS (usher_field(origin, 'request')) STORED,
    ADD COLUMN incident TEXT COLLATE "C" GENERATED ALWAYS AS (usher_field(origin, 'incident')) STORED;

CREATE INDEX audit_at         ON audit (organization, at, sequence);
CREATE INDEX audit_event      ON audit (organization, event, at, sequence);
CREATE INDEX audit_actor      ON audit (organization, actor, at, sequence);
CREATE INDEX audit_target     ON audit (organization, target, at, sequence) WHERE target IS NOT NULL;
CREATE INDEX audit_reason     ON audit (organization, reason, at, sequence) WHERE reason IS NOT NULL;
CREATE INDEX audit_connection ON audit (organization, connection, at, sequence) WHERE connection IS NOT NULL;
CREATE INDEX audit_address    ON audit (organization, address, at, sequence) WHERE address IS NOT NULL;
CREATE INDEX audit_request    ON audit (request) WHERE request IS NOT NULL;
CREATE INDEX audit_incident   ON audit (incident) WHERE incident IS NOT NULL;

-- Recovery links, by the hash of their secret. Used ones stay: they are the proof that this way in works.
CREATE TABLE recovery_link (
    key          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization TEXT COLLATE "C" NOT NULL REFERENCES organization (id),
    email        TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT
);
CREATE INDEX recovery_link_organization ON recovery_link (organization);

-- A refused login as a request: what the person said, and what an administrator did about it. decision: the newest one, with the groups of then.
ALTER TABLE attempt ADD COLUMN decision  TEXT COLLATE "C";
ALTER TABLE attempt ADD COLUMN asked_at  BIGINT;
ALTER TABLE attempt ADD COLUMN asked_for TEXT COLLATE "C";
ALTER TABLE attempt ADD COLUMN closed_at BIGINT;
ALTER TABLE attempt ADD COLUMN closed_as TEXT COLLATE "C" CHECK (closed_as IN ('approved', 'declined', 'blocked'));
ALTER TABLE attempt ADD COLUMN closed_by TEXT COLLATE "C";
ALTER TABLE attempt ADD COLUMN note      TEXT COLLATE "C";
