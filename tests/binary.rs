//! The binary under test: found beside the running test, built first unless it is newer than its sources.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Returns the root of this workspace.
#[must_use]
pub fn workspace_root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned())
}

/// Returns the path of the `playhouse` binary. `PLAYHOUSE_BIN` names another one, which is taken as it is.
///
/// Cargo builds the binaries of a package for the integration tests of that package only, and these tests are a package
/// of their own.
/// # Panics
/// If it cannot be built.
#[must_use]
pub fn playhouse_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("PLAYHOUSE_BIN") {
            return PathBuf::from(path);
        }
        let binary = target_dir().join("debug/playhouse");
        if !is_fresh(&binary) {
            build();
        }
        binary
    })
}

/// Returns the target directory that this test was built in: two above `<profile>/deps/<test>`.
///
/// # Panics
/// If this process is no test that cargo has built.
#[must_use]
pub fn target_dir() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().filter(|folder| folder.ends_with("deps")).map_or(test.as_path(), |deps| deps);
    profile.parent().and_then(Path::parent).unwrap().to_owned()
}

/// Returns the cargo that runs this test, or the one in the path.
#[must_use]
pub fn cargo() -> Command {
    // Not as of compile time: without rustup's shim, toolchain files of dependencies would choose other compilers.
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Builds the binary with the features of `cargo test --workspace`, so that nothing is compiled twice: development
/// dependencies decide on features, too.
fn build() {
    let mut cargo = cargo();
    cargo.current_dir(workspace_root()).args(["build", "--workspace", "--tests", "--bin", "playhouse"]);
    cargo.arg("--target-dir").arg(target_dir());
    assert!(cargo.status().unwrap().success(), "the binary cannot be built: {cargo:?}");
}

/// Tells whether the binary is newer than all its sources, which cargo lists in a file beside it.
fn is_fresh(binary: &Path) -> bool {
    let modified = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified()).ok();
    let (Some(built), Ok(sources)) = (modified(binary), std::fs::read_to_string(binary.with_extension("d")))
    else {
        return false;
    };
    let is_older = |path: &Path| modified(path).is_some_and(|changed: SystemTime| changed < built);
    let (_, sources) = sources.split_once(": ").unwrap_or_default();
    let manifests = ["Cargo.toml", "Cargo.lock"].map(|name| workspace_root().join(name));
    // A space in a path is escaped; such a path is not found, and the binary is built once more.
    !sources.is_empty()
        && sources.split_whitespace().all(|path| is_older(Path::new(path)))
        && manifests.iter().all(|path| is_older(path))
}
