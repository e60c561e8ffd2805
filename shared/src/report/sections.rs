//! The sections, in the order an operator reads them.

use std::collections::{BTreeMap, BTreeSet};

use super::{About, Known, Run, Section, health, minute, next_purge};
use crate::model::{
    Action, FieldValue, Guarded, Header, Instance, LastGood, MARK_FOR_DELETION, Mode, Outcome,
    RecordOutcome,
};
use crate::plan::{Judged, Party, Update};

/// Above so many updates they are grouped by field instead of listed one by one.
const LISTED: usize = 50;
/// Runs in a row a record has failed in from which a person has to look.
pub(super) const STUBBORN: u32 = 3;

pub(super) fn all(about: About<'_>, run: Run<'_>) -> [Option<Section>; 13] {
    [
        inputs(run),
        plan_and_result(run),
        marks(about, run),
        already_marked(about, run),
        changes(run),
        creates(run),
        failures(run),
        conflicts(run),
        guard(run),
        kept(run),
        health::stages(about, run),
        health::credentials(about, run),
        health::last_runs(about),
    ]
}

/// The outcomes of one kind by account (creates) or organization.
fn outcomes(run: Run<'_>, action: Action) -> BTreeMap<String, Outcome> {
    let key = |one: &RecordOutcome| {
        if action == Action::Create {
            one.salesforce_id.clone()
        } else {
            one.id.map(|id| id.to_string())
        }
    };
    run.results
        .iter()
        .filter(|one| one.action == action)
        .filter_map(|one| Some((key(one)?, one.outcome)))
        .collect()
}

/// What became of a record, in a word.
fn result_of(run: Run<'_>, category: Guarded, outcome: Option<&Outcome>) -> String {
    word_for(run, run.plan.guard.holds(category), outcome).to_owned()
}

fn word_for(run: Run<'_>, held: bool, outcome: Option<&Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Done) => "done",
        Some(Outcome::Failed) => "FAILED",
        Some(Outcome::Drifted) => "drifted",
        Some(Outcome::Unknown) => "unknown",
        None if held => "held",
        None if run.plan.mode == Mode::Plan => "planned",
        None => "not known",
    }
}

/// A number against another one, as `+2`.
fn against(now: usize, last: Option<usize>) -> String {
    match last {
        None => "no earlier good run".to_owned(),
        Some(last) if now >= last => format!("+{}", now - last),
        Some(last) => format!("-{}", last - now),
    }
}

fn inputs(run: Run<'_>) -> Option<Section> {
    let (counts, usage, last) = (
        &run.plan.counts,
        &run.usage.gather_accounts,
        run.plan.inputs.last_good.as_ref(),
    );
    let yes = |complete: bool| if complete { "yes" } else { "NO" }.to_owned();
    let salesforce = vec![
        "Salesforce accounts".to_owned(),
        counts.accounts.to_string(),
        String::new(),
        usage.pages.to_string(),
        usage.seconds(),
        yes(true),
        against(counts.accounts, last.map(|last| last.counts.accounts)),
    ];
    let zendesk = run.plan.instances.iter().map(|one| {
        let Instance {
            name,
            organizations_scanned,
            partner_organizations,
            pages,
            seconds,
            complete,
        } = one;
        let since = last.map_or_else(
            || against(0, None),
            |last| {
                let before = last.instances.iter().find(|before| before.name == *name);
                before.map_or_else(
                    || "not read then".to_owned(),
                    |before| against(*organizations_scanned, Some(before.organizations_scanned)),
                )
            },
        );
        vec![
            format!("Zendesk {name}"),
            organizations_scanned.to_string(),
            partner_organizations.to_string(),
            pages.to_string(),
            format!("{seconds:.1}"),
            yes(*complete),
            since,
        ]
    });
    let note = last.map_or_else(String::new, |last| {
        let change = against(
            counts.partner_organizations,
            Some(last.counts.partner_organizations),
        );
        let LastGood {
            header:
                Header {
                    run_id,
                    generated_at,
                    ..
                },
            ..
        } = last;
        format!(
            "The last good run was {run_id}, {}. Partner organizations on the target: {change} \
                 since.",
            minute(*generated_at)
        )
    });
    let head = [
        "source",
        "records",
        "partners",
        "pages",
        "seconds",
        "complete",
        "since the last good run",
    ];
    Section::of(
        "Inputs",
        note,
        &head,
        std::iter::once(salesforce).chain(zendesk),
    )
}

