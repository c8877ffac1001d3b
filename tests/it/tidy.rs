//! What a machine can check of the rules of this repository. Every check is tried on something that breaks it.

mod layers;
mod manifest;
mod rust_files;
mod source;

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package};
use playhouse_tests::workspace_root;

use self::layers::Crate;
use self::rust_files::RustFile;

/// Fails with all faults at once.
#[track_caller]
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Returns what cargo knows of this workspace on this machine.
fn metadata() -> &'static Metadata {
    static METADATA: OnceLock<Metadata> = OnceLock::new();
    METADATA.get_or_init(|| {
        let mut command = MetadataCommand::new();
        command.manifest_path(workspace_root().join("Cargo.toml"));
        // Without the packages of other platforms, which need not be on this machine.
        command.features(CargoOpt::AllFeatures).other_options(vec!["--filter-platform".to_owned(), host()]);
        command.exec().unwrap()
    })
}

fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Returns the crates of this workspace with what they depend on outside of tests.
fn crates() -> Vec<Crate> {
    let in_crate = |package: &&Package| {
        let folder = package.manifest_path.parent().unwrap().strip_prefix(workspace_root()).unwrap();
        let dependencies =
            package.dependencies.iter().filter(|needed| needed.kind != DependencyKind::Development);
        Crate {
            name: package.name.to_string(),
            folder: folder.to_string(),
            dependencies: dependencies.map(|needed| needed.name.clone()).collect(),
        }
    };
    metadata().workspace_packages().iter().map(in_crate).collect()
}

fn rust_files() -> Vec<RustFile> {
    let files = rust_files::all(workspace_root());
    assert!(files.len() > 100, "only {} files were found", files.len());
    files
}

#[test]
fn layers_point_one_way() {
    none(&layers::edge_faults(&crates()));
}

#[test]
fn a_heavy_dependency_is_named_by_one_crate() {
    none(&layers::heavy_faults(&crates()));
}

#[test]
fn ractor_does_not_nest_a_span_per_message() {
    let metadata = metadata();
    let ractor = metadata.packages.iter().find(|package| package.name.as_str() == "ractor").unwrap();
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let node = nodes.iter().find(|node| node.id == ractor.id).unwrap();
    let features: Vec<&str> = node.features.iter().map(|feature| feature.as_str()).collect();
    // The name as ractor spells it: were it spelled otherwise one day, this check would check nothing.
    assert!(ractor.features.contains_key("message_span_propogation"), "{:?}", ractor.features.keys());
    assert!(!features.contains(&"message_span_propogation"), "{features:?}");
}

#[test]
fn files_and_functions_are_short() {
    none(&rust_files().iter().flat_map(RustFile::size_faults).collect::<Vec<_>>());
}

#[test]
fn nothing_is_ignored_left_out_or_slept_over() {
    let files = rust_files();
    let mut faults: Vec<String> = files.iter().flat_map(RustFile::banned_faults).collect();
    faults.extend(rust_files::unused_exceptions(&files));
    none(&faults);
}

#[test]
fn unsafe_code_is_forbidden_everywhere() {
    let root = std::fs::read_to_string(workspace_root().join("Cargo.toml")).unwrap();
    let mut faults = manifest::root_faults(&root);
    for package in metadata().workspace_packages() {
        let text = std::fs::read_to_string(&package.manifest_path).unwrap();
        faults.extend(manifest::lint_faults(&package.name, &text));
    }
    none(&faults);
}

#[test]
fn every_crate_says_what_it_is() {
    let mut faults = Vec::new();
    for package in metadata().workspace_packages() {
        for target in package.targets.iter().filter(|target| !target.is_custom_build()) {
            let text = std::fs::read_to_string(&target.src_path).unwrap();
            faults.extend(source::doc_faults(target.src_path.as_str(), &text));
        }
    }
    none(&faults);
}

#[test]
fn the_root_holds_what_was_agreed() {
    let names: Vec<String> = std::fs::read_dir(workspace_root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    none(&manifest::root_name_faults(&names));
    for folder in ["actors", "protocols", "scenarios", "tests"] {
        assert!(Path::new(workspace_root()).join(folder).is_dir(), "`{folder}` is missing");
    }
}
