//! Logs: to stderr, off unless asked for.

use tracing_subscriber::EnvFilter;

use super::Style;

/// Sends logs to stderr, filtered by `PLAYHOUSE_LOG`, else `RUST_LOG`, else errors only.
///
/// A filter that cannot be read is reported and replaced by the default.
pub(crate) fn start_logs() {
    let filter = ["PLAYHOUSE_LOG", "RUST_LOG"].into_iter().find_map(|name| {
        std::env::var(name).ok().filter(|value| !value.is_empty()).map(|value| (name, value))
    });
    let filter = match filter {
        None => EnvFilter::new("error"),
        Some((name, value)) => EnvFilter::try_new(&value).unwrap_or_else(|error| {
            super::say(&format!("`{name}` is not a log filter ({error}); logs show errors only"));
            EnvFilter::new("error")
        }),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(Style::of_stderr() == Style::Colored)
        .finish();
    // A program that embeds the command line may have its own subscriber: it keeps it.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
