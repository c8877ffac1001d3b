//! A one-agent scripted crew, from the start of the process to its answer.

use tempfile::TempDir;

use crate::Effort;
use crate::measure::used_by;
use playhouse_tests::{Figure, Table};

/// The floor: a process that does nothing but start.
fn nothing() -> Figure {
    let used = used_by("true", &[]);
    Figure { measured: used.cpu.as_secs_f64() * 1e3, floor: None, unit: "ms" }
}

pub(crate) fn measure(effort: Effort, table: &mut Table) {
    let binary = env!("CARGO_BIN_EXE_playhouse-test-scenarios");
    let (mut cpu_millis, mut peak_bytes) = (Vec::new(), 0);
    for _ in 0..effort.times(30) {
        let dir = TempDir::new().unwrap();
        let used = used_by(binary, &["run", "greeting", "--data-dir", dir.path().to_str().unwrap()]);
        cpu_millis.push(used.cpu.as_secs_f64() * 1e3);
        peak_bytes = peak_bytes.max(used.peak_bytes);
    }
    cpu_millis.sort_by(f64::total_cmp);
    let median =
        Figure { measured: cpu_millis[cpu_millis.len() / 2], floor: Some(nothing().measured), unit: "ms" };
    table.at_most(
        "CPU from process start to the answer of one scripted agent, strict (median)",
        25.0,
        median,
    );
    let peak = Figure { measured: peak_bytes as f64 / f64::from(1 << 20), floor: None, unit: "MiB" };
    table.at_most("peak memory of that process", 25.0, peak);
}
