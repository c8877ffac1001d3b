//! Figures in the units of the table.

use std::time::Duration;

use playhouse_tests::Figure;

pub(crate) const fn milliseconds(time: Duration) -> Figure {
    Figure { measured: time.as_secs_f64() * 1e3, floor: None, unit: "ms" }
}

pub(crate) const fn seconds(time: Duration) -> Figure {
    Figure { measured: time.as_secs_f64(), floor: None, unit: "s" }
}

#[expect(clippy::cast_precision_loss, reason = "sizes stay far below 2^53 bytes")]
pub(crate) const fn mebibytes(n_bytes: u64) -> Figure {
    Figure { measured: n_bytes as f64 / 1_048_576.0, floor: None, unit: "MiB" }
}
