//! How the guard judged a category, in words: numbers, limit and percentage, and what else holds
//! it.

use super::words::counted;
use domain::model::Category;
use domain::plan::{Judged, Limit, Limits, PlannedRun, Sizes, Veto};

/// How a category was judged.
pub(super) fn message(run: &PlannedRun<'_>, judged: &Judged) -> String {
    let plan = &run.planned.plan;
    in_words(judged, plan.guard.seen, &plan.inputs.settings.limits)
}

fn in_words(judged: &Judged, seen: Sizes, limits: &Limits) -> String {
    let mut message = numbers(judged, seen);
    if let Some(Limit { number, percent }) = limit(judged.category, limits) {
        let allowed = Limit { number, percent }.of(seen.base);
        message =
            format!("{message}; the limit is {allowed}, the larger of {number} and {percent} %");
    }
    if let Some(veto) = judged.veto.as_ref().filter(|_| judged.count > 0) {
        let why = why(veto, limits);
        message = format!("{why}; held whatever their number: {message}");
    }
    if judged.held_before > 0 {
        message = format!(
            "{message}; {} of them were held before, and what was held stays held until it is \
             approved or none of it is left",
            judged.held_before
        );
    }
    message
}

/// What is measured, and its share of the partner organizations.
fn numbers(judged: &Judged, seen: Sizes) -> String {
    let Judged {
        category,
        count,
        exempt,
        standing,
        waiting,
        ..
    } = judged;
    let of_all = format!("of {}", counted(seen.base, "partner organization"));
    let exempt = match exempt {
        0 => String::new(),
        some => format!(" ({some} of them exempt and not measured)"),
    };
    let share = match (judged.measured() * 1000).checked_div(seen.base) {
        Some(permille) => format!("{}.{}", permille / 10, permille % 10),
        None => "-".to_owned(),
    };
    match category {
        Category::Marks => format!(
            "{count} new{exempt}, {waiting} waiting and {standing} that stand, {of_all} ({share} %)"
        ),
        Category::Creates | Category::Updates | Category::Unexplained => {
            format!("{count}{exempt} {of_all} ({share} %)")
        }
    }
}

/// The parameters of a category's limit; `None` for one that has no parameter: nothing of it goes
/// without an approval.
fn limit(category: Category, limits: &Limits) -> Option<Limit> {
    match category {
        Category::Creates => Some(limits.creates),
        Category::Updates => Some(limits.updates),
        Category::Marks => Some(limits.marks),
        Category::Unexplained => None,
    }
}

/// Why no entry may go without an approval.
fn why(veto: &Veto, limits: &Limits) -> String {
    match veto {
        Veto::LostMemory => "the memory of the runs before is lost, so nobody knows what was \
                             marked or held"
            .to_owned(),
        Veto::NoAccounts => "Salesforce returned no account at all".to_owned(),
        Veto::TooFewAccounts { accounts, most } => format!(
            "Salesforce returned {accounts} accounts, a good run of the last week had {most}: {} \
             %, fewer than {} %",
            (accounts * 100).checked_div(*most).unwrap_or_default(),
            limits.min_accounts_percent
        ),
        Veto::Unexplained => "Salesforce does not say that these partners left".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        creates: Limit {
            number: 10,
            percent: 10,
        },
        updates: Limit {
            number: 25,
            percent: 30,
        },
        marks: Limit {
            number: 5,
            percent: 5,
        },
        min_accounts_percent: 80,
    };

    fn judged(category: Category, count: usize) -> Judged {
        Judged {
            category,
            count,
            exempt: 0,
            standing: 0,
            waiting: 0,
            held_before: 0,
            limit: 0,
            veto: None,
            digest: String::new(),
            exceeded: true,
            approved: false,
        }
    }

    /// The message, among this many partner organizations.
    fn among(base: usize, judged: &Judged) -> String {
        let seen = Sizes {
            base,
            ..Sizes::default()
        };
        in_words(judged, seen, &LIMITS)
    }

    #[test]
    fn marks_are_measured_with_those_that_wait_and_those_that_stand_and_without_the_exempt() {
        let marks = Judged {
            standing: 3,
            waiting: 2,
            ..judged(Category::Marks, 12)
        };
        assert_eq!(
            among(173, &marks),
            "12 new, 2 waiting and 3 that stand, of 173 partner organizations (9.8 %); the limit \
             is 8, the larger of 5 and 5 %"
        );
        let marks = Judged { exempt: 4, ..marks };
        assert_eq!(
            among(1, &marks),
            "12 new (4 of them exempt and not measured), 2 waiting and 3 that stand, of 1 partner \
             organization (1300.0 %); the limit is 5, the larger of 5 and 5 %"
        );
    }

    #[test]
    fn other_categories_have_their_number_and_what_was_held_before() {
        assert_eq!(
            among(173, &judged(Category::Creates, 168)),
            "168 of 173 partner organizations (97.1 %); the limit is 17, the larger of 10 and 10 %"
        );
        let updates = Judged {
            held_before: 2,
            ..judged(Category::Updates, 60)
        };
        assert_eq!(
            among(0, &updates),
            "60 of 0 partner organizations (- %); the limit is 25, the larger of 25 and 30 %; 2 of \
             them were held before, and what was held stays held until it is approved or none of \
             it is left"
        );
    }

    #[test]
    fn a_veto_comes_first_and_only_if_there_is_something_to_hold() {
        let vetoed = |veto, category, count| {
            let veto = Some(veto);
            among(
                173,
                &Judged {
                    veto,
                    ..judged(category, count)
                },
            )
        };
        let numbers = "held whatever their number: 1 new, 0 waiting and 0 that stand, of 173 \
                       partner organizations (0.5 %); the limit is 8, the larger of 5 and 5 %";
        for (veto, why) in [
            (
                Veto::LostMemory,
                "the memory of the runs before is lost, so nobody knows what was marked or held",
            ),
            (Veto::NoAccounts, "Salesforce returned no account at all"),
            (
                Veto::TooFewAccounts {
                    accounts: 30,
                    most: 80,
                },
                "Salesforce returned 30 accounts, a good run of the last week had 80: 37 %, fewer \
                 than 80 %",
            ),
        ] {
            let message = vetoed(veto.clone(), Category::Marks, 1);
            assert_eq!(message, format!("{why}; {numbers}"));
            let nothing = vetoed(veto, Category::Marks, 0);
            assert!(nothing.starts_with("0 new"), "{nothing}");
        }
        assert_eq!(
            vetoed(Veto::Unexplained, Category::Unexplained, 2),
            "Salesforce does not say that these partners left; held whatever their number: 2 of \
             173 partner organizations (1.1 %)"
        );
    }
}