/// What a run read that failed before it had a plan.
pub(super) fn read_before_the_plan(
    accounts: Option<usize>,
    instances: &[Instance],
) -> Option<Section> {
    let row = |name: &str, records: Option<usize>| {
        let complete = if records.is_some() { "yes" } else { "NO" };
        vec![
            name.to_owned(),
            records.map_or_else(String::new, |records| records.to_string()),
            complete.to_owned(),
        ]
    };
    let scanned = (!instances.is_empty())
        .then(|| instances.iter().map(|one| one.organizations_scanned).sum());
    let rows = [
        row("Salesforce accounts", accounts),
        row("Zendesk, all instances", scanned),
    ];
    Section::of(
        "Inputs",
        "What is not complete is not used.",
        &["source", "records", "complete"],
        rows,
    )
}

fn plan_and_result(run: Run<'_>) -> Option<Section> {
    let counts = &run.plan.counts;
    let held = run.plan.guard.held();
    let held = |category| {
        held.iter()
            .find(|held| held.category == category)
            .map_or(0, |held| held.count)
    };
    let unmarked: BTreeSet<u64> = run
        .updates
        .iter()
        .filter(|update| update.unmark().is_some())
        .map(|update| update.id)
        .collect();
    let row = |name: &str, planned: usize, held: usize, is_it: &dyn Fn(&RecordOutcome) -> bool| {
        let of = |outcome: Outcome| {
            run.results
                .iter()
                .filter(move |one| one.outcome == outcome && is_it(one))
        };
        let [proven, failed, unknown, drifted] = [
            Outcome::Done,
            Outcome::Failed,
            Outcome::Unknown,
            Outcome::Drifted,
        ]
        .map(|one| of(one).count());
        // Of those without a result, Zendesk took what went with a job.
        let done = proven
            + of(Outcome::Unknown)
                .filter(|one| one.job_id.is_some())
                .count();
        let known = |number: usize| {
            if run.known == Known::Nothing {
                "not known".to_owned()
            } else {
                number.to_string()
            }
        };
        let mut cells = vec![name.to_owned(), planned.to_string()];
        cells.extend([done, proven, failed, unknown, drifted].map(known));
        cells.push(held.to_string());
        cells
    };
    let rows = vec![
        row("creates", counts.creates, held(Guarded::Creates), &|one| {
            one.action == Action::Create
        }),
        row("updates", counts.updates, held(Guarded::Updates), &|one| {
            one.action == Action::Update
        }),
        row("un-marks among them", counts.unmarks, 0, &|one| {
            one.action == Action::Update && one.id.is_some_and(|id| unmarked.contains(&id))
        }),
        row("marks", counts.marks, held(Guarded::Marks), &|one| {
            one.action == Action::Mark
        }),
    ];
    let note = match (run.known, run.plan.mode) {
        (Known::All, _) => {
            "Done: Zendesk took it. Proven: its own result for that very record says so, or the \
             fields read back."
        }
        (_, Mode::Plan) => "In plan mode nothing is applied.",
        (Known::SoFar, Mode::Apply) => {
            "As far as it was known when the run failed; what is missing may be done or not, and \
             the next run finds out."
        }
        (Known::Nothing, Mode::Apply) => {
            "The run was cut off; sync-state.json says how far it came, and the next run finds out \
             what is done."
        }
    };
    Section::of(
        "Plan and result",
        note,
        &[
            "", "planned", "done", "proven", "failed", "unknown", "drifted", "held",
        ],
        rows,
    )
}

fn marks(about: About<'_>, run: Run<'_>) -> Option<Section> {
    let purge = next_purge(about.ended_at);
    let how = "another job deletes what is marked and has no open tickets, with its users and \
               closed tickets";
    let note = if run.plan.mode == Mode::Plan || run.plan.guard.holds(Guarded::Marks) {
        format!("None of these is marked by this run. Were they marked now: on {purge} {how}.")
    } else {
        format!(
            "On {purge} {how}. A mark is taken back in the first run that sees its account again."
        )
    };
    let outcomes = outcomes(run, Action::Mark);
    let rows = run.marks.iter().map(|mark| {
        let result = result_of(run, Guarded::Marks, outcomes.get(&mark.id.to_string()));
        vec![
            mark.id.to_string(),
            mark.name.clone(),
            mark.salesforce_id.clone().unwrap_or_default(),
            mark.reason.clone(),
            result,
        ]
    });
    Section::of(
        "Marks for deletion",
        note,
        &["organization", "name", "Salesforce id", "reason", "result"],
        rows,
    )
}

