//! What a report and a message say of a plan: of what is held, unexplained, exempt, merged.

use domain::model::{
    Action, Applied, Category, Claim, Counts, Header, History, Memory, Mode, Outcome, PastRun,
    RecordOutcome, Verdict,
};
use domain::plan::{Evidence, Planned, Refused, RunEnd, Veto, WaitsFor, WhyRefused};

use super::cells::Cell;
use super::for_tests::{
    LOST, NOW, approve, context, digest, judged, merged, now, planned, reporting, result, run,
    waiting,
};
use super::{Notice, Report, Section, notice};

const NONE: &[Category] = &[];
const MARKS: &[Category] = &[Category::Marks];
const UNEXPLAINED: &[Category] = &[Category::Unexplained];

fn report_with(planned: &Planned, results: Vec<RecordOutcome>) -> Report {
    let history = History::new("r", now());
    let reporting = reporting();
    let context = context(planned.plan.mode, &history, &reporting);
    Report::of(context, &RunEnd::Planned(Box::new(run(planned, results))))
}

fn report(planned: &Planned) -> Report {
    report_with(planned, Vec::new())
}

/// The message of a run that ended so after a good one.
fn message(planned: &Planned, ending: Verdict, held: &[Category]) -> Notice {
    let mut history = History::new("r", now());
    for (number, ending) in [Verdict::Ok, ending].into_iter().enumerate() {
        history.note(PastRun {
            run_id: format!("r{number}"),
            ended_at: now(),
            seconds: 1,
            ending,
            error: None,
            counts: Counts::default(),
            applied: Applied::default(),
            linked: None,
            held: held.to_vec(),
            offered: Vec::new(),
            claim: Claim::default(),
            told: false,
            untold: Vec::new(),
        });
    }
    let reporting = reporting();
    let context = context(Mode::Apply, &history, &reporting);
    let end = RunEnd::Planned(Box::new(run(planned, Vec::new())));
    notice(context, &end).unwrap().unwrap()
}

fn section<'a>(report: &'a Report, title: &str) -> Option<&'a Section> {
    report.sections.iter().find(|one| one.title == title)
}

/// The cells of a column of a section.
fn column(report: &Report, title: &str, name: &str) -> Vec<String> {
    let section = section(report, title).unwrap();
    let place = section.head.iter().position(|one| *one == name).unwrap();
    let cells = section.rows.iter().map(|row| row[place].text().to_string());
    cells.collect()
}

