-- Schema 1. Times are milliseconds since the Unix epoch, spans are milliseconds, flags are 0 and 1.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE people (
    number     INTEGER PRIMARY KEY,
    realm      TEXT NOT NULL,
    id         TEXT NOT NULL,
    created    INTEGER NOT NULL,
    last_login INTEGER,
    role       TEXT NOT NULL DEFAULT 'member',
    groups     TEXT NOT NULL DEFAULT '',          -- separated by commas, which no group holds
    name       TEXT,
    email      TEXT,
    disabled   INTEGER NOT NULL DEFAULT 0,
    status     TEXT NOT NULL DEFAULT 'active',    -- of a local account
    password   TEXT,                              -- of a local account: its hash
    UNIQUE (realm, id)
) STRICT;

CREATE TABLE sessions (
    number       INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE,
    realm        TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    provider     TEXT NOT NULL,
    created      INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    address      TEXT NOT NULL,
    user_agent   TEXT NOT NULL,
    absolute_end INTEGER NOT NULL,
    idle         INTEGER NOT NULL,
    persistent   INTEGER NOT NULL,
    rotate       INTEGER NOT NULL,
    generation   INTEGER NOT NULL DEFAULT 0,
    refresh      BLOB NOT NULL,                   -- hash of the refresh token that is good now
    predecessor  BLOB,                            -- hash of the one before it
    sealed       BLOB,                            -- the present pair, for whoever presents the predecessor again
    rotated_at   INTEGER,
    confirmed_at INTEGER,                         -- the present pair was used first
    ended_at     INTEGER,
    end_reason   TEXT,
    told         INTEGER NOT NULL DEFAULT 0       -- the person has been told why it ended
) STRICT;

CREATE INDEX sessions_by_person ON sessions (realm, user_id);

-- Refresh tokens older than the predecessor: whoever presents one has stolen it.
CREATE TABLE past_tokens (
    session    INTEGER NOT NULL,                  -- sessions.number
    generation INTEGER NOT NULL,
    hash       BLOB NOT NULL,
    PRIMARY KEY (session, generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    session  BLOB,
    token    BLOB,
    realm    TEXT,
    user_id  TEXT,
    reason   TEXT,
    role     TEXT,
    groups   TEXT,
    name     TEXT,
    email    TEXT,
    disabled INTEGER
) STRICT;

CREATE INDEX changes_by_time ON changes (at);

CREATE TABLE audit (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    realm   TEXT,
    user_id TEXT,
    session BLOB,
    address TEXT,
    request TEXT,
    detail  TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_person ON audit (realm, user_id);
CREATE INDEX audit_by_session ON audit (session) WHERE session IS NOT NULL;
CREATE INDEX audit_by_kind ON audit (kind);
CREATE INDEX audit_by_time ON audit (at);
