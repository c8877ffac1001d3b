//! `strace` from the distribution: counts system calls of a command, and lets chosen ones fail or kill.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The calls that a store or a person would miss.
pub(crate) const WRITES: &[&str] = &["pwrite64", "fsync", "fdatasync", "write"];

/// Returns why `strace` cannot be used here, if it cannot.
pub(crate) fn missing() -> Option<String> {
    let output = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).output();
    match output {
        Err(_) => Some("`strace` is missing: install it (`apt-get install strace`)".to_owned()),
        Ok(output) if !output.status.success() => {
            let text = String::from_utf8_lossy(&output.stderr);
            Some(format!("`strace` may not trace here (ptrace is needed): {}", text.trim()))
        }
        Ok(_) => None,
    }
}

/// Returns `program` with these arguments around a command, in the same place and environment.
pub(crate) fn wrapped(program: &str, arguments: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(program);
    outer.args(arguments).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

/// Returns a command that is tampered with as `inject` says, like `fsync:signal=KILL:when=3`.
///
/// Calls are counted per thread: the first thread that comes so far is the one.
pub(crate) fn injected(inject: &str, command: &Command) -> Command {
    let calls = inject.split(':').next().unwrap_or_default();
    let (trace, inject) = (format!("trace={calls}"), format!("inject={inject}"));
    wrapped("strace", &["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject], command)
}

/// Returns a command whose [`WRITES`] are written to a file.
pub(crate) fn counted(trace_file: &Path, command: &Command) -> Command {
    let trace = format!("trace={}", WRITES.join(","));
    wrapped("strace", &["-f", "-qq", "-o", trace_file.to_str().unwrap(), "-e", &trace], command)
}

/// Returns how often each call was made by the thread that made it most, from a file of [`counted`].
pub(crate) fn counts(trace_file: &Path) -> BTreeMap<&'static str, usize> {
    let text = String::from_utf8_lossy(&std::fs::read(trace_file).unwrap()).into_owned();
    let mut per_thread: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in text.lines() {
        // `<... write resumed>` is the second half of a call.
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let Some((name, _)) = call.trim_start().split_once('(') else { continue };
        *per_thread.entry((name, thread)).or_default() += 1;
    }
    let most =
        |name: &str| per_thread.iter().filter(|((call, _), _)| *call == name).map(|(_, count)| *count).max();
    WRITES.iter().map(|name| (*name, most(name).unwrap_or(0))).collect()
}