fn already_marked(about: About<'_>, run: Run<'_>) -> Option<Section> {
    let rows = run.plan.already_marked.iter();
    let rows = rows.map(|mark| {
        vec![
            mark.id.to_string(),
            mark.name.clone(),
            mark.salesforce_id.clone().unwrap_or_default(),
            mark.reason.clone(),
        ]
    });
    let note = format!(
        "Marked before this run, and to be deleted on {} as well.",
        next_purge(about.ended_at)
    );
    Section::of(
        "Marked already",
        note,
        &["organization", "name", "Salesforce id", "reason"],
        rows,
    )
}

fn changes(run: Run<'_>) -> Option<Section> {
    let count: usize = run.updates.iter().map(|update| update.changes.len()).sum();
    if count > LISTED {
        let mut fields = BTreeMap::<&str, (usize, BTreeMap<String, usize>)>::new();
        for change in run.updates.iter().flat_map(|update| &update.changes) {
            let (count, values) = fields.entry(&change.field).or_default();
            *count += 1;
            *values
                .entry(format!("{} -> {}", value(&change.old), value(&change.new)))
                .or_default() += 1;
        }
        let most = |values: &BTreeMap<String, usize>| {
            values
                .iter()
                .max_by_key(|(_, count)| **count)
                .map_or_else(String::new, |(value, count)| format!("{value} ({count})"))
        };
        let rows = fields.into_iter().map(|(field, (count, values))| {
            vec![
                field.to_owned(),
                count.to_string(),
                values.len().to_string(),
                most(&values),
            ]
        });
        let note = format!(
            "{count} values of {} organizations, grouped by field; updates.json has them one by \
             one.",
            run.updates.len()
        );
        return Section::of(
            "Changes",
            note,
            &[
                "field",
                "organizations",
                "different changes",
                "most frequent",
            ],
            rows,
        );
    }
    let outcomes = outcomes(run, Action::Update);
    let rows = run.updates.iter().flat_map(
        |Update {
             id,
             salesforce_id: _,
             name,
             changes,
         }| {
            let outcome = outcomes.get(&id.to_string()).copied();
            changes.iter().map(move |change| {
                // A mark is taken back while everything else of its update is held.
                let held =
                    run.plan.guard.holds(Guarded::Updates) && change.field != MARK_FOR_DELETION;
                let result = word_for(run, held, outcome.as_ref().filter(|_| !held));
                vec![
                    id.to_string(),
                    name.clone(),
                    change.field.clone(),
                    value(&change.old),
                    value(&change.new),
                    result.to_owned(),
                ]
            })
        },
    );
    Section::of(
        "Changes",
        "",
        &["organization", "name", "field", "old", "new", "result"],
        rows,
    )
}

fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Text(text) => text.clone().unwrap_or_else(|| "(empty)".to_owned()),
    }
}

fn creates(run: Run<'_>) -> Option<Section> {
    let outcomes = outcomes(run, Action::Create);
    let rows = run.creates.iter().take(LISTED).map(|create| {
        let result = result_of(
            run,
            Guarded::Creates,
            outcomes.get(create.salesforce_id.as_str()),
        );
        vec![
            create.salesforce_id.to_string(),
            create.name.clone(),
            result,
        ]
    });
    let note = if run.creates.len() > LISTED {
        format!(
            "The first {LISTED} of {}; creates.json has all.",
            run.creates.len()
        )
    } else {
        String::new()
    };
    Section::of(
        "New organizations",
        note,
        &["Salesforce id", "name", "result"],
        rows,
    )
}

