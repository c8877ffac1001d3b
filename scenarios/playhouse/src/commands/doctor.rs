//! `playhouse doctor`: looks for what keeps runs from working, and says what to do.

mod checks;
mod stored;

use clap::Args;
use playhouse_types::ExitCode;
use serde::Serialize;

use super::command_error::CommandError;
use super::output::{print, print_json};
use super::session::Session;
use super::table::{table, trim};

/// Checks data directory, store, scenarios, model and terminal
#[derive(Args, Debug)]
pub(super) struct DoctorArgs {
    /// Reads all that is stored and names what is damaged; takes a while
    #[arg(long)]
    check_store: bool,
}

/// How a check came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    status: Verdict,
    detail: String,
    /// What to do; empty if nothing.
    advice: String,
}

impl Finding {
    fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, status: Verdict::Ok, detail: detail.into(), advice: String::new() }
    }

    fn warn(check: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, status: Verdict::Warn, detail: detail.into(), advice: advice.into() }
    }

    fn fail(check: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, status: Verdict::Fail, detail: detail.into(), advice: advice.into() }
    }
}

/// Checks everything and prints what was found; the exit code is 1 if a check failed.
pub(super) async fn doctor(session: &Session<'_>, args: &DoctorArgs) -> Result<ExitCode, CommandError> {
    let mut findings =
        vec![checks::data_directory(session.data_dir()), checks::free_space(session.data_dir())];
    findings.extend(checks::store(session, args.check_store).await);
    findings.push(checks::scenarios(session.scenarios()));
    findings.extend(checks::model(&session.options()));
    findings.push(checks::terminal());
    if session.is_json() {
        print_json(&findings)?;
    } else {
        print(&text(&findings))?;
    }
    let has_failed = findings.iter().any(|finding| finding.status == Verdict::Fail);
    Ok(if has_failed { ExitCode::Failed } else { ExitCode::Concluded })
}

fn text(findings: &[Finding]) -> String {
    let mut table = table(["CHECK", "STATUS", "FOUND", "WHAT TO DO"]);
    for Finding { check, status, detail, advice } in findings {
        let status = match status {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        table.add_row([*check, status, detail, advice]);
    }
    trim(&table)
}

#[cfg(test)]
mod tests;
