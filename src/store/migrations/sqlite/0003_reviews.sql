-- What a provider last said about each person of an organization: what a review of settings asks everybody's next login with, without reading
-- everybody's history. has_groups: the claim said something (present or empty); such a login is not replaced by one that said nothing.
CREATE TABLE last_identity (
    organization TEXT   NOT NULL REFERENCES organization (id),
    person       TEXT   NOT NULL REFERENCES person (id),
    at           BIGINT NOT NULL,
    email_folded TEXT,
    has_groups   BIGINT NOT NULL CHECK (has_groups IN (0, 1)),
    identity     TEXT   NOT NULL,
    PRIMARY KEY (organization, person)
);
INSERT INTO last_identity (organization, person, at, email_folded, has_groups, identity)
SELECT organization, person, at, lower(json_extract(identity, '$.email')),
       json_extract(identity, '$.groups.state') IN ('present', 'empty'), identity
FROM decision WHERE audit IN (
    SELECT COALESCE(max(CASE WHEN json_extract(identity, '$.groups.state') IN ('present', 'empty') THEN audit END), max(audit))
    FROM decision WHERE person IS NOT NULL GROUP BY organization, person);

-- The settings that each save replaced, for undoing it.
CREATE TABLE settings_history (
    revision    BIGINT NOT NULL PRIMARY KEY,
    replaced_at BIGINT NOT NULL,
    actor       TEXT   NOT NULL,
    document    TEXT   NOT NULL
);
