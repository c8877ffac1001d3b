//! `--check-store`: what is stored, read from beginning to end.

use playhouse_storage::{CheckFinding, Owner, StoreCheck};
use playhouse_types::BootId;

use super::Finding;
use crate::view::one_line;

/// How many findings are shown one by one: a lost disk can make thousands.
const MAX_FINDINGS: usize = 100;

/// How many characters of a finding are shown.
const DETAIL_CHARS: usize = 300;

/// Tells what a check of the store found, for the process `ourselves`.
pub(super) fn stored(check: &StoreCheck, ourselves: BootId) -> Vec<Finding> {
    let read = check.read;
    let format = check.format.map_or_else(String::new, |format| format!("format {format}, "));
    let mut findings = vec![
        Finding::ok("store format", format!("{format}{}", check.engine)),
        owners(&check.owners, ourselves),
        Finding::ok(
            "stored",
            format!(
                "read: {} runs, {} records, {} snapshots, {} waiting commands, {} late results, {} shared intents",
                read.runs, read.records, read.snapshots, read.commands, read.late, read.intents
            ),
        ),
    ];
    findings.extend(check.findings.iter().take(MAX_FINDINGS).map(damage));
    let n_more = check.findings.len().saturating_sub(MAX_FINDINGS);
    if n_more > 0 {
        findings.push(Finding::fail(
            "damage",
            format!("{n_more} more"),
            "mend the first ones, then check again",
        ));
    } else if !check.is_damaged() {
        findings.push(Finding::ok("damage", "none"));
    }
    findings
}

fn damage(finding: &CheckFinding) -> Finding {
    let fault = &finding.fault;
    let detail = match finding.run {
        Some(run) => format!("run `{run}`: {fault}"),
        None => fault.to_string(),
    };
    let detail = one_line(&detail, DETAIL_CHARS);
    if fault.is_harmless() {
        Finding::warn("left over", detail, fault.advice())
    } else {
        Finding::fail("damage", detail, fault.advice())
    }
}

fn owners(owners: &[Owner], ourselves: BootId) -> Finding {
    let others: Vec<String> = owners.iter().filter(|owner| owner.boot != ourselves).map(owner).collect();
    if others.is_empty() {
        return Finding::ok("processes", "no other one has the store open");
    }
    Finding::ok("processes", others.join("; "))
}

fn owner(owner: &Owner) -> String {
    let life = if owner.is_alive { "lives" } else { "has ended" };
    match owner.silent_for {
        Some(silent_for) => {
            format!("`{}` {life}, last sign of life {} s ago", owner.boot, silent_for.as_secs())
        }
        None => format!("`{}` {life}", owner.boot),
    }
}
