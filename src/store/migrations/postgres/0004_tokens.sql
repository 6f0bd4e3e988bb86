-- API tokens of members. The token itself is nowhere: hash is its SHA-256 in hexadecimal.
CREATE TABLE api_token (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization TEXT COLLATE "C" NOT NULL REFERENCES organization (id),
    owner        TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    hash         TEXT COLLATE "C" NOT NULL UNIQUE,
    scopes       TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at   BIGINT,
    FOREIGN KEY (organization, owner) REFERENCES member (organization, person)
);
CREATE INDEX api_token_organization ON api_token (organization, id);
CREATE INDEX api_token_owner ON api_token (organization, owner);
