-- Times are microseconds since 1970 in UTC; yes and no are 1 and 0; JSON is text. Short names and opaque ids are the primary keys.
-- Texts are compared by their bytes (COLLATE "C"), as SQLite does it: the order of a list must not depend on how the server was installed.

-- One row: the parent organization and the number of the last change of settings.
CREATE TABLE parent (
    id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name     TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL
);

-- Settings: one row an object, the object itself as JSON, so that one can be edited by itself.
-- A connection or organization that was taken out of the settings stays as a row (removed_at), because links and history name it.
CREATE TABLE domain (
    name     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    parent   TEXT COLLATE "C" NOT NULL REFERENCES parent (id),
    position BIGINT NOT NULL,
    document TEXT COLLATE "C" NOT NULL
);
CREATE TABLE connection (
    id                TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    parent            TEXT COLLATE "C" NOT NULL REFERENCES parent (id),
    position          BIGINT NOT NULL,
    document          TEXT COLLATE "C" NOT NULL,
    relink_open_until BIGINT,
    removed_at        BIGINT
);
CREATE TABLE organization (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    parent     TEXT COLLATE "C" NOT NULL REFERENCES parent (id),
    position   BIGINT NOT NULL,
    document   TEXT COLLATE "C" NOT NULL,
    removed_at BIGINT
);

-- The seat gate. used = seats of active members + seats held by open invites.
CREATE TABLE seat (
    organization TEXT COLLATE "C" NOT NULL REFERENCES organization (id),
    tier         TEXT COLLATE "C" NOT NULL,
    rank         BIGINT NOT NULL,
    owned        BIGINT NOT NULL CHECK (owned >= 0),
    used         BIGINT NOT NULL CHECK (used >= 0),
    PRIMARY KEY (organization, tier)
);

CREATE TABLE person (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    parent          TEXT COLLATE "C" NOT NULL REFERENCES parent (id),
    email           TEXT COLLATE "C",
    email_folded    TEXT COLLATE "C",
    name            TEXT COLLATE "C",
    search          TEXT COLLATE "C" NOT NULL,
    service_account BIGINT NOT NULL CHECK (service_account IN (0, 1)),
    created_at      BIGINT NOT NULL
);
CREATE INDEX person_email ON person (parent, email_folded);

CREATE TABLE link (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    person     TEXT COLLATE "C" NOT NULL REFERENCES person (id),
    connection TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    subject    TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (connection, subject)
);
CREATE INDEX link_person ON link (person);

CREATE TABLE member (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    person          TEXT COLLATE "C" NOT NULL REFERENCES person (id),
    organization    TEXT COLLATE "C" NOT NULL REFERENCES organization (id),
    status          TEXT COLLATE "C" NOT NULL CHECK (status IN ('active', 'removed', 'blocked')),
    role            TEXT COLLATE "C" NOT NULL,
    seat            TEXT COLLATE "C",
    wanted_tier     TEXT COLLATE "C",
    wanted_since    BIGINT,
    seat_unassigned BIGINT NOT NULL CHECK (seat_unassigned IN (0, 1)),
    pin             TEXT COLLATE "C",
    primary_owner   BIGINT NOT NULL CHECK (primary_owner IN (0, 1)),
    last_login_at   BIGINT,
    last_groups_at  BIGINT,
    joined_at       BIGINT NOT NULL,
    revision        BIGINT NOT NULL,
    UNIQUE (organization, person),
    FOREIGN KEY (organization, seat) REFERENCES seat (organization, tier),
    CHECK (status = 'active' OR seat IS NULL),
    CHECK ((wanted_tier IS NULL) = (wanted_since IS NULL))
);
CREATE INDEX member_person ON member (person);
CREATE INDEX member_seat ON member (organization, seat) WHERE seat IS NOT NULL;
CREATE INDEX member_role ON member (organization, role) WHERE status = 'active' AND last_login_at IS NOT NULL;
CREATE UNIQUE INDEX member_primary_owner ON member (organization) WHERE primary_owner = 1;

-- held: the seat that the invite keeps taken; empty once it was used, revoked, or found expired.
CREATE TABLE invite (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization  TEXT COLLATE "C" NOT NULL REFERENCES organization (id),
    email         TEXT COLLATE "C" NOT NULL,
    email_folded  TEXT COLLATE "C" NOT NULL,
    role          TEXT COLLATE "C" NOT NULL,
    seat          TEXT COLLATE "C",
    held          TEXT COLLATE "C",
    primary_owner BIGINT NOT NULL CHECK (primary_owner IN (0, 1)),
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    closed_at     BIGINT,
    used_by       TEXT COLLATE "C" REFERENCES member (id),
    FOREIGN KEY (organization, held) REFERENCES seat (organization, tier),
    CHECK (closed_at IS NULL OR held IS NULL)
);
CREATE INDEX invite_email ON invite (organization, email_folded);
CREATE INDEX invite_held ON invite (organization, expires_at) WHERE held IS NOT NULL;

CREATE TABLE audit (
    sequence     BIGINT NOT NULL PRIMARY KEY CHECK (sequence > 0),
    id           TEXT COLLATE "C" NOT NULL UNIQUE,
    at           BIGINT NOT NULL,
    event        TEXT COLLATE "C" NOT NULL,
    actor        TEXT COLLATE "C" NOT NULL,
    organization TEXT COLLATE "C",
    target       TEXT COLLATE "C",
    reason       TEXT COLLATE "C",
    detail       TEXT COLLATE "C" NOT NULL,
    origin       TEXT COLLATE "C" NOT NULL,
    hash         TEXT COLLATE "C" NOT NULL
);

CREATE TABLE decision (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at           BIGINT NOT NULL,
    organization TEXT COLLATE "C" NOT NULL REFERENCES organization (id),
    connection   TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    person       TEXT COLLATE "C" REFERENCES person (id),
    member       TEXT COLLATE "C" REFERENCES member (id),
    identity     TEXT COLLATE "C" NOT NULL,
    decision     TEXT COLLATE "C" NOT NULL,
    incident     TEXT COLLATE "C",
    audit        BIGINT NOT NULL UNIQUE REFERENCES audit (sequence)
);
CREATE INDEX decision_person ON decision (organization, person, audit);
CREATE INDEX decision_incident ON decision (incident) WHERE incident IS NOT NULL;

-- Refused logins that wait for an admin; no_seats_left is the waiting list.
CREATE TABLE attempt (
    organization TEXT COLLATE "C" NOT NULL REFERENCES organization (id),
    connection   TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    subject      TEXT COLLATE "C" NOT NULL,
    reason       TEXT COLLATE "C" NOT NULL,
    email        TEXT COLLATE "C",
    first_at     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    count        BIGINT NOT NULL,
    PRIMARY KEY (organization, connection, subject, reason)
);

CREATE TABLE claim_health (
    connection      TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES connection (id),
    last_present_at BIGINT NOT NULL
);

CREATE TABLE seen_group (
    connection   TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    value        TEXT COLLATE "C" NOT NULL,
    last_seen_at BIGINT NOT NULL,
    PRIMARY KEY (connection, value)
);
