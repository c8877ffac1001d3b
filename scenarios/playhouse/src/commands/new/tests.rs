use super::{OWN_CHECKOUT, check_name, lock_file, write_project};
use std::path::Path;

#[test]
fn a_project_is_written_whole_and_without_placeholders() {
    let parent = tempfile::tempdir().unwrap();
    let folder = write_project(parent.path(), "trip-crew", Path::new(OWN_CHECKOUT)).unwrap();
    assert!(folder.is_absolute());
    for path in [
        "Cargo.toml",
        "Cargo.lock",
        ".gitignore",
        "README.md",
        "src/main.rs",
        "src/scenario.rs",
        "tests/crew.rs",
    ] {
        let text =
            std::fs::read_to_string(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(!text.contains("{{") || path == "src/scenario.rs" || path == "Cargo.lock", "{path}");
        assert!(
            !text.contains("{{name}}") && !text.contains("{{package}}") && !text.contains("{{module}}"),
            "{path}"
        );
    }
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let package = Path::new(OWN_CHECKOUT).join("scenarios/playhouse").canonicalize().unwrap();
    assert!(
        manifest.contains("name = \"trip-crew\"") && manifest.contains(package.to_str().unwrap()),
        "{manifest}"
    );
}

#[test]
fn nothing_is_overwritten() {
    let parent = tempfile::tempdir().unwrap();
    std::fs::create_dir(parent.path().join("taken")).unwrap();
    let error = write_project(parent.path(), "taken", Path::new(OWN_CHECKOUT)).unwrap_err();
    assert!(error.to_string().contains("exists already"), "{error}");
    assert_eq!(std::fs::read_dir(parent.path().join("taken")).unwrap().count(), 0);
}

#[test]
fn a_folder_that_is_no_checkout_is_refused_before_anything_is_written() {
    let parent = tempfile::tempdir().unwrap();
    for runtime in [parent.path(), Path::new("/nonexistent")] {
        let error = write_project(parent.path(), "crew", runtime).unwrap_err();
        assert!(error.to_string().contains("not a checkout of Playhouse"), "{error}");
    }
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn names_are_good_for_folder_package_and_scenario() {
    for good in ["a", "trip-crew", "crew2"] {
        assert!(check_name(good).is_ok(), "{good}");
    }
    for bad in ["", "Trip", "2crew", "a/b", "../x", "a b", "crew-", "naïve", "a_b", &"x".repeat(65)] {
        assert!(
            check_name(bad).unwrap_err().to_string().contains("cannot be the name of a package"),
            "{bad}"
        );
    }
    for taken in ["test", "playhouse", "serde", "async"] {
        assert!(check_name(taken).unwrap_err().to_string().contains("choose another"), "{taken}");
    }
}

#[test]
fn the_lock_file_knows_the_project() {
    let lock = lock_file::with_package(
        "version = 4\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.0\"\n",
        "crew",
    );
    let expected = "version = 4\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"crew\"\n\
                    version = \"0.1.0\"\ndependencies = [\n \"playhouse\",\n \"schemars\",\n \"serde\",\n]\n";
    assert_eq!(lock, expected);
}
