//! What a run has used, as a table: by agent, model, task and crew.

use std::collections::BTreeMap;
use std::fmt::Display;

use comfy_table::{CellAlignment, Table};
use playhouse_types::Usage;

use super::table::{table, trim};
use crate::UsageBreakdown;
use crate::view::{one_line, usd};

/// How many characters of a name a table shows: tasks and models may be called anything.
const NAME_CHARS: usize = 60;

/// Shows what each part of a run has used; nothing if it has used nothing.
pub(super) fn usage_table(breakdown: &UsageBreakdown) -> String {
    if breakdown.calls().next().is_none() {
        return String::new();
    }
    let mut table =
        table(["USED BY", "", "MODEL CALLS", "TOOL CALLS", "TOKENS IN", "TOKENS OUT", "USD", "LOST"]);
    table.column_iter_mut().skip(2).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    add(&mut table, "agent", &breakdown.by_agent());
    add(&mut table, "model", &breakdown.by_model());
    add(&mut table, "task", &breakdown.by_task());
    add(&mut table, "crew", &breakdown.by_crew());
    trim(&table)
}

fn add<K: Display>(table: &mut Table, what: &str, sums: &BTreeMap<K, Usage>) {
    for (name, usage) in sums {
        let counts = [usage.model_calls, usage.tool_calls, usage.input_tokens, usage.output_tokens];
        let mut row = vec![what.to_owned(), one_line(&name.to_string(), NAME_CHARS)];
        row.extend(counts.map(|count| count.to_string()));
        row.extend([usage.cost_microusd.map_or_else(|| "unknown".to_owned(), usd), usage.lost.to_string()]);
        table.add_row(row);
    }
}

#[cfg(test)]
mod tests {
    use super::usage_table;
    use crate::UsageBreakdown;
    use crate::test_records::short_run;

    #[test]
    fn each_agent_and_model_has_a_line() {
        let shown = usage_table(&UsageBreakdown::fold(&short_run()));
        let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["agent", "auditor", "1", "0", "10", "5", "0.000000", "0"]);
        assert_eq!(lines[2], ["agent", "clerk", "2", "2", "20", "10", "0.000000", "0"]);
        assert_eq!(lines[3], ["model", "unknown", "3", "2", "30", "15", "0.000000", "0"]);
        assert_eq!(lines.len(), 4);
        assert_eq!(usage_table(&UsageBreakdown::default()), "");
    }
}
