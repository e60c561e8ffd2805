//! What the build must hold: who may reach what, one TLS stack, short mains, one list of error
//! names.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn tree(package: &str) -> String {
    let tree = Command::new(env!("CARGO"))
        .current_dir(root())
        .args([
            "tree", "--locked", "-e", "normal", "--prefix", "none", "-p", package,
        ])
        .output();
    String::from_utf8(tree.unwrap().stdout).unwrap()
}

fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn compare_has_no_http_client_and_no_vendor_client() {
    let compare = tree("compare");
    assert!(
        compare.contains("aws-sdk-s3 ") && !compare.contains("reqwest "),
        "compare must reach documents and nothing else"
    );
    assert!(
        tree("sync").contains("reqwest "),
        "the test looks for the right name"
    );
}

#[test]
fn there_is_one_tls_stack() {
    for function in ["gather-accounts", "gather-orgs", "compare", "sync"] {
        let tree = tree(function);
        let mut stacks: Vec<_> = tree
            .lines()
            .filter(|line| {
                ["rustls v", "ring v", "aws-lc", "openssl-sys", "native-tls"]
                    .iter()
                    .any(|name| line.starts_with(name))
            })
            .collect();
        stacks.sort_unstable();
        stacks.dedup_by_key(|line| line.trim_end_matches(" (*)").to_owned());
        assert_eq!(stacks.len(), 2, "{function}: {stacks:?}");
    }
}

#[test]
fn model_and_plan_do_not_await() {
    for (path, text) in files("shared/src/model")
        .into_iter()
        .chain(files("shared/src/plan"))
    {
        assert!(
            !text.contains(".await") && !text.contains("async fn"),
            "{} is not pure",
            path.display()
        );
    }
}

#[test]
fn mains_are_short() {
    let mains: Vec<_> = files("functions")
        .into_iter()
        .filter(|(path, _)| path.ends_with("main.rs"))
        .collect();
    assert_eq!(mains.len(), 4);
    for (path, text) in mains {
        let lines = text.lines().count();
        assert!(lines <= 40, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_state_machine_and_the_readme_know_exactly_the_closed_list() {
    let names_in = |text: &str| {
        let mut names: Vec<String> = text
            .split("Sync.")
            .skip(1)
            .map(|rest| {
                format!(
                    "Sync.{}",
                    rest.chars()
                        .take_while(char::is_ascii_alphabetic)
                        .collect::<String>()
                )
            })
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let mut known: Vec<_> = shared::Error::NAMES.map(str::to_owned).to_vec();
    known.sort();
    let definition = std::fs::read_to_string(root().join("infra/statemachine.asl.json")).unwrap();
    assert!(
        names_in(&definition)
            .iter()
            .all(|name| known.contains(name))
    );
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert_eq!(names_in(&readme), known);
}
