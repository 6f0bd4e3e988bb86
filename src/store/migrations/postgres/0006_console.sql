-- What the console asks: the newest logins through a connection, messages that did not verify, and logins by how they ended.
CREATE INDEX decision_traces ON decision (organization, connection, audit);
CREATE INDEX audit_unverified ON audit (target, sequence) WHERE organization IS NULL AND event = 'login.refused';
CREATE INDEX audit_endings ON audit (organization, at, event, reason) WHERE reason IS NOT NULL;
