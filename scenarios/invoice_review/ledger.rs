//! The ledger: one file, one JSON line for each payment.
//!
//! A line counts once its last byte is written. A torn last line, which a crash in mid-write leaves, is no
//! payment; the next write replaces it. Any number of threads and processes may share a ledger.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    currency::Currency,
    names::{CaseName, InvoiceNumber, Supplier},
    register::InvoiceKey,
};

/// Held during each look at a ledger: on some network file systems the lock of a file counts for a
/// whole process and so would not keep two of its threads apart.
static IN_PROCESS: Mutex<()> = Mutex::new(());

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerLine {
    /// The idempotency key of the call that paid: the same after a crash, another in another run.
    pub(crate) key: String,
    /// The case that was settled.
    pub(crate) case: CaseName,
    /// Who was paid.
    pub(crate) supplier: Supplier,
    /// The supplier's number of the invoice.
    pub(crate) invoice: InvoiceNumber,
    /// The amount in minor units of the currency.
    pub(crate) amount_minor: i64,
    /// The currency.
    pub(crate) currency: Currency,
}

impl LedgerLine {
    /// Returns what is paid at most once: the supplier's invoice, however it is written.
    fn invoice_key(&self) -> InvoiceKey {
        InvoiceKey::new(&self.supplier, &self.invoice)
    }
}

/// A ledger that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum LedgerError {
    /// It could not be opened, locked or read; nothing was written.
    #[error("the ledger `{path}` cannot be opened")]
    NotOpened {
        /// The ledger.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line before the last is no payment; nothing was written. Somebody has to mend it.
    #[error("line {line} of the ledger `{path}` is not a payment; mend it or use another ledger")]
    BadLine {
        /// The ledger.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A write was begun and may or may not have arrived.
    #[error("the ledger `{path}` may or may not hold the payment")]
    Unsure {
        /// The ledger.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What became of a payment that was to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Appended {
    /// It is in the ledger, on disk.
    Now,
    /// The ledger already held a payment of that invoice, and holds no second one.
    Earlier(LedgerLine),
}

/// A ledger, opened anew for each use, so that it may be moved away between two.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
}

impl Ledger {
    /// Opens a ledger; makes an empty one, and its folders, if there is none.
    ///
    /// # Errors
    /// [`LedgerError::NotOpened`] or [`LedgerError::BadLine`].
    pub(crate) fn open(path: PathBuf) -> Result<Self, LedgerError> {
        let ledger = Self { path };
        let _in_process = in_process();
        let file = ledger.locked()?;
        ledger.contents(&file)?;
        // The name of a file is on disk only once its folder is, whoever made it.
        ledger.sync_folder().map_err(|source| ledger.not_opened(source))?;
        Ok(ledger)
    }

    /// Finds the payment of an invoice. What is found is on disk.
    ///
    /// # Errors
    /// [`LedgerError::NotOpened`] or [`LedgerError::BadLine`]; safe to ask again.
    pub(crate) fn find(
        &self,
        supplier: &Supplier,
        invoice: &InvoiceNumber,
    ) -> Result<Option<LedgerLine>, LedgerError> {
        let _in_process = in_process();
        let file = self.locked()?;
        let found = self.contents(&file)?.payment_of(&InvoiceKey::new(supplier, invoice));
        if found.is_some() {
            // Who wrote it may have died before it was on disk; nobody should rely on it until it is.
            file.sync_data().map_err(|source| self.not_opened(source))?;
        }
        Ok(found)
    }

    /// Appends a payment unless the ledger holds one of that invoice; then it is on disk.
    ///
    /// # Errors
    /// [`LedgerError::Unsure`] if it may have been written; otherwise nothing was.
    pub(crate) fn append(&self, payment: &LedgerLine) -> Result<Appended, LedgerError> {
        let _in_process = in_process();
        let mut file = self.locked()?;
        let contents = self.contents(&file)?;
        let unsure = |source| LedgerError::Unsure { path: self.path.clone(), source };
        if let Some(earlier) = contents.payment_of(&payment.invoice_key()) {
            file.sync_data().map_err(unsure)?;
            return Ok(Appended::Earlier(earlier));
        }
        let mut text = match contents.end {
            End::Line => String::new(),
            End::Unended => "\n".to_owned(),
            End::Torn { whole_bytes } => {
                file.set_len(whole_bytes).map_err(|source| self.not_opened(source))?;
                String::new()
            }
        };
        // A payment consists of texts and a number, so it has a JSON form.
        text.push_str(&serde_json::to_string(payment).map_err(|error| self.not_opened(error.into()))?);
        text.push('\n');
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(unsure)?;
        Ok(Appended::Now)
    }

    /// Opens the file and waits until nobody else in any process has it open; closing it gives it back.
    fn locked(&self) -> Result<File, LedgerError> {
        let open = || -> io::Result<File> {
            let is_new = !self.path.exists();
            if is_new {
                fs::create_dir_all(self.folder())?;
            }
            let file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
            file.lock()?;
            if is_new {
                self.sync_folder()?;
            }
            Ok(file)
        };
        open().map_err(|source| self.not_opened(source))
    }

    fn folder(&self) -> &Path {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(self.folder())?.sync_all()
    }

    fn not_opened(&self, source: io::Error) -> LedgerError {
        LedgerError::NotOpened { path: self.path.clone(), source }
    }

    fn contents(&self, mut file: &File) -> Result<Contents, LedgerError> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|source| self.not_opened(source))?;
        Contents::read(&bytes).map_err(|line| LedgerError::BadLine { path: self.path.clone(), line })
    }
}

/// A panic while it was held has left nothing behind that another look does not see.
fn in_process() -> MutexGuard<'static, ()> {
    IN_PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a ledger ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With a whole line, or with nothing.
    Line,
    /// With a line that lacks only its line break.
    Unended,
    /// With a piece of a line, behind so many bytes of whole ones.
    Torn { whole_bytes: u64 },
}

/// What a ledger holds.
#[derive(Debug, PartialEq, Eq)]
struct Contents {
    payments: Vec<LedgerLine>,
    end: End,
}

impl Contents {
    /// Reads a ledger; the error is the number of a line that is no payment.
    fn read(bytes: &[u8]) -> Result<Self, usize> {
        let mut payments = Vec::new();
        let mut end = End::Line;
        let mut n_bytes = 0;
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let is_whole = line.ends_with(b"\n");
            match serde_json::from_slice(line) {
                Ok(payment) => payments.push(payment),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(_) if !is_whole && is_torn(line) => end = End::Torn { whole_bytes: n_bytes },
                Err(_) => return Err(index + 1),
            }
            if !is_whole && end == End::Line {
                end = End::Unended;
            }
            n_bytes += line.len() as u64;
        }
        Ok(Self { payments, end })
    }

    fn payment_of(&self, key: &InvoiceKey) -> Option<LedgerLine> {
        self.payments.iter().find(|payment| payment.invoice_key() == *key).cloned()
    }
}

/// Tells whether a text is the beginning of a line; anything else is somebody's file and stays.
fn is_torn(line: &[u8]) -> bool {
    let is_whole_json = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    line.starts_with(b"{") && !is_whole_json
}

#[cfg(test)]
mod tests;
