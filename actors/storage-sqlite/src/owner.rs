//! Which process owns a run: lock files, heartbeats, claims.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use playhouse_storage::{Claim as Claimed, ClaimError, PreviousOwner, StoreError, StoredHead};
use playhouse_types::{BootId, RunId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::checksum::RUN;
use crate::run_row::{self, StoredRun};
use crate::schema::{self, unusable};
use crate::writer::{Session, Task};

/// The lock that says that this process lives. The system frees it at the process's end, however that comes.
pub(crate) struct OwnerLock {
    path: PathBuf,
    /// Holds the lock while it is open.
    _file: File,
}

impl OwnerLock {
    /// Takes the lock of `boot`, enters it as an owner and forgets owners that are dead.
    ///
    /// All of it happens under the write lock of the file, as does every claim: nobody finds a lock file between its
    /// creation and its locking.
    pub(crate) fn enter(
        conn: &Connection,
        dir: &Path,
        boot: BootId,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let failed = |error| schema::failed(dir, error);
        let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate).map_err(failed)?;
        let lock = Self::take(dir, boot).map_err(|error| unusable(dir, error))?;
        forget_dead(&tx, dir, boot).map_err(|error| unusable(dir, error))?;
        beat(&tx, boot, now).map_err(failed)?;
        tx.commit().map_err(failed)?;
        Ok(lock)
    }

    fn take(dir: &Path, boot: BootId) -> io::Result<Self> {
        let path = lock_path(dir, boot);
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path, _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(io::Error::new(ErrorKind::AlreadyExists, format!("`{boot}` has it open already")))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // A file that stays behind is unlocked, which says the same.
        let _ = fs::remove_file(&self.path);
    }
}

fn locks(dir: &Path) -> PathBuf {
    dir.join("owners")
}

fn lock_path(dir: &Path, boot: BootId) -> PathBuf {
    locks(dir).join(format!("{boot}.lock"))
}

/// Makes the data directory and the one for the locks.
pub(crate) fn create_directories(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(locks(dir))
}

/// Tells whether a process lives, and removes the lock file of a dead one. The caller holds the write lock.
fn is_alive(dir: &Path, boot: BootId) -> io::Result<bool> {
    let path = lock_path(dir, boot);
    let file = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
        Ok(()) => {
            // A file that stays behind is unlocked, which says the same.
            let _ = fs::remove_file(&path);
            Ok(false)
        }
    }
}

/// Tells whether a process lives, and changes nothing: also without the write lock.
pub(crate) fn seems_alive(dir: &Path, boot: BootId) -> bool {
    let locked = File::open(lock_path(dir, boot)).map(|file| file.try_lock_shared());
    matches!(locked, Ok(Err(TryLockError::WouldBlock)))
}

fn forget_dead(
    conn: &Connection,
    dir: &Path,
    ourselves: BootId,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    for entry in fs::read_dir(locks(dir))? {
        // Files of other names are not ours to judge.
        let Some(boot) = boot_of(&entry?.path()) else { continue };
        if boot != ourselves {
            is_alive(dir, boot)?;
        }
    }
    // A row whose id was damaged is nobody's; the process that it stood for keeps its lock file.
    conn.execute("DELETE FROM owner WHERE length(boot) <> 16", ())?;
    let mut statement = conn.prepare("SELECT boot FROM owner")?;
    let boots = statement.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<Vec<[u8; 16]>>>()?;
    for bytes in boots {
        let boot = BootId::from_u128(u128::from_be_bytes(bytes));
        if boot != ourselves && !is_alive(dir, boot)? {
            conn.execute("DELETE FROM owner WHERE boot = ?1", [bytes])?;
        }
    }
    Ok(())
}

fn boot_of(path: &Path) -> Option<BootId> {
    path.file_name()?.to_str()?.strip_suffix(".lock")?.parse().ok()
}

