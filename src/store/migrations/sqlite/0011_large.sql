-- What large organizations need: lists in every order and by every filter, found by an index and not by looking at every member.
CREATE INDEX member_by_login ON member (organization, COALESCE(last_login_at, 0), person);
CREATE INDEX member_by_joining ON member (organization, joined_at, person);
CREATE INDEX member_pinned ON member (organization, person) WHERE pin IS NOT NULL;
-- With person and id, counting and searching look at this index alone.
DROP INDEX member_standing;
CREATE INDEX member_standing ON member (organization, status, role, seat, person, id);
-- What every login asks, whatever the planner thinks of the index above: who the Primary Owner is, and who else administers.
CREATE INDEX member_owner ON member (organization, status) WHERE primary_owner = 1;
DROP INDEX member_role;
CREATE INDEX member_role ON member (organization, status, role, person) WHERE status = 'active' AND last_login_at IS NOT NULL;
-- Logins are counted one event and reason at a time, as far back as is asked for.
DROP INDEX audit_endings;
CREATE INDEX audit_endings ON audit (organization, event, reason, at) WHERE reason IS NOT NULL;
