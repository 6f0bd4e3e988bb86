-- The list of members: in order, counted, and by the invite that they came with.
CREATE INDEX person_by_name ON person (SUBSTR(search, 1, 100), id);
CREATE INDEX person_by_email ON person ((COALESCE(email_folded, '')), id);
CREATE INDEX member_standing ON member (organization, status, role, seat);
CREATE INDEX invite_used_by ON invite (used_by) WHERE used_by IS NOT NULL;
CREATE INDEX person_service ON person (id) WHERE service_account = 1;
