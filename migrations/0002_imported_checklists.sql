-- Checklists that were brought from chat, each time one was: by whom, into which Discord server, under which name. Their
-- bytes stand in `checklists`. A row stays when another takes the name or the name is given up, as what came from chat is
-- less trusted than what the operator wrote, also while an older deployment goes by it.
CREATE TABLE imports (
    id             INTEGER NOT NULL PRIMARY KEY,
    guild_id       INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    hash           TEXT    NOT NULL REFERENCES checklists (hash),
    imported_by    INTEGER NOT NULL,
    imported_at_ms INTEGER NOT NULL,
    ended_at_ms    INTEGER
) STRICT;

-- In a server, a name stands for one checklist.
CREATE UNIQUE INDEX imports_by_name ON imports (guild_id, name) WHERE ended_at_ms IS NULL;

CREATE TRIGGER imports_are_never_removed
BEFORE DELETE ON imports
BEGIN
    SELECT RAISE(ABORT, 'what was imported stays known: an import cannot be removed');
END;
