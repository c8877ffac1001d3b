//! Which process owns a run: lock files, heartbeats, claims.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use playhouse_journal::{CodecError, RunRow};
use playhouse_storage::{Claim as Claimed, ClaimError, PreviousOwner, StoreError};
use playhouse_types::{BootId, RunId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::run_row;
use crate::schema::unusable;
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
        let failed = |error: rusqlite::Error| unusable(dir, error);
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
        let sql = "UPDATE run SET owner = NULL WHERE id = ?1 AND epoch = ?2 AND owner = ?3";
        let owner = run_row::boot(session.boot);
        session.conn.prepare_cached(sql)?.execute(params![
            run_row::id(self.run),
            self.epoch.cast_signed(),
            owner
        ])?;
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
            Some(Ok(row)) => self.take(session, row),
        }
    }
}

impl Claim {
    fn take(&self, session: &Session<'_>, row: RunRow) -> rusqlite::Result<Result<Claimed, ClaimError>> {
        let mut statement = session.conn.prepare_cached("SELECT epoch, owner FROM run WHERE id = ?1")?;
        let (epoch, owner) = statement.query_row([run_row::id(self.run)], |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, Option<Vec<u8>>>(1)?))
        })?;
        let Ok(owner) = owner.map(<[u8; 16]>::try_from).transpose() else {
            let source = CodecError::UnreadableRow { field: "owner" };
            return Ok(Err(ClaimError::Damaged { run: self.run, source }));
        };
        let owner = owner.map(|bytes| BootId::from_u128(u128::from_be_bytes(bytes)));
        let claimed = previous(session, owner)?
            .map_err(|error| ClaimError::Store(unusable(session.dir, error)))
            .and_then(|previous| previous.claim(row, epoch, self.takeover));
        if let Ok(claimed) = &claimed {
            let sql = "UPDATE run SET owner = ?2, epoch = ?3, starts_without_progress = ?4 WHERE id = ?1";
            session.conn.prepare_cached(sql)?.execute(params![
                run_row::id(self.run),
                run_row::boot(session.boot),
                claimed.epoch.cast_signed(),
                claimed.row.starts_without_progress,
            ])?;
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