/// The texts of what is to be done.
fn what_to_do(report: &Report) -> String {
    let texts = report.what_to_do.iter().map(|one| one.text.as_str());
    texts.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sections_of_marks_stand_in_the_order_in_which_an_operator_acts() {
    let titles = |held| {
        let report = report(&planned(Mode::Apply, held));
        let titles = report.sections.iter().map(|one| one.title);
        titles.take(7).collect::<Vec<_>>()
    };
    let rest = [
        "Marked already",
        "Marks taken back",
        "Exempt",
        "Merged accounts",
        "Waiting",
    ];
    let held = titles(&[Category::Marks, Category::Unexplained]);
    assert_eq!(held[..2], ["Held marks", "Unexplained"]);
    assert_eq!(held[2..], rest);
    let free = titles(NONE);
    assert_eq!(free[..2], ["Unexplained", "Marks for deletion"]);
    assert_eq!(free[2..], rest);
}

#[test]
fn what_is_unexplained_is_held_apart_from_marks_and_says_what_to_look_at() {
    let report = report(&planned(Mode::Apply, UNEXPLAINED));
    let unexplained = section(&report, "Unexplained").unwrap();
    assert!(unexplained.is_held);
    for words in [
        "the account in Salesforce",
        "the permission",
        "the organization's account_type",
        "until a person approves exactly these",
    ] {
        assert!(unexplained.note.contains(words), "{words}");
    }
    let ids = |title| column(&report, title, "organization");
    assert_eq!(ids("Unexplained"), ["21"]);
    assert_eq!(ids("Marks for deletion"), ["11", "12"]);
    assert_eq!(section(&report, "Held marks"), None);
    assert_eq!(
        report.headline,
        "1 unexplained mark held until a person approves them; 0 created, 0 updated, 0 marked"
    );
    assert!(what_to_do(&report).contains("Salesforce gives no evidence for 1 unexplained mark."));
    let runbook = "https://docs.example/RUNBOOK.md#unexplained-marks";
    assert_eq!(report.runbook.url, runbook);
}

#[test]
fn what_is_held_beside_the_unexplained_leads_to_the_section_of_held_changes() {
    let both = [Category::Marks, Category::Unexplained];
    let report = report(&planned(Mode::Apply, &both));
    assert_eq!(report.runbook.text, "Alarm HeldChanges");
    assert!(
        report
            .headline
            .starts_with("2 marks and 1 unexplained mark held")
    );
}

#[test]
fn once_approved_the_unexplained_are_among_the_marks_of_the_run() {
    let mut planned = planned(Mode::Apply, MARKS);
    approve(&mut planned, Category::Unexplained);
    let report = report_with(&planned, vec![result(Action::Mark, 21, Outcome::Done)]);
    let titles: Vec<_> = report.sections.iter().map(|one| one.title).collect();
    assert_eq!(
        titles[..3],
        ["Held marks", "Unexplained", "Marks for deletion"]
    );
    assert!(!section(&report, "Unexplained").unwrap().is_held);
    assert_eq!(
        column(&report, "Marks for deletion", "organization"),
        ["21"]
    );
    assert!(what_to_do(&report).contains("1 of 1 mark was set: look below"));
    let counted = |name: &str| {
        let names = column(&report, "Plan and result", "kind");
        let place = names.iter().position(|one| one == name).unwrap();
        let of = |head| column(&report, "Plan and result", head)[place].clone();
        [of("planned"), of("done"), of("held")]
    };
    assert_eq!(counted("marks"), ["2", "0", "2"]);
    assert_eq!(counted("unexplained marks"), ["1", "1", "0"]);
}

#[test]
fn what_the_purge_leaves_alone_has_no_day_on_which_it_is_deleted() {
    let mut planned = planned(Mode::Apply, NONE);
    let exempt = planned.plan.found.waiting.iter_mut().take(1);
    exempt.for_each(|one| one.exempt = true);
    let report = report(&planned);
    let saturday = "Saturday 2026-11-28 00:45 UTC";
    assert_eq!(
        column(&report, "Marks for deletion", "deleted on")[..2],
        [saturday, "never: it is exempt"]
    );
    let waiting = column(&report, "Waiting", "deleted on at the earliest");
    assert_eq!(waiting[0], "never: it is exempt");
    assert_eq!(column(&report, "Exempt", "organization"), ["32"]);
    assert_eq!(column(&report, "Marked already", "organization"), ["31"]);
}

#[test]
fn who_set_a_mark_is_known_or_not_or_it_is_said_to_be_perhaps_this_pipeline() {
    let mut planned = planned(Mode::Apply, NONE);
    let by = |planned: &Planned| column(&report(planned), "Marked already", "marked");
    let approved = "by this pipeline, 2026-11-26 06:00 UTC, approved";
    assert_eq!(by(&planned), [approved]);
    planned.plan.found.own_marks[0].perhaps = true;
    assert!(by(&planned)[0].starts_with("perhaps by this pipeline"));
    planned.plan.found.own_marks.clear();
    assert_eq!(by(&planned), ["by somebody else"]);
}

#[test]
fn a_mark_that_is_taken_back_has_its_reason_and_what_became_of_it() {
    let planned = planned(Mode::Apply, NONE);
    let report = report_with(&planned, vec![result(Action::Update, 41, Outcome::Failed)]);
    let cells = |name| column(&report, "Marks taken back", name);
    assert_eq!(cells("why"), ["its account is an authorised partner"]);
    assert_eq!(cells("result"), ["FAILED"]);
}

#[test]
fn a_merged_account_leads_to_the_surviving_one_and_to_both_organizations() {
    let mut planned = planned(Mode::Apply, NONE);
    let report = |planned: &Planned| report(planned);
    let first = report(&planned);
    let row = &section(&first, "Merged accounts").unwrap().rows[0];
    let links = row.iter().flat_map(Cell::parts);
    let links: Vec<_> = links
        .filter_map(|part| Some((first.addresses.of_part(part)?, part.text().to_string())))
        .collect();
    let organization = |id: &str| {
        let url = format!("https://acme.zendesk.com/agent/organizations/{id}");
        (url, id.to_owned())
    };
    let account = || {
        let url = format!("https://acme.lightning.force.com/lightning/r/Account/{LOST}/view");
        (url, LOST.to_owned())
    };
    assert_eq!(
        links,
        [organization("51"), account(), account(), organization("52")]
    );
    assert_eq!(
        column(&first, "Merged accounts", "which has organization"),
        ["52"]
    );
    let note = &section(&first, "Merged accounts").unwrap().note;
    assert!(
        note.contains("must carry the surviving account's id"),
        "{note}"
    );
    assert!(what_to_do(&first).contains("Bring 1 pair of merged accounts together"));

    planned.plan.found.merged = vec![merged(51, None)];
    let alone = report(&planned);
    assert_eq!(
        column(&alone, "Merged accounts", "which has organization"),
        ["none"]
    );
    assert!(!what_to_do(&alone).contains("Bring"));
}

#[test]
fn who_waits_is_told_for_what_and_no_purge_of_the_past_or_of_the_quiet_hours_is_named() {
    let mut planned = planned(Mode::Apply, NONE);
    planned.plan.found.waiting.extend([
        waiting(64, WaitsFor::Time, "2026-11-27T13:00:00Z"),
        domain::plan::Waiting {
            reason: Evidence::NotVisible,
            ..waiting(65, WaitsFor::Time, "2026-11-27T08:00:00Z")
        },
    ]);
    let report = report(&planned);
    assert_eq!(
        column(&report, "Waiting", "waits for")[..3],
        ["time", "the purge", "an answer"]
    );
    let (this, next) = (
        "Saturday 2026-11-28 00:45 UTC",
        "Saturday 2026-12-05 00:45 UTC",
    );
    assert_eq!(
        column(&report, "Waiting", "deleted on at the earliest"),
        [this, next, this, next, "never, unless a person approves it"]
    );
    let note = &section(&report, "Waiting").unwrap().note;
    assert!(note.contains("24 hours (MarkAfterHours)"), "{note}");
    assert!(
        note.contains("12 hours before a purge (QuietHours)"),
        "{note}"
    );
}

#[test]
fn without_quiet_hours_nothing_is_said_of_them() {
    let mut planned = planned(Mode::Apply, NONE);
    planned.plan.inputs.settings.quiet_hours = 0;
    let report = report(&planned);
    let note = &section(&report, "Waiting").unwrap().note;
    assert!(!note.contains("QuietHours"), "{note}");
}

#[test]
fn a_plan_that_was_only_looked_at_prints_no_release_of_what_no_run_has_held() {
    let mut planned = planned(Mode::Plan, &[Category::Marks, Category::Unexplained]);
    let commands = |planned: &Planned| {
        let report = report(planned);
        let commands = report.what_to_do.iter().filter_map(|one| one.input.clone());
        (what_to_do(&report), commands.collect::<Vec<_>>())
    };
    let (texts, inputs) = commands(&planned);
    assert!(texts.contains("Only what a run in apply mode has held in the last 24 hours"));
    assert_eq!(inputs, ["{}"]);

    planned.plan.release = Some("aws".to_owned());
    let (texts, inputs) = commands(&planned);
    assert!(texts.contains("this applies all of the plan"), "{texts}");
    assert_eq!(inputs.len(), 3, "all, or each alone");
    assert!(
        inputs.iter().all(|one| one.contains("approve")),
        "{inputs:?}"
    );
}

#[test]
fn each_refused_approval_is_a_warning_with_its_reason_and_news() {
    let mut planned = planned(Mode::Apply, NONE);
    planned.plan.guard.refused_approvals = vec![
        Refused {
            digest: digest(7),
            why: WhyRefused::Unknown,
        },
        Refused {
            digest: digest(8),
            why: WhyRefused::TooOld { held_at: now() },
        },
    ];
    let warnings = report(&planned).warnings;
    assert_eq!(warnings.len(), 2);
    let first = format!(
        "Refused approval, which released nothing: {}: no run in apply mode of the last week has \
         held it.",
        digest(7)
    );
    assert_eq!(warnings[0], first);
    assert!(warnings[1].contains("approvals count for 24 hours"));
    let told = message(&planned, Verdict::NothingToDo, NONE);
    assert!(told.subject.ends_with("an approval released nothing"));
    let line = "An approval released nothing: no run in apply mode of the last week has held it. \
                An approval released nothing: it was held last at";
    assert!(told.message.contains(line), "{}", told.message);
}

#[test]
fn who_approved_is_shown_as_claimed_in_report_and_message() {
    let mut planned = planned(Mode::Apply, MARKS);
    let claim = Claim {
        approved_by: Some("Robin Alder jo@partner.example".to_owned()),
        note: Some("they left,\nticket 4711".to_owned()),
    };
    planned.plan.inputs.claim = claim;
    let claimed = "As claimed by its input: approved by \"Robin Alder [e-mail]\", note \"they \
                   left, ticket 4711\".";
    assert!(
        !what_to_do(&report(&planned)).contains("claimed"),
        "nothing is approved"
    );
    approve(&mut planned, Category::Unexplained);
    let texts = what_to_do(&report(&planned));
    let line = format!("an approval of 1 unexplained mark. {claimed} Who started it is not known");
    assert!(texts.contains(&line), "{texts}");
    let told = message(&planned, Verdict::Held, MARKS).message;
    let line = format!("It was started with an approval of 1 unexplained mark. {claimed}");
    assert!(told.lines().next().unwrap().ends_with(&line), "{told}");
}

#[test]
fn a_message_names_what_is_unexplained_and_leads_to_its_section() {
    let told = message(
        &planned(Mode::Apply, UNEXPLAINED),
        Verdict::Held,
        UNEXPLAINED,
    )
    .message;
    assert!(told.contains("Held unexplained: 1 of 100 "), "{told}");
    assert!(told.contains("RUNBOOK.md#unexplained-marks"), "{told}");
    let both = &[Category::Marks, Category::Unexplained];
    let told = message(&planned(Mode::Apply, both), Verdict::Held, both).message;
    assert!(told.contains("RUNBOOK.md#alarm-heldchanges"), "{told}");
}

#[test]
fn a_message_has_ten_lines_at_most_even_if_everything_is_held_and_told() {
    let all = &[
        Category::Creates,
        Category::Updates,
        Category::Marks,
        Category::Unexplained,
    ];
    let mut planned = planned(Mode::Apply, all);
    planned.plan.guard.categories = all.map(|one| judged(one, 9, all)).into();
    planned.plan.inputs.memory_lost = Some("it is gone".to_owned());
    planned.plan.guard.refused_approvals = vec![Refused {
        digest: digest(7),
        why: WhyRefused::Unknown,
    }];
    let told = message(&planned, Verdict::Held, all).message;
    // Records that failed or are unknown have one more.
    assert_eq!(told.lines().count(), 9, "{told}");
}

#[test]
fn a_lost_memory_is_told_by_the_run_after_the_one_that_was_cut_off() {
    let mut planned = planned(Mode::Apply, NONE);
    let mut memory = Memory {
        header: Header::new("r", now(), 0),
        absent: Vec::new(),
        marked: Vec::new(),
        held: [].into(),
        written: Vec::new(),
        started_at: now(),
        lost: Some("it is no JSON".to_owned()),
        mapping: None,
        lost_untold: true,
        watched_at: None,
    };
    planned.plan.inputs.memory = Some(memory.clone());
    let told = message(&planned, Verdict::NothingToDo, NONE);
    assert!(told.subject.ends_with("the memory is lost"));
    let line = "The memory was lost in a run before that was cut off: it is no JSON.";
    assert!(told.message.contains(line), "{}", told.message);
    let runbook = "RUNBOOK.md#the-memory-is-lost";
    assert!(told.message.contains(runbook), "{}", told.message);

    memory.lost_untold = false;
    planned.plan.inputs.memory = Some(memory);
    let reporting = reporting();
    let history = History::new("r", NOW.parse().unwrap());
    let context = context(Mode::Apply, &history, &reporting);
    let end = RunEnd::Planned(Box::new(run(&planned, Vec::new())));
    assert_eq!(notice(context, &end).unwrap(), None, "told before");
}

#[test]
fn nothing_says_more_of_the_purge_than_is_known() {
    for held in [NONE, MARKS] {
        let planned = planned(Mode::Apply, held);
        let told = message(&planned, Verdict::Held, MARKS).message;
        for text in [report(&planned).markdown(), told] {
            assert!(text.contains("no tickets other than closed ones"), "{text}");
            assert!(!text.contains("open tickets"), "{text}");
            assert!(!text.contains("with its users"), "{text}");
        }
    }
}

#[test]
fn how_a_category_was_judged_is_said_to_its_end_because_no_document_says_it() {
    let mut planned = planned(Mode::Apply, MARKS);
    let [.., marks, _] = planned.plan.guard.categories.as_mut_slice() else {
        panic!("there are four categories");
    };
    (marks.veto, marks.held_before) = (Some(Veto::LostMemory), 2);
    let words = column(&report(&planned), "Guard", "how it was judged");
    assert!(words[2].starts_with("the memory of the runs before is lost"));
    assert!(words[2].ends_with("until it is approved or none of it is left"));
}

#[test]
fn the_guard_measures_what_waits_and_what_stands_too_and_leaves_the_exempt_out() {
    let mut planned = planned(Mode::Apply, MARKS);
    let [.., marks, _] = planned.plan.guard.categories.as_mut_slice() else {
        panic!("there are four categories");
    };
    (marks.waiting, marks.standing, marks.exempt) = (3, 4, 1);
    let report = report(&planned);
    assert_eq!(column(&report, "Guard", "measured")[2], "8");
    assert_eq!(column(&report, "Guard", "margin")[2], "-3");
}

#[test]
fn unexplained_marks_are_counted_as_held_and_in_a_plan_that_holds_nothing_as_marks() {
    let held = report(&planned(Mode::Apply, UNEXPLAINED));
    let column = column(&held, "Plan and result", "held");
    assert_eq!(column.last().unwrap(), "1");
    let free = report(&planned(Mode::Plan, NONE));
    assert_eq!(
        free.headline,
        "0 creates, 0 updates, 3 marks planned; nothing was applied"
    );
}
