//! Room that is held back for the last commit of a full disk: a file that is removed when it is needed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use playhouse_storage::RESERVE_BYTES;
use tracing::warn;

fn file(dir: &Path) -> PathBuf {
    dir.join("reserve")
}

/// Tells whether a store has been in use here.
pub(crate) fn exists(dir: &Path) -> bool {
    file(dir).exists()
}

/// Makes the reserve, if it is not there. Without room for it the store works all the same.
pub(crate) fn make(dir: &Path) {
    make_within(dir, free_bytes(dir));
}

/// Returns how much room the disk has. Where the system does not tell, we try.
fn free_bytes(dir: &Path) -> u64 {
    rustix::fs::statvfs(dir).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn make_within(dir: &Path, free_bytes: u64) {
    let path = file(dir);
    if fs::metadata(&path).is_ok_and(|found| found.len() >= RESERVE_BYTES) {
        return;
    }
    if free_bytes < 2 * RESERVE_BYTES {
        // What is left is better used by whoever looks at the runs now than held back.
        warn!(free_bytes, "the disk is nearly full: no room held back for the last commit");
        return;
    }
    if let Err(error) = write(&path) {
        // Half a reserve is room that is taken and promises nothing.
        let _ = fs::remove_file(&path);
        warn!(%error, "no room held back for the last commit of a full disk");
    }
}

fn write(path: &Path) -> io::Result<()> {
    let mut bytes = vec![0; usize::try_from(RESERVE_BYTES).unwrap_or(0)];
    // Zeros would take no room where files are compressed or kept with holes.
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    let mut file = File::create(path)?;
    file.write_all(&bytes)?;
    file.sync_all()
}

/// Gives the room away; it is held back again when a store is next opened.
pub(crate) fn release(dir: &Path) {
    if let Err(error) = fs::remove_file(file(dir)) {
        warn!(%error, "no room was held back for the last commit");
    }
}

#[cfg(test)]
mod tests {
    use playhouse_storage::RESERVE_BYTES;

    use super::{exists, make_within};

    #[test]
    fn a_nearly_full_disk_keeps_what_is_left_for_whoever_looks() {
        let dir = tempfile::tempdir().unwrap();
        make_within(dir.path(), 2 * RESERVE_BYTES - 1);
        assert!(!exists(dir.path()));
        make_within(dir.path(), 2 * RESERVE_BYTES);
        assert!(exists(dir.path()));
    }
}
