//! Which crate may depend on which.

/// A crate of the workspace.
pub(super) struct Crate {
    pub(super) name: String,
    /// Its folder, relative to the root.
    pub(super) folder: String,
    /// The names of what it depends on, development dependencies left out.
    pub(super) dependencies: Vec<String>,
}

/// A top folder with crates.
struct Area {
    folder: &'static str,
    /// The areas that its crates may depend on, besides their own.
    below: &'static [&'static str],
    /// Its crates, lowest first; those in one row do not see each other.
    rows: &'static [&'static [&'static str]],
}

const AREAS: &[Area] = &[
    Area {
        folder: "protocols",
        below: &[],
        rows: &[&["playhouse-types"], &["playhouse-journal"], &["playhouse-macros", "playhouse-messages"]],
    },
    Area {
        folder: "actors",
        below: &["protocols"],
        rows: &[
            &["playhouse-storage"],
            &["playhouse-storage-sqlite", "playhouse-runtime"],
            &["playhouse-http"],
            &["playhouse-models", "playhouse-tools", "playhouse-review"],
            &["playhouse-agents", "playhouse-coordinator"],
        ],
    },
    Area { folder: "observability", below: &["protocols"], rows: &[] },
    Area {
        folder: "scenarios",
        below: &["protocols", "actors", "observability"],
        rows: &[&["playhouse"], &["playhouse-scenarios"]],
    },
    Area {
        folder: "tests",
        below: &["protocols", "actors", "observability", "scenarios"],
        rows: &[&["playhouse-tests"]],
    },
];

/// Dependencies that are heavy or stand behind a boundary, and the only crates that may name them.
const HEAVY: &[(&str, &[&str])] = &[
    ("rusqlite", &["playhouse-storage-sqlite"]),
    ("reqwest", &["playhouse-http"]),
    ("async-openai", &["playhouse-models"]),
    ("clap", &["playhouse"]),
    // Where actors and their messages are.
    (
        "ractor",
        &[
            "playhouse-messages",
            "playhouse-runtime",
            "playhouse-models",
            "playhouse-tools",
            "playhouse-agents",
            "playhouse-coordinator",
            "playhouse",
        ],
    ),
];

/// Returns where a crate stands: its area and how high in it.
fn place(of: &Crate) -> Result<(&'static Area, usize), String> {
    let (name, folder) = (of.name.as_str(), of.folder.as_str());
    let unknown = || format!("`{name}` in `{folder}` has no place in the layers");
    let first = folder.split('/').next().unwrap_or_default();
    let area = AREAS.iter().find(|area| area.folder == first).ok_or_else(unknown)?;
    let height = area.rows.iter().position(|row| row.contains(&name)).ok_or_else(unknown)?;
    Ok((area, height))
}

/// Returns the edges that do not point to a lower layer.
pub(super) fn edge_faults(crates: &[Crate]) -> Vec<String> {
    let mut faults = Vec::new();
    for from in crates {
        let (area, height) = match place(from) {
            Ok(place) => place,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        for to in crates.iter().filter(|to| from.dependencies.contains(&to.name)) {
            // One without a place is a fault of its own.
            let Ok((to_area, to_height)) = place(to) else { continue };
            let is_own = to_area.folder == area.folder;
            let is_lower = if is_own { to_height < height } else { area.below.contains(&to_area.folder) };
            if !is_lower {
                faults.push(format!("`{}` must not depend on `{}`", from.name, to.name));
            }
        }
    }
    faults
}

/// Returns the crates that name a dependency of another one's.
pub(super) fn heavy_faults(crates: &[Crate]) -> Vec<String> {
    let mut faults = Vec::new();
    // The tests drive the binary and its endpoints from outside.
    for from in crates.iter().filter(|from| from.folder != "tests") {
        for (heavy, owners) in HEAVY {
            if from.dependencies.iter().any(|name| name == heavy) && !owners.contains(&from.name.as_str()) {
                faults.push(format!(
                    "`{}` names `{heavy}`, which belongs to `{}`",
                    from.name,
                    owners.join("`, `")
                ));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Crate, edge_faults, heavy_faults};

    fn crates(edges: &[(&str, &str, &[&str])]) -> Vec<Crate> {
        edges
            .iter()
            .map(|(name, folder, dependencies)| Crate {
                name: (*name).to_owned(),
                folder: (*folder).to_owned(),
                dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
            })
            .collect()
    }

    #[track_caller]
    fn check(from: (&str, &str), to: (&str, &str), allowed: bool) {
        let faults = edge_faults(&crates(&[(from.0, from.1, &[to.0]), (to.0, to.1, &[])]));
        assert_eq!(faults.is_empty(), allowed, "{faults:?}");
    }

    #[test]
    fn edges_point_down() {
        let types = ("playhouse-types", "protocols/types");
        let runtime = ("playhouse-runtime", "actors/runtime");
        let sqlite = ("playhouse-storage-sqlite", "actors/storage-sqlite");
        let storage = ("playhouse-storage", "actors/storage");
        let host = ("playhouse", "scenarios/playhouse");
        check(runtime, types, true);
        check(types, runtime, false);
        check(runtime, storage, true);
        check(storage, runtime, false);
        check(runtime, sqlite, false);
        check(sqlite, runtime, false);
        check(host, runtime, true);
        check(runtime, host, false);
        check(host, ("playhouse-tests", "tests"), false);
    }

    #[test]
    fn a_crate_without_a_place_is_a_fault() {
        assert_eq!(edge_faults(&crates(&[("new", "actors/new", &[])])).len(), 1);
        assert_eq!(edge_faults(&crates(&[("playhouse-types", "elsewhere/types", &[])])).len(), 1);
        assert_eq!(edge_faults(&crates(&[("playhouse-types", "actors/types", &[])])).len(), 1);
    }

    #[test]
    fn only_its_owner_and_the_tests_name_a_heavy_dependency() {
        let of = |name, folder| heavy_faults(&crates(&[(name, folder, &["rusqlite"])])).len();
        assert_eq!(of("playhouse-storage-sqlite", "actors/storage-sqlite"), 0);
        assert_eq!(of("playhouse-tests", "tests"), 0);
        assert_eq!(of("playhouse-storage", "actors/storage"), 1);
        assert_eq!(heavy_faults(&crates(&[("playhouse-storage", "actors/storage", &["ractor"])])).len(), 1);
    }
}