fn beat(conn: &Connection, boot: BootId, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "INSERT INTO owner (boot, heartbeat) VALUES (?1, ?2) \
               ON CONFLICT (boot) DO UPDATE SET heartbeat = excluded.heartbeat";
    conn.prepare_cached(sql)?.execute(params![run_row::boot(boot), now.0])?;
    Ok(())
}

/// Says that this process lives.
pub(crate) struct Heartbeat;

impl Task for Heartbeat {
    type Output = ();

    fn execute(&self, session: &Session<'_>) -> rusqlite::Result<()> {
        beat(session.conn, session.boot, session.now)
    }
}

/// Lets go of a run.
pub(crate) struct Release {
    pub(crate) run: RunId,
    pub(crate) epoch: u64,
}

impl Task for Release {
    type Output = ();

    fn execute(&self, session: &Session<'_>) -> rusqlite::Result<()> {
        // A run that cannot be read keeps its owner: the next one finds it damaged either way.
        if let Some(Ok(stored)) = run_row::find(session.conn, self.run)?
            && stored.epoch == self.epoch
            && stored.owner == Some(session.boot)
        {
            session.conn.prepare_cached("UPDATE run SET owner = NULL WHERE no = ?1")?.execute([stored.no])?;
            RUN.seal(session.conn, stored.no)?;
        }
        Ok(())
    }
}

/// Makes a run ours.
pub(crate) struct Claim {
    pub(crate) run: RunId,
    pub(crate) takeover: bool,
}

impl Task for Claim {
    type Output = Result<Claimed, ClaimError>;

    fn execute(&self, session: &Session<'_>) -> rusqlite::Result<Self::Output> {
        match run_row::find(session.conn, self.run)? {
            None => Ok(Err(ClaimError::UnknownRun { run: self.run })),
            Some(Err(source)) => Ok(Err(ClaimError::Damaged { run: self.run, source })),
            Some(Ok(stored)) => self.take(session, stored),
        }
    }
}

impl Claim {
    fn take(
        &self,
        session: &Session<'_>,
        stored: StoredRun,
    ) -> rusqlite::Result<Result<Claimed, ClaimError>> {
        let StoredRun { no, epoch, owner, head, row, .. } = stored;
        let claimed = previous(session, owner)?
            .map_err(|error| ClaimError::Store(unusable(session.dir, error)))
            .and_then(|previous| previous.claim(row, StoredHead { epoch, head }, self.takeover));
        if let Ok(claimed) = &claimed {
            let sql = "UPDATE run SET owner = ?2, epoch = ?3, starts_without_progress = ?4 WHERE no = ?1";
            session.conn.prepare_cached(sql)?.execute(params![
                no,
                run_row::boot(session.boot),
                claimed.epoch.cast_signed(),
                claimed.row.starts_without_progress,
            ])?;
            RUN.seal(session.conn, no)?;
        }
        Ok(claimed)
    }
}

fn previous(session: &Session<'_>, owner: Option<BootId>) -> rusqlite::Result<io::Result<PreviousOwner>> {
    let Some(owner) = owner else { return Ok(Ok(PreviousOwner::Released)) };
    if owner == session.boot {
        return Ok(Ok(PreviousOwner::Ourselves));
    }
    match is_alive(session.dir, owner) {
        Err(error) => return Ok(Err(error)),
        Ok(false) => return Ok(Ok(PreviousOwner::Gone)),
        Ok(true) => {}
    }
    let heartbeat = session
        .conn
        .prepare_cached("SELECT heartbeat FROM owner WHERE boot = ?1")?
        .query_row([run_row::boot(owner)], |row| row.get(0).map(Timestamp))
        .optional()?;
    // A living owner without a heartbeat is not known to be silent, so it is not taken over.
    let silent_for = heartbeat.map_or(Duration::ZERO, |heartbeat| session.now.since(heartbeat));
    Ok(Ok(PreviousOwner::Alive { silent_for }))
}
