-- What a login writes to places all over the file costs it most. Less of that:
-- Who else administers is found by member_standing. This index was written anew each time, because the last login was in its condition.
DROP INDEX member_role;
-- Somebody's decisions are found by the lines about them.
DROP INDEX decision_person;
-- What people did to themselves, as logins are, is found by the lines about them too.
DROP INDEX audit_actor;
CREATE INDEX audit_actor ON audit (organization, actor, at, sequence) WHERE target IS NULL OR target <> actor;
