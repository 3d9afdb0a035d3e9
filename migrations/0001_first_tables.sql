-- The first tables. `src/store/mod.rs` says what each is for.
-- Instants are milliseconds since 1970 in UTC; Discord's ids are 64 bits.

-- "Hold" in ASCII: tells a Holdpoint database from any other SQLite file.
PRAGMA application_id = 1215261796;

-- The bytes of every checklist that was ever started, by their SHA-256.
CREATE TABLE checklists (
    hash         TEXT    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    source       BLOB    NOT NULL,
    stored_at_ms INTEGER NOT NULL
) STRICT;

-- What happened, in order. Each row carries the hash of the one before.
CREATE TABLE events (
    position      INTEGER NOT NULL PRIMARY KEY,
    deployment_id INTEGER NOT NULL,
    seq           INTEGER NOT NULL CHECK (seq > 0),
    at_ms         INTEGER NOT NULL,
    actor         TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    body          TEXT    NOT NULL,
    previous_hash TEXT    NOT NULL CHECK (length(previous_hash) = 64),
    hash          TEXT    NOT NULL CHECK (length(hash) = 64),
    UNIQUE (deployment_id, seq)
) STRICT;

-- Inputs that were applied, so that none is applied twice; without a deployment, inputs that changed none.
CREATE TABLE inbox (
    input         TEXT    NOT NULL PRIMARY KEY,
    deployment_id INTEGER,
    seq           INTEGER,
    at_ms         INTEGER NOT NULL,
    CHECK ((deployment_id IS NULL) = (seq IS NULL))
) STRICT, WITHOUT ROWID;

-- Messages owed to Discord, oldest first within a deployment.
CREATE TABLE outbox (
    id            INTEGER NOT NULL PRIMARY KEY,
    deployment_id INTEGER NOT NULL,
    seq           INTEGER NOT NULL,
    owed          TEXT    NOT NULL,
    coalesces_as  TEXT,
    created_at_ms INTEGER NOT NULL,
    not_before_ms INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    why           TEXT,
    settled_at_ms INTEGER,
    given_up      INTEGER NOT NULL DEFAULT 0 CHECK (given_up IN (0, 1))
) STRICT;

-- One row owed for each thing that is edited in place; also finds what a deployment is owed.
CREATE UNIQUE INDEX outbox_owed ON outbox (deployment_id, coalesces_as) WHERE settled_at_ms IS NULL;
CREATE INDEX outbox_given_up ON outbox (id) WHERE given_up = 1;

-- What tells messages owed here from those of any other database, a restored copy of this one among them: each opening
-- makes a tag, which holds for the messages that become owed from a number on.
CREATE TABLE tags (
    from_outbox_id INTEGER NOT NULL PRIMARY KEY,
    tag            TEXT    NOT NULL CHECK (length(tag) = 6)
) STRICT;

-- What comes due. A row goes when it has fired or was stopped, so every row is pending.
CREATE TABLE timers (
    deployment_id INTEGER NOT NULL,
    key           TEXT    NOT NULL,
    due_ms        INTEGER NOT NULL,
    happens       TEXT    NOT NULL,
    PRIMARY KEY (deployment_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX timers_due ON timers (due_ms);

-- A projection of the events, for lists; it can be rebuilt from them.
CREATE TABLE deployments (
    id             INTEGER NOT NULL PRIMARY KEY,
    guild_id       INTEGER NOT NULL,
    channel_id     INTEGER NOT NULL,
    checklist_hash TEXT    NOT NULL REFERENCES checklists (hash),
    checklist_name TEXT    NOT NULL,
    title          TEXT    NOT NULL,
    version        TEXT    NOT NULL,
    environment    TEXT    NOT NULL,
    phase          TEXT    NOT NULL,
    running        INTEGER NOT NULL CHECK (running IN (0, 1)),
    closed         INTEGER NOT NULL,
    total          INTEGER NOT NULL,
    started_at_ms  INTEGER NOT NULL,
    started_by     INTEGER,
    seq            INTEGER NOT NULL
) STRICT;

CREATE INDEX deployments_of_guild ON deployments (guild_id, id);
CREATE INDEX deployments_running ON deployments (id) WHERE running = 1;

-- What was posted on Discord, and what it belongs to here.
CREATE TABLE messages (
    deployment_id INTEGER NOT NULL,
    remembered_as TEXT    NOT NULL,
    channel_id    INTEGER NOT NULL,
    message_id    INTEGER NOT NULL,
    PRIMARY KEY (deployment_id, remembered_as)
) STRICT, WITHOUT ROWID;

CREATE INDEX messages_of_message ON messages (message_id);
CREATE INDEX messages_of_thread ON messages (channel_id) WHERE remembered_as = 'thread';

-- Who holds which sign-off role in which Discord server.
CREATE TABLE owners (
    guild_id    INTEGER NOT NULL,
    role        TEXT    NOT NULL,
    holder_kind TEXT    NOT NULL CHECK (holder_kind IN ('member', 'discord_role')),
    holder_id   INTEGER NOT NULL,
    rank        TEXT    NOT NULL CHECK (rank IN ('owner', 'deputy', 'lead')),
    set_by      INTEGER NOT NULL,
    set_at_ms   INTEGER NOT NULL,
    PRIMARY KEY (guild_id, role, holder_kind, holder_id)
) STRICT, WITHOUT ROWID;

-- History is only ever added to, at its end. The guard on INSERT also stops INSERT OR REPLACE, which deletes
-- without asking the guard on DELETE.
CREATE TRIGGER events_are_added_at_the_end
BEFORE INSERT ON events
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE deployment_id = NEW.deployment_id)
    OR NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM events)
BEGIN
    SELECT RAISE(ABORT, 'an event is only ever added at the end of the history');
END;

CREATE TRIGGER events_are_never_changed
BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'history is never rewritten: an event cannot be changed');
END;

CREATE TRIGGER events_are_never_removed
BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'history is never rewritten: an event cannot be removed');
END;

CREATE TRIGGER checklists_are_never_replaced
BEFORE INSERT ON checklists
WHEN EXISTS (SELECT 1 FROM checklists WHERE hash = NEW.hash AND source <> NEW.source)
BEGIN
    SELECT RAISE(ABORT, 'history is never rewritten: a checklist cannot be replaced');
END;

CREATE TRIGGER checklists_are_never_changed
BEFORE UPDATE ON checklists
BEGIN
    SELECT RAISE(ABORT, 'history is never rewritten: a checklist cannot be changed');
END;

CREATE TRIGGER checklists_are_never_removed
BEFORE DELETE ON checklists
BEGIN
    SELECT RAISE(ABORT, 'history is never rewritten: a checklist cannot be removed');
END;

-- An input that changed no deployment may still be applied; one that was applied is never applied to anything else.
CREATE TRIGGER inputs_are_applied_once
BEFORE UPDATE ON inbox
WHEN OLD.deployment_id IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'an input is applied once');
END;
