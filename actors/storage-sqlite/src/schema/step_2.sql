-- Format 2: what is kept beside the records has checksums, which the migration makes (`checksum.rs`).

-- `commands_waiting` counts the rows of `inbox` whose command is not NULL, so that a lost one shows.
ALTER TABLE run ADD COLUMN open_reviews INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN commands_waiting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN checksum BLOB NOT NULL DEFAULT x'';
ALTER TABLE snapshot ADD COLUMN checksum BLOB NOT NULL DEFAULT x'';
ALTER TABLE inbox ADD COLUMN checksum BLOB NOT NULL DEFAULT x'';

UPDATE run SET commands_waiting =
    (SELECT count(*) FROM inbox WHERE inbox.run = run.no AND inbox.command IS NOT NULL);
