-- Schema 3. Ids that may not come back, as keyed hashes; who waits for approval; what administrators did.

CREATE TABLE blocked (
    hash BLOB PRIMARY KEY,                        -- of realm and id, under the key in the file beside the database
    at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX people_awaiting ON people (realm, id) WHERE status = 'awaiting';
CREATE INDEX audit_by_actor ON audit (detail) WHERE detail GLOB '*by *:*';
