//! The reports, word for word, in their three forms; `UPDATE_GOLDEN=1` writes them anew (`make
//! golden`).

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use partner_sync_tests::reports::scenes::HOSTILE;
use partner_sync_tests::reports::{SCENES, report as made};
use serde_json::Value;
use shared::lambda::Notice;
use shared::report::Page;

static REPORTS: LazyLock<[(Page, Option<Notice>); 12]> = LazyLock::new(|| SCENES.map(made));

fn report(scene: &str) -> &'static (Page, Option<Notice>) {
    &REPORTS[SCENES.iter().position(|one| *one == scene).unwrap()]
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn check(file: &str, made: &str) {
    let path = golden().join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, made).unwrap();
        return;
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let line = made
        .lines()
        .zip(known.lines())
        .position(|(made, known)| made != known);
    assert!(
        made == known,
        "{file} differs from line {line:?} on; if it is meant to: make golden, and read the change"
    );
}

#[test]
fn the_reports_are_what_they_were() {
    for scene in SCENES {
        let (page, notice) = report(scene);
        check(&format!("{scene}.html"), &page.html());
        check(&format!("{scene}.md"), &page.markdown());
        let json: Value = serde_json::from_slice(&page.json().unwrap()).unwrap();
        check(
            &format!("{scene}.json"),
            &(serde_json::to_string_pretty(&json).unwrap() + "\n"),
        );
        check(
            &format!("{scene}.notice.txt"),
            &notice.as_ref().map_or_else(String::new, |notice| {
                format!("{}\n\n{}\n", notice.subject, notice.message)
            }),
        );
    }
}

#[test]
fn each_ends_as_its_name_says() {
    let verdicts = [
        "NOTHING_TO_DO",
        "OK",
        "HELD",
        "PARTIAL",
        "FAILED",
        "OK",
        "OK",
        "OK",
        "NOTHING_TO_DO",
        "SKIPPED",
        "PLANNED",
        "FAILED",
    ];
    for (scene, verdict) in SCENES.into_iter().zip(verdicts) {
        let json: Value = serde_json::from_slice(&report(scene).0.json().unwrap()).unwrap();
        assert_eq!(json["verdict"], verdict, "{scene}");
        assert_eq!(
            json["count"].as_u64(),
            json["sections"]
                .as_array()
                .map(|sections| sections.len() as u64),
            "{scene}"
        );
        let what_to_do = json["what_to_do"].as_array().unwrap();
        assert!(!what_to_do.is_empty(), "{scene}");
    }
}

#[test]
fn five_thousand_changes_are_grouped_and_small_and_every_mark_is_listed() {
    let (page, _) = report("five-thousand-changes");
    let (html, markdown) = (page.html(), page.markdown());
    println!(
        "5,000 changes: report.html {} bytes, report.md {} bytes, report.json {} bytes",
        html.len(),
        markdown.len(),
        page.json().unwrap().len()
    );
    for text in [&html, &markdown] {
        assert!(text.len() < 1 << 20, "{} bytes", text.len());
        assert!(text.contains("grouped by field"));
        for number in 4702..5000 {
            assert!(
                text.contains(partner_sync_tests::standins::seed::account_id(number).as_str()),
                "the mark of account {number} is missing"
            );
        }
    }
    let rows = html.matches("<tr>").count();
    assert!((300..600).contains(&rows), "{rows} rows");
}

#[test]
fn a_hostile_name_is_text_wherever_it_stands() {
    let (page, _) = report("hostile-names");
    let (html, markdown) = (page.html(), page.markdown());
    let body = html.split("</head>").nth(1).unwrap();
    for tag in ["<script", "<img", "</style>", "<style", "onerror=alert(1)>"] {
        assert!(!body.contains(tag), "{tag}");
        assert!(!markdown.contains(tag), "{tag}");
    }
    assert!(
        html.contains(&HOSTILE[0].replace('<', "&lt;").replace('>', "&gt;")),
        "the name itself is shown"
    );
    assert!(!markdown.contains("[free](") && !markdown.contains("**bold**"));
    for text in [&html, &markdown] {
        assert!(!text.contains(['\u{202e}', '\u{1b}', '\u{0}']));
        assert!(!text.contains("jo@partner.example"));
    }
}

#[test]
fn a_notice_has_at_most_six_lines_of_ids_and_nobodys_words() {
    let told = SCENES.map(|scene| (scene, report(scene).1.as_ref()));
    let names: Vec<_> = told
        .iter()
        .filter(|(_, notice)| notice.is_some())
        .map(|(scene, _)| *scene)
        .collect();
    assert_eq!(
        names,
        [
            "all-kinds",
            "held",
            "partial",
            "failed",
            "failed-before-a-plan"
        ],
        "a change of state is told, and nothing else"
    );
    for (scene, notice) in told {
        let Some(notice) = notice else { continue };
        assert!(
            notice.message.lines().count() <= 6 && notice.subject.len() <= 100,
            "{scene}"
        );
        assert!(
            notice.subject.is_ascii() && !notice.subject.contains('\n'),
            "SNS takes no other subject"
        );
        assert!(
            !notice.message.contains("taken") && !notice.message.contains("role"),
            "{scene}: {}",
            notice.message
        );
    }
}

#[test]
fn every_section_of_the_runbook_a_report_names_is_there() {
    let runbook = std::fs::read_to_string(golden().join("../../infra/RUNBOOK.md")).unwrap();
    for scene in SCENES {
        let json: Value = serde_json::from_slice(&report(scene).0.json().unwrap()).unwrap();
        let heading = format!("## {}\n", json["runbook"]["text"].as_str().unwrap());
        assert!(runbook.contains(&heading), "{scene}: {heading}");
    }
}
