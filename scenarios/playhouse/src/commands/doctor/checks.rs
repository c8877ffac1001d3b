//! The checks, one function each.

use std::io::IsTerminal;
use std::path::Path;
use std::process::Command;

use playhouse_journal::RunRow;
use playhouse_models::{ModelConfig, ModelSettings, RecordedModel};
use playhouse_storage::StoreError;
use playhouse_types::{ModelName, RunStatus};

use super::Finding;
use super::stored::stored;
use crate::ScenarioEntry;
use crate::commands::command_error::CommandError;
use crate::commands::session::{Session, program_name};
use crate::host::{OpenError, RuntimeOptions};
use crate::view::{Style, bytes, one_line};

/// Below this much free space runs still work, but not for long.
const LOW_SPACE_BYTES: u64 = 1_000_000_000;
/// Below this much a commit may fail any moment.
const NO_SPACE_BYTES: u64 = 50_000_000;

/// The file of the store. Only looked at while this process has no store open: closing it frees locks (POSIX.1, `fcntl`).
const STORE_FILE: &str = "playhouse.db";

/// How many characters of an error are shown.
const DETAIL_CHARS: usize = 300;

/// Checks that the data directory and the store in it can be written, without which runs cannot go on.
pub(super) fn data_directory(path: &Path) -> Finding {
    let check = "data directory";
    let shown = path.display().to_string();
    let advice = "make it writable, or name another with `--data-dir` or PLAYHOUSE_DATA_DIR";
    if !path.exists() {
        return Finding::ok(check, format!("`{shown}` does not exist yet; the first run makes it"));
    }
    if !path.is_dir() {
        return Finding::fail(check, format!("`{shown}` is not a folder"), advice);
    }
    let probe = path.join(format!(".doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"")
        .and_then(|()| std::fs::remove_file(&probe))
        .and_then(|()| open_to_write(&path.join(STORE_FILE)));
    match written {
        Ok(()) => Finding::ok(check, format!("`{shown}` can be written")),
        Err(error) => Finding::fail(check, format!("`{shown}` cannot be written: {error}"), advice),
    }
}

/// Opens a file for writing, if it is there, and leaves it as it is.
fn open_to_write(path: &Path) -> std::io::Result<()> {
    match std::fs::OpenOptions::new().append(true).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Checks the free space of the disk that the data directory is, or will be, on.
pub(super) fn free_space(path: &Path) -> Finding {
    let check = "free space";
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = absolute.ancestors().find(|folder| folder.exists()).unwrap_or(&absolute);
    match free_bytes(existing) {
        Some(free @ ..NO_SPACE_BYTES) => {
            Finding::fail(check, bytes(free), "make room: a full disk stops all runs")
        }
        Some(free @ ..LOW_SPACE_BYTES) => Finding::warn(check, bytes(free), "make room before long runs"),
        Some(free) => Finding::ok(check, bytes(free)),
        None => Finding::warn(check, "`df` does not say", ""),
    }
}

/// Asks `df`: the standard library does not know, and a call of the system would need unsafe code.
fn free_bytes(path: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(path).output().ok()?;
    parse_df(&String::from_utf8(output.stdout).ok()?)
}

/// Reads the fourth column of the last line of `df -Pk` (POSIX.1-2017, `df`), in units of 1024 bytes.
pub(super) fn parse_df(output: &str) -> Option<u64> {
    let blocks: u64 = output.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(blocks.saturating_mul(1024))
}

/// Opens the store for reading, if there is one, and looks at its runs; with `all` at everything in it.
pub(super) async fn store(session: &Session<'_>, all: bool) -> Vec<Finding> {
    let check = "store";
    let advice = "see the message; what is on record is not changed by a failed start";
    let runtime = match session.open_to_read().await {
        Ok(None) => return vec![Finding::ok(check, "none yet")],
        Ok(Some(runtime)) => runtime,
        Err(CommandError::Open(OpenError::Store(error @ StoreError::TooOld { .. }))) => {
            return vec![Finding::warn(check, one_line(&error.to_string(), DETAIL_CHARS), "")];
        }
        Err(error) => {
            return vec![Finding::fail(check, one_line(&error.with_causes(), DETAIL_CHARS), advice)];
        }
    };
    let store = &runtime.inner.store;
    let rows = match futures::try_join!(store.runs(), store.damaged_runs()) {
        Ok((rows, damaged)) if damaged.is_empty() || all => Ok(rows),
        Ok((_, damaged)) => Err(format!("{} of its runs are damaged", damaged.len())),
        Err(error) => Err(error.to_string()),
    };
    let checked = if all { Some(store.check().await) } else { None };
    let boot = runtime.inner.boot;
    if let Err(error) = runtime.close().await {
        return vec![Finding::fail(check, one_line(&error.to_string(), DETAIL_CHARS), advice)];
    }
    let mut findings = match rows {
        Ok(rows) => runs(&rows),
        Err(text) => vec![Finding::fail(
            check,
            one_line(&text, DETAIL_CHARS),
            format!("`{} doctor --check-store` tells more; others are not affected", program_name()),
        )],
    };
    match checked {
        Some(Ok(checked)) => findings.extend(stored(&checked, boot)),
        Some(Err(error)) => {
            let error = CommandError::from(OpenError::from(error)).with_causes();
            findings.push(Finding::fail("stored", one_line(&error, DETAIL_CHARS), advice));
        }
        None => {}
    }
    findings
}

/// Looks at the rows of all runs.
fn runs(rows: &[RunRow]) -> Vec<Finding> {
    let count = |status| rows.iter().filter(|row| row.status == status).count();
    let mut findings = vec![Finding::ok("store", format!("opens and reads; runs: {}", rows.len()))];
    let program = program_name();
    let (running, waiting) =
        (count(RunStatus::Running), count(RunStatus::Waiting) + count(RunStatus::Paused));
    findings.push(if running + waiting == 0 {
        Finding::ok("open runs", "none")
    } else {
        let advice = format!("`{program} resume --all` goes on with those that no process works on");
        Finding::warn("open runs", format!("{running} running, {waiting} waiting for a person"), advice)
    });
    let quarantined = count(RunStatus::Quarantined);
    if quarantined > 0 {
        let advice = format!("`{program} show RUN` tells where it crashed");
        findings.push(Finding::warn("quarantined runs", quarantined.to_string(), advice));
    }
    findings
}

/// Checks that every scenario of the binary is valid with its default parameters.
pub(super) fn scenarios(scenarios: &[ScenarioEntry]) -> Finding {
    let invalid: Vec<&str> =
        scenarios.iter().filter(|entry| entry.with_settings(&[]).is_err()).map(ScenarioEntry::name).collect();
    if invalid.is_empty() {
        return Finding::ok("scenarios", format!("{} valid", scenarios.len()));
    }
    let advice = format!("`{} list` tells what is wrong", program_name());
    Finding::fail("scenarios", format!("not valid: {}", invalid.join(", ")), advice)
}

/// Tells which model would be asked, where, and why. Never shows a key.
pub(super) fn model(options: &RuntimeOptions) -> Vec<Finding> {
    let set = |is_set: bool| if is_set { "set" } else { "not set" };
    let key = format!("OPENAI_API_KEY is {}", set(options.api_key.is_some()));
    let model = match &options.model {
        None => Finding::ok("model", "PLAYHOUSE_MODEL is not set: an agent's own model, else its script"),
        Some(name) => Finding::ok(
            "model",
            format!("`{}` from PLAYHOUSE_MODEL, where an agent names none", one_line(name, 80)),
        ),
    };
    // Scripts and recordings are answered from here.
    let asks_endpoint = options
        .model
        .as_deref()
        .is_some_and(|name| name != ModelName::SCRIPTED && !name.starts_with(RecordedModel::PREFIX));
    let settings = ModelSettings {
        model: Some(options.model.as_deref().unwrap_or("any")),
        base_url: options.base_url.as_deref(),
        api_key: options.api_key.as_ref().map(crate::host::Secret::expose),
    };
    let endpoint = match ModelConfig::resolve(&settings) {
        Ok(config) if options.base_url.is_some() => {
            Finding::ok("model endpoint", format!("{} from OPENAI_BASE_URL; {key}", config.endpoint))
        }
        Ok(config) => Finding::ok("model endpoint", format!("{}, the vendor's; {key}", config.endpoint)),
        Err(_) if options.base_url.is_none() && options.api_key.is_none() && !asks_endpoint => Finding::ok(
            "model endpoint",
            "none: scripts and recordings only; OPENAI_API_KEY or OPENAI_BASE_URL would name one",
        ),
        Err(error) => Finding::fail("model endpoint", error.to_string(), "mend or unset the variable"),
    };
    vec![model, endpoint]
}

/// Tells what the live view will look like.
pub(super) fn terminal() -> Finding {
    let named = |is_terminal: bool| if is_terminal { "a terminal" } else { "no terminal" };
    let color = if Style::of_stderr() == Style::Colored { "colored" } else { "plain" };
    let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
    Finding::ok("terminal", format!("stdout is {}, stderr is {} ({color})", named(out), named(err)))
}
