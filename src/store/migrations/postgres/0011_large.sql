-- What large organizations need: lists in every order and by every filter, found by an index and not by looking at every member.
CREATE INDEX member_by_login ON member (organization, (COALESCE(last_login_at, 0)), person);
CREATE INDEX member_by_joining ON member (organization, joined_at, person);
CREATE INDEX member_pinned ON member (organization, person) WHERE pin IS NOT NULL;
-- With person and id, counting and searching look at this index alone.
DROP INDEX member_standing;
CREATE INDEX member_standing ON member (organization, status, role, seat, person, id);
-- Logins are counted one event and reason at a time, as far back as is asked for.
DROP INDEX audit_endings;
CREATE INDEX audit_endings ON audit (organization, event, reason, at) WHERE reason IS NOT NULL;
