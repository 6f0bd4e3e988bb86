-- What was removed, one row a member: by hand many at once under one id, at a login (row 17) one alone. Undone until the undo window ends.
CREATE TABLE removal (
    id           TEXT COLLATE "C" NOT NULL,
    member       TEXT COLLATE "C" NOT NULL REFERENCES member (id),
    organization TEXT COLLATE "C" NOT NULL REFERENCES organization (id),
    at           BIGINT NOT NULL,
    actor        TEXT COLLATE "C" NOT NULL,
    before       TEXT COLLATE "C" NOT NULL,
    undone_at    BIGINT,
    PRIMARY KEY (id, member)
);
CREATE INDEX removal_at ON removal (organization, at);
CREATE INDEX removal_member ON removal (member, at);

-- Who sent it, as audit lines name them; empty for those of before, and for the hold of a Primary Owner.
ALTER TABLE invite ADD COLUMN invited_by TEXT COLLATE "C";

-- The queues for full tiers, first come, first served.
CREATE INDEX member_waiting ON member (organization, wanted_since) WHERE wanted_tier IS NOT NULL;

-- The last logins of a connection.
CREATE INDEX decision_connection ON decision (connection, audit);
