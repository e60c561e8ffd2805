//! What the build must hold: who may reach what, one TLS stack, short mains, one list of error
//! names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use partner_sync_tests::sync_file::MAPPING;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

const FUNCTIONS: [&str; 4] = ["gather-accounts", "gather-orgs", "compare", "sync"];

/// What the four functions are linked from when they are built in one call, which gives a shared
/// crate every feature that any of them wants: each crate with its depth in the tree.
fn linked() -> &'static [(usize, String)] {
    static LINKED: OnceLock<Vec<(usize, String)>> = OnceLock::new();
    LINKED.get_or_init(|| {
        let tree = Command::new(env!("CARGO"))
            .current_dir(root())
            .args([
                "tree",
                "--locked",
                "-e",
                "normal",
                "--no-dedupe",
                "--prefix",
                "depth",
            ])
            .args(FUNCTIONS.map(|name| ["-p", name]).as_flattened())
            .output();
        let tree = String::from_utf8(tree.unwrap().stdout).unwrap();
        let lines = tree.lines().filter(|line| !line.is_empty());
        let depth_and_name = lines.map(|line| {
            let digits = line.find(|one: char| !one.is_ascii_digit()).unwrap();
            let (depth, name) = line.split_at(digits);
            (depth.parse().unwrap(), name.to_owned())
        });
        depth_and_name.collect()
    })
}

/// A package and the crates below it in that tree.
fn tree(package: &str) -> Vec<&'static str> {
    let linked = linked();
    let is_package = |(_, name): &(usize, String)| name.starts_with(&format!("{package} v"));
    let first = linked.iter().position(is_package).unwrap();
    let (depth, _) = linked[first];
    let below = linked[first + 1..].iter();
    let below = below.take_while(|(at, _)| *at > depth);
    [&linked[first]]
        .into_iter()
        .chain(below)
        .map(|(_, name)| name.as_str())
        .collect()
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

fn assert_reaches(package: &str, some: &[&str], none: &[&str]) {
    let tree = tree(package);
    let has = |name: &str| {
        let name = format!("{name} v");
        tree.iter().any(|line| line.starts_with(&name))
    };
    for name in some {
        assert!(
            has(name),
            "{package} does not reach {name}: is that its name still?"
        );
    }
    for name in none {
        assert!(!has(name), "{package} must not reach {name}");
    }
}

const VENDORS: [&str; 4] = [
    "vendors",
    "reqwest",
    "secrets-manager",
    "aws-sdk-secretsmanager",
];

#[test]
fn compare_reaches_documents_and_neither_a_vendor_nor_a_secret() {
    assert_reaches("compare", &["stage", "aws-sdk-s3"], &VENDORS);
    assert_reaches("sync", &VENDORS, &[]);
}

#[test]
fn what_decides_and_what_people_read_have_no_runtime_and_no_client() {
    let runtime = [
        "tokio",
        "lambda_runtime",
        "reqwest",
        "hyper",
        "aws-sdk-s3",
        "tracing",
    ];
    assert_reaches("domain", &["serde"], &runtime);
    assert_reaches("domain", &[], &["askama", "stage"]);
    assert_reaches("report", &["domain", "askama"], &runtime);
    assert_reaches("vendors", &["stage"], &["aws-sdk-s3"]);
}

#[test]
fn there_is_one_tls_stack() {
    for function in FUNCTIONS {
        let mut stacks: Vec<_> = tree(function)
            .into_iter()
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

/// Cargo fails on neither: it warns of a patch that nothing asks for, and says nothing if the patch
/// is a member of the workspace. The SDK's hundred tables of checksums would be linked again.
#[test]
fn the_patch_is_used_and_the_crate_it_stands_in_for_is_not_there() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    assert!(!lock.contains("[[patch.unused]]"), "a patch is not used");
    let packages = lock.split("[[package]]\n");
    let named: Vec<_> = packages
        .filter(|package| package.starts_with("name = \"crc-fast\"\n"))
        .collect();
    let [ours] = named.as_slice() else {
        panic!("one crate of this name, and it is ours: {named:?}");
    };
    assert!(!ours.contains("\nsource = "), "{ours}");
}

#[test]
fn domain_and_report_do_not_await() {
    for (path, text) in ["domain", "report"]
        .into_iter()
        .flat_map(|room| files(&format!("shared/{room}/src")))
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

/// The lines of a parameter of the template, each as `Key: value`.
fn parameter(template: &str, name: &str) -> Vec<String> {
    let heading = format!("  {name}:");
    let mut lines = template.lines().skip_while(|line| *line != heading);
    assert!(lines.next().is_some(), "no parameter {name}");
    let own = lines.take_while(|line| line.starts_with("    "));
    own.map(|line| line.trim().to_owned()).collect()
}

/// `MAX_MARKS` -> `MaxMarks`.
fn parameter_name(variable: &str) -> String {
    let words = variable.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        format!("{first}{}", rest.to_lowercase())
    });
    words.collect()
}

#[test]
fn the_templates_defaults_and_ranges_are_the_codes() {
    let template = std::fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    for setting in stage::settings::NUMBERS {
        let name = parameter_name(setting.variable);
        let lines = parameter(&template, &name);
        for line in [
            format!("Default: {}", setting.default),
            format!("MinValue: {}", setting.min),
            format!("MaxValue: {}", setting.max),
        ] {
            assert!(lines.contains(&line), "{name}: no {line:?} in {lines:?}");
        }
        let passed_on = format!("{}: !Ref {name}", setting.variable);
        assert!(template.contains(&passed_on), "no {passed_on:?}");
    }
    let runbook = format!("Default: {}", stage::settings::DEFAULT_RUNBOOK);
    assert!(parameter(&template, "RunbookUrl").contains(&runbook));
    let target = format!("Default: {}", MAPPING.target.name);
    assert!(parameter(&template, "TargetInstance").contains(&target));
}

/// The error names a text mentions, each once.
fn error_names(text: &str) -> BTreeSet<String> {
    let rests = text.split("Sync.").skip(1);
    let names = rests.map(|rest| {
        let name: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
        format!("Sync.{name}")
    });
    names.collect()
}

#[test]
fn the_state_machine_and_the_documents_know_exactly_the_closed_list() {
    let known: BTreeSet<String> = domain::Error::NAMES.map(str::to_owned).into();
    let read = |file: &str| std::fs::read_to_string(root().join(file)).unwrap();
    let in_definition = error_names(&read("infra/statemachine.asl.json"));
    assert!(in_definition.is_subset(&known), "{in_definition:?}");
    assert_eq!(error_names(&read("docs/REFERENCE.md")), known);
}
