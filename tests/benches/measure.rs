//! CPU time and memory, as the system counts them.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) cpu: Duration,
    pub(crate) peak_bytes: u64,
}

fn used(who: UsageWho) -> Used {
    let usage = getrusage(who).unwrap();
    let (user, system) = (usage.user_time(), usage.system_time());
    let micros = (user.tv_sec() + system.tv_sec()) * 1_000_000 + user.tv_usec() + system.tv_usec();
    // Linux counts kilobytes, macOS bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Used {
        cpu: Duration::from_micros(u64::try_from(micros).unwrap()),
        peak_bytes: u64::try_from(usage.max_rss()).unwrap() * unit,
    }
}

/// Returns the CPU time of this process so far, all threads together.
pub(crate) fn cpu() -> Duration {
    used(UsageWho::RUSAGE_SELF).cpu
}

/// Returns milliseconds for each of `count`.
pub(crate) fn millis_each(total: Duration, count: usize) -> f64 {
    total.as_secs_f64() * 1e3 / count as f64
}

/// Returns how long something takes by the clock.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) async fn elapsed(work: impl Future<Output = ()>) -> Duration {
    let started = Instant::now();
    work.await;
    started.elapsed()
}

/// Returns what a program uses from start to end.
///
/// This binary starts it from a process of its own: the peak of a child is at least that of the process that forks.
pub(crate) fn used_by(program: &str, arguments: &[&str]) -> Used {
    let own = std::env::current_exe().unwrap();
    let output = Command::new(own).args(["measure", program]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    Used { cpu: Duration::from_micros(numbers[0]), peak_bytes: numbers[1] }
}

/// The other end of [`used_by`].
pub(crate) fn print_usage_of(program: &str, arguments: &[&str]) {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
    let used = used(UsageWho::RUSAGE_CHILDREN);
    println!("{} {}", used.cpu.as_micros(), used.peak_bytes);
}