fn failures(run: Run<'_>) -> Option<Section> {
    let mut bad: Vec<&RecordOutcome> = run
        .results
        .iter()
        .filter(|result| result.outcome != Outcome::Done)
        .collect();
    if bad.is_empty() {
        return None;
    }
    bad.sort_by_key(|result| std::cmp::Reverse(result.runs_failed));
    let creates = run
        .creates
        .iter()
        .map(|one| (one.salesforce_id.to_string(), &one.name));
    let updates = run
        .updates
        .iter()
        .map(|one| (one.id.to_string(), &one.name));
    let names: BTreeMap<String, &String> = creates
        .chain(updates)
        .chain(run.marks.iter().map(|one| (one.id.to_string(), &one.name)))
        .collect();
    let rows = bad.into_iter().map(
        |RecordOutcome {
             action,
             id,
             salesforce_id,
             outcome,
             job_id: _,
             error,
             runs_failed,
         }| {
            let record = id
                .map(|id| id.to_string())
                .or_else(|| salesforce_id.clone())
                .unwrap_or_default();
            let name = names
                .get(&record)
                .map_or_else(String::new, |name| (*name).clone());
            let words = error.clone().unwrap_or_else(|| {
                "changed by somebody since it was read; the next run judges it afresh".to_owned()
            });
            let runs = runs_failed.map_or_else(String::new, |runs| {
                if runs >= STUBBORN {
                    format!("{runs} (look at it)")
                } else {
                    runs.to_string()
                }
            });
            let words_of = |word: &str| word.to_lowercase();
            vec![
                words_of(&format!("{action:?}")),
                record,
                name,
                words_of(&format!("{outcome:?}")),
                words,
                runs,
            ]
        },
    );
    let head = ["action", "record", "name", "outcome", "why", "runs failed"];
    Section::of(
        "Failures and drift",
        "In Zendesk's own words where it gave any; what failed in most runs comes first.",
        &head,
        rows,
    )
}

fn conflicts(run: Run<'_>) -> Option<Section> {
    let side = |parties: &[Party]| {
        let one = |party: &Party| {
            let id = party
                .id
                .map(|id| id.to_string())
                .or_else(|| party.salesforce_id.clone())
                .unwrap_or_default();
            let kind = party.account_type.as_deref().unwrap_or("no type");
            format!(
                "{} ({id}, {kind}{})",
                party.name,
                if party.marked {
                    ", MARKED for deletion"
                } else {
                    ""
                }
            )
        };
        parties.iter().map(one).collect::<Vec<_>>().join("; ")
    };
    let rows = run.plan.conflicts.iter().map(|one| {
        vec![
            side(&one.accounts),
            side(&one.organizations),
            one.reason.clone(),
        ]
    });
    Section::of(
        "Conflicts",
        "What clashes waits until a person decides; an organization that is matched by its id goes \
         on.",
        &["accounts", "organizations", "what to do"],
        rows,
    )
}

fn guard(run: Run<'_>) -> Option<Section> {
    let rows = run.plan.guard.categories.iter().map(
        |Judged {
             category,
             count,
             limit,
             digest,
             exceeded,
             approved,
             message,
         }| {
            let state = match (exceeded, approved) {
                (false, _) => "free",
                (true, true) => "approved",
                (true, false) => "held",
            };
            let margin = against(*limit, Some(*count));
            vec![
                category.name().to_owned(),
                count.to_string(),
                limit.to_string(),
                margin,
                state.to_owned(),
                message.clone(),
                digest.clone(),
            ]
        },
    );
    let head = [
        "category",
        "measured",
        "limit",
        "margin",
        "state",
        "how it was judged",
        "digest",
    ];
    Section::of(
        "Guard",
        "What is over its limit waits for an approval of exactly its digest.",
        &head,
        rows,
    )
}

fn kept(run: Run<'_>) -> Option<Section> {
    let retained = run
        .plan
        .retained
        .iter()
        .chain(&run.plan.protected)
        .map(|one| {
            let from = one
                .eligible_from
                .map_or_else(String::new, |date| format!("may be marked from {date}"));
            vec![
                one.id.to_string(),
                one.name.clone(),
                one.reason.clone(),
                from,
            ]
        });
    let skipped = run.plan.skipped.iter().map(|one| {
        vec![
            one.salesforce_id.to_string(),
            one.name.clone(),
            one.reason.clone(),
            "not created".to_owned(),
        ]
    });
    Section::of(
        "Left as they are",
        "",
        &["record", "name", "reason", "until"],
        retained.chain(skipped),
    )
}
