//! The reports, word for word, in their three forms, and the message beside each.
//!
//! `tests/known_reports` holds them. If a report is meant to change: `make accept`, and read the
//! difference before you commit it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use partner_sync_tests::known_runs::scenes::HOSTILE;
use partner_sync_tests::known_runs::{SCENES, report as made};
use partner_sync_tests::standins::seed::account_id;
use serde_json::Value;
use shared::report::{Notice, Report};

/// A scene's report and what people are told.
type Made = (Report, Option<Notice>);

static REPORTS: LazyLock<[Made; 12]> = LazyLock::new(|| SCENES.map(made));

fn report(scene: &str) -> &'static Made {
    let place = SCENES.iter().position(|one| *one == scene).unwrap();
    &REPORTS[place]
}

fn html(scene: &str) -> String {
    report(scene).0.html().unwrap()
}

fn json(scene: &str) -> Value {
    serde_json::from_slice(&report(scene).0.json().unwrap()).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_reports_are_what_they_were() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../known_reports");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _bound = settings.bind_to_scope();
    for scene in SCENES {
        let (report, notice) = report(scene);
        insta::assert_snapshot!(format!("{scene}.html"), html(scene));
        insta::assert_snapshot!(format!("{scene}.md"), report.markdown());
        let json = serde_json::to_string_pretty(&json(scene)).unwrap();
        insta::assert_snapshot!(format!("{scene}.json"), json);
        let told = match notice {
            Some(notice) => format!("{}\n\n{}", notice.subject, notice.message),
            None => "(nobody is told)".to_owned(),
        };
        insta::assert_snapshot!(format!("{scene}.notice"), told);
    }
}

#[test]
fn each_ends_as_its_name_says() {
    for (scene, verdict) in [
        ("nothing-to-do", "NOTHING_TO_DO"),
        ("all-kinds", "OK"),
        ("held", "HELD"),
        ("partial", "PARTIAL"),
        ("failed", "FAILED"),
        ("first-run", "OK"),
        ("five-thousand-changes", "OK"),
        ("hostile-names", "OK"),
        ("conflicts", "NOTHING_TO_DO"),
        ("skipped", "SKIPPED"),
        ("planned", "PLANNED"),
        ("failed-before-a-plan", "FAILED"),
    ] {
        let json = json(scene);
        assert_eq!(json["verdict"], verdict, "{scene}");
        let sections = json["sections"].as_array().unwrap();
        assert_eq!(json["count"], sections.len(), "{scene}");
        let what_to_do = json["what_to_do"].as_array().unwrap();
        assert!(!what_to_do.is_empty(), "{scene}");
    }
}

#[test]
fn five_thousand_changes_are_grouped_and_small_and_every_mark_is_listed() {
    let (report, _) = report("five-thousand-changes");
    let html = html("five-thousand-changes");
    let markdown = report.markdown();
    println!(
        "5,000 changes: report.html {} bytes, report.md {} bytes, report.json {} bytes",
        html.len(),
        markdown.len(),
        report.json().unwrap().len()
    );
    for text in [&html, &markdown] {
        assert!(text.len() < 1 << 20, "{} bytes", text.len());
        assert!(text.contains("grouped by field"));
        for number in 4702..5000 {
            let id = account_id(number);
            assert!(text.contains(id.as_str()), "the mark of {id} is missing");
        }
    }
    let rows = html.matches("<tr>").count();
    assert!((300..600).contains(&rows), "{rows} rows");
}

#[test]
fn a_hostile_name_is_text_wherever_it_stands() {
    let html = html("hostile-names");
    let markdown = report("hostile-names").0.markdown();
    let body = html.split("</head>").nth(1).unwrap();
    for tag in ["<script", "<img", "</style>", "<style", "onerror=alert(1)>"] {
        assert!(!body.contains(tag), "{tag}");
        assert!(!markdown.contains(tag), "{tag}");
    }
    let shown = HOSTILE[0].replace('<', "&lt;").replace('>', "&gt;");
    assert!(html.contains(&shown), "the name itself is shown");
    assert!(!markdown.contains("[free]("));
    assert!(!markdown.contains("**bold**"));
    for text in [&html, &markdown] {
        assert!(!text.contains(['\u{202e}', '\u{1b}', '\u{0}']));
        assert!(!text.contains("jo@partner.example"));
    }
}

#[test]
fn what_is_unknown_is_told_apart_from_what_failed() {
    let json = json("partial");
    let headline = "2 created, 17 updated, 1 marked; 2 failed, 1 unknown";
    assert_eq!(json["headline"], headline);
    let what_to_do = json["what_to_do"].as_array().unwrap();
    let is_about_unknown = |one: &Value| {
        let text = one["text"].as_str().unwrap();
        text.starts_with("Of 1 records it is not known")
    };
    assert!(what_to_do.iter().any(is_about_unknown), "{what_to_do:?}");
    let this_run = json["last_runs"].as_array().unwrap().last().unwrap();
    assert_eq!(this_run["failed"], 2);
    assert_eq!(this_run["unknown"], 1);
    let message = &report("partial").1.as_ref().unwrap().message;
    assert!(message.contains("\n2 records failed: "), "{message}");
    assert!(
        message.contains("\nOf 1 records it is not known"),
        "{message}"
    );
}

#[test]
fn a_change_of_state_is_told_and_nothing_else() {
    let is_told = |scene: &&str| report(scene).1.is_some();
    let told: Vec<_> = SCENES.into_iter().filter(is_told).collect();
    assert_eq!(
        told,
        [
            "all-kinds",
            "held",
            "partial",
            "failed",
            "failed-before-a-plan"
        ]
    );
}

#[test]
fn a_notice_has_at_most_six_lines_of_ids_and_nobodys_words() {
    for scene in SCENES {
        let Some(Notice { subject, message }) = &report(scene).1 else {
            continue;
        };
        assert!(message.lines().count() <= 6, "{scene}: {message}");
        let fits_sns = subject.len() <= 100 && subject.is_ascii() && !subject.contains('\n');
        assert!(fits_sns, "{scene}: {subject}");
        for words in ["taken", "role"] {
            assert!(!message.contains(words), "{scene}: {message}");
        }
    }
}

#[test]
fn every_section_of_the_runbook_a_report_names_is_there() {
    let runbook = std::fs::read_to_string(root().join("infra/RUNBOOK.md")).unwrap();
    for scene in SCENES {
        let heading = json(scene)["runbook"]["text"].as_str().unwrap().to_owned();
        let section = format!("## {heading}\n");
        assert!(runbook.contains(&section), "{scene}: {heading}");
    }
}
