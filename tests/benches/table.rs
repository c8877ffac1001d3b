//! The table that is printed.

use std::fmt;

/// One row.
#[derive(Debug)]
struct Row {
    what: String,
    target: String,
    measured: f64,
    floor: Option<f64>,
    unit: &'static str,
    is_met: bool,
}

/// Rows, in the order in which they were measured.
#[derive(Default, Debug)]
pub(crate) struct Table(Vec<Row>);

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) measured: f64,
    pub(crate) floor: Option<f64>,
    pub(crate) unit: &'static str,
}

impl Table {
    /// Adds a figure that is to be at most `target`.
    pub(crate) fn at_most(&mut self, what: &str, target: f64, figure: Figure) {
        self.add(what, format!("<= {}", number(target)), figure, figure.measured <= target);
    }

    /// Adds a figure that is to be at least `target`.
    pub(crate) fn at_least(&mut self, what: &str, target: f64, figure: Figure) {
        self.add(what, format!(">= {}", number(target)), figure, figure.measured >= target);
    }

    fn add(&mut self, what: &str, target: String, figure: Figure, is_met: bool) {
        let Figure { measured, floor, unit } = figure;
        eprintln!("{what}: {} {unit}", number(measured));
        self.0.push(Row { what: what.to_owned(), target, measured, floor, unit, is_met });
    }
}

/// Shows three digits that count.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value if value >= 0.01 => format!("{value:.3}"),
        value => format!("{value:.5}"),
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}\n", machine())?;
        writeln!(f, "| what | target | measured | floor | |\n|---|---|---|---|---|")?;
        for Row { what, target, measured, floor, unit, is_met } in &self.0 {
            let floor = floor.map(number).unwrap_or_default();
            let verdict = if *is_met { "met" } else { "missed" };
            let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
            writeln!(f, "| {what} | {target}{unit} | {}{unit} | {floor} | {verdict} |", number(*measured))?;
        }
        Ok(())
    }
}

/// Says on what was measured, and how busy it was with other things.
fn machine() -> String {
    // Where there is no `/proc`, less is said.
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    format!("Measured on {cores} cores of {model}, {}; load at the end: {load}.", std::env::consts::OS)
}
