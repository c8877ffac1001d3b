//! `playhouse new` writes a project that builds and passes as it is written, outside of this workspace and offline.

use std::path::Path;

use playhouse_tests::{Playhouse, cargo, target_dir, workspace_root};

/// Runs cargo in a project and returns what it printed to stdout.
fn run_cargo(project: &Path, arguments: &[&str]) -> String {
    let mut cargo = cargo();
    cargo.current_dir(project).args(arguments);
    // A folder of its own keeps what it builds from one run of this test to the next.
    cargo.env("CARGO_TARGET_DIR", target_dir().join("new-project"));
    cargo.env("CARGO_NET_OFFLINE", "true").env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    for name in ["PLAYHOUSE_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY", "PLAYHOUSE_DATA_DIR"] {
        cargo.env_remove(name);
    }
    let output = cargo.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{cargo:?}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

#[test]
fn a_new_project_runs_and_passes_as_written() {
    let playhouse = Playhouse::new();
    let root = workspace_root().to_str().unwrap();
    let _ = playhouse.run(&["new", "demo", "--path", root]).with_code(0);
    let project = playhouse.dir().join("demo");
    let lock = std::fs::read_to_string(project.join("Cargo.lock")).unwrap();
    let result = run_cargo(&project, &["run", "--", "run", "demo", "--json"]);
    assert!(result.contains("Bergen"), "{result}");
    let tested = run_cargo(&project, &["test"]);
    assert!(tested.contains("test result: ok. 2 passed"), "{tested}");
    // Cargo may leave out what the project does not need, but changes no version.
    let kept = std::fs::read_to_string(project.join("Cargo.lock")).unwrap();
    let is_known = |line: &&str| !line.starts_with("version") || lock.contains(*line);
    assert!(kept.lines().all(|line| is_known(&line)), "{kept}");
    // Written once, never over something.
    let _ = playhouse.run(&["new", "demo", "--path", root]).with_code(2).telling(&["demo"]);
    let _ = playhouse.run(&["new", "Demo!", "--path", root]).with_code(2).telling(&["Demo!"]);
    let _ = playhouse.run(&["new", "other", "--path", "/nowhere"]).with_code(2).telling(&["/nowhere"]);
}
