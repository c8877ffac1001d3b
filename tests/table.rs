//! The Markdown table that benchmarks and the fault matrix print.

use std::fmt;

/// One row.
#[derive(Debug)]
struct Row {
    what: String,
    target: String,
    measured: String,
    floor: Option<f64>,
    verdict: String,
}

/// Rows, in the order in which they were measured.
#[derive(Default, Debug)]
pub struct Table {
    rows: Vec<Row>,
    is_wrong: bool,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// How much it is.
    pub measured: f64,
    /// The least that it could be, measured in the same run.
    pub floor: Option<f64>,
    /// What it is counted in.
    pub unit: &'static str,
}

impl Table {
    /// Adds a figure that is to be at most `target`; one that is missed is shown as that.
    pub fn at_most(&mut self, what: &str, target: f64, figure: Figure) {
        self.figure(what, &format!("<= {}", number(target)), figure, figure.measured <= target);
    }

    /// Adds a figure that is to be at least `target`; one that is missed is shown as that.
    pub fn at_least(&mut self, what: &str, target: f64, figure: Figure) {
        self.figure(what, &format!(">= {}", number(target)), figure, figure.measured >= target);
    }

    /// Adds something that has to hold: if it does not, the table [is wrong](Self::is_wrong).
    pub fn must_hold(&mut self, what: &str, target: &str, measured: &str, holds: bool) {
        self.is_wrong |= !holds;
        let verdict = if holds { "met" } else { "**WRONG**" };
        self.add(what, target.to_owned(), measured.to_owned(), verdict);
    }

    /// Adds something that could not be tried here, which is not the same as met.
    pub fn not_run(&mut self, what: &str, target: &str, why: &str) {
        self.add(what, target.to_owned(), format!("not run: {why}"), "not run");
    }

    /// Adds the rows of another table.
    pub fn append(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.is_wrong |= other.is_wrong;
    }

    /// Tells whether something that has to hold does not.
    #[must_use]
    pub const fn is_wrong(&self) -> bool {
        self.is_wrong
    }

    fn figure(&mut self, what: &str, target: &str, figure: Figure, is_met: bool) {
        let Figure { measured, floor, unit } = figure;
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        let verdict = if is_met { "met" } else { "missed" };
        self.add(what, format!("{target}{unit}"), format!("{}{unit}", number(measured)), verdict);
        if let Some(row) = self.rows.last_mut() {
            row.floor = floor;
        }
    }

    fn add(&mut self, what: &str, target: String, measured: String, verdict: &str) {
        eprintln!("{what}: {measured} ({verdict})");
        let verdict = verdict.to_owned();
        self.rows.push(Row { what: what.to_owned(), target, measured, floor: None, verdict });
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
        let has_floors = self.rows.iter().any(|row| row.floor.is_some());
        let (name, line) = if has_floors { (" floor |", "---|") } else { ("", "") };
        writeln!(f, "| what | target | measured |{name} |\n|---|---|---|{line}---|")?;
        for Row { what, target, measured, floor, verdict } in &self.rows {
            let floor = match has_floors {
                true => format!(" {} |", floor.map(number).unwrap_or_default()),
                false => String::new(),
            };
            writeln!(f, "| {what} | {target} | {measured} |{floor} {verdict} |")?;
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
