-- Schema 2. One-time links for forgotten passwords; a person has one at most.

CREATE TABLE resets (
    hash       BLOB PRIMARY KEY,
    realm      TEXT NOT NULL,
    id         TEXT NOT NULL,
    good_until INTEGER NOT NULL,
    UNIQUE (realm, id)
) STRICT, WITHOUT ROWID;
