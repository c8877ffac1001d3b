//! A producer that is ten times faster than its consumer.

use std::time::Duration;

use playhouse_tests::Table;

use crate::plan::Plan;
use crate::units::{mebibytes, milliseconds};

pub(crate) fn run(plan: &Plan, table: &mut Table) {
    let n_seconds = plan.count(60, 5);
    let length = Duration::from_secs(u64::try_from(n_seconds).unwrap());
    let overload = playhouse_tests::overload(length, plan.count(200, 30));
    let what = format!("producer ten times faster than consumer for {n_seconds} s: memory growth");
    table.at_most(&what, 32.0, mebibytes(overload.growth_bytes));
    let measured = format!(
        "{} of {} refused as `Overloaded`, {} neither refused nor consumed",
        overload.n_overloaded, overload.n_sent, overload.n_unaccounted
    );
    let holds = overload.n_unaccounted == 0 && overload.n_overloaded > 0;
    table.must_hold("its refusals", "every one typed", &measured, holds);
    table.at_most("control messages to the flooded consumer (p99)", 50.0, milliseconds(overload.control));
}
