//! What became of every record, as `results.json` has it.

use domain::model::{Action, MARK_FOR_DELETION, Outcome, RecordOutcome};
use domain::plan::{Mark, Update};

use crate::list::List;
use crate::refusal::Refusal;
use crate::state::{CreateResult, State};
use crate::work::Work;

/// An outcome for every record that was to be applied, in the order of the plan.
pub fn of_finished(work: &Work, state: &State) -> Vec<RecordOutcome> {
    let known = Known::of(work, state);
    let updates = updates(work).map(|one| known.update(one).unwrap_or_else(|| unknown(one.update)));
    let marks = marks(work).map(|(place, mark)| {
        let result = known.mark(place, mark);
        result.unwrap_or_else(|| of_mark(mark, Outcome::Unknown))
    });
    creates(work, state).chain(updates).chain(marks).collect()
}

/// The outcomes decided so far, for a stage that failed.
pub fn so_far(work: &Work, state: &State) -> Vec<RecordOutcome> {
    let known = Known::of(work, state);
    let updates = updates(work).filter_map(|one| known.update(one));
    let marks = marks(work).filter_map(|(place, mark)| known.mark(place, mark));
    creates(work, state).chain(updates).chain(marks).collect()
}

/// An update, and where its two parts are in the lists that are sent.
#[derive(Clone, Copy)]
struct Sent<'a> {
    update: &'a Update,
    unmark: Option<usize>,
    rest: Option<usize>,
}

/// The updates that were to be sent, in the order of the plan.
fn updates(work: &Work) -> impl Iterator<Item = Sent<'_>> {
    let all = work.planned.entries.updates.iter().enumerate();
    all.filter_map(|(in_plan, update)| {
        let unmark = work.place_of(List::Unmarks, in_plan);
        let rest = work.place_of(List::Updates, in_plan);
        (unmark.is_some() || rest.is_some()).then_some(Sent {
            update,
            unmark,
            rest,
        })
    })
}

fn marks(work: &Work) -> impl Iterator<Item = (usize, &Mark)> {
    let all = (0..work.len(List::Marks)).map(|place| (place, work.mark(place)));
    all.filter_map(|(place, mark)| Some((place, mark?)))
}

/// What became of one record of a list.
#[derive(Clone, Copy)]
struct Part<'a> {
    outcome: Outcome,
    job_id: Option<&'a str>,
    error: Option<&'a str>,
}

/// What is decided.
struct Known<'a> {
    /// By list, in its order, and place.
    parts: [Vec<Option<Part<'a>>>; List::ALL.len()],
    /// By place among the updates.
    refusals: Vec<Option<&'a Refusal>>,
}

impl<'a> Known<'a> {
    fn of(work: &Work, state: &'a State) -> Self {
        let mut parts = List::ALL.map(|list| vec![None; work.len(list)]);
        for decided in state.decided.iter() {
            let part = Part {
                outcome: decided.outcome,
                job_id: decided.job_id.as_deref(),
                error: decided.error.as_deref(),
            };
            let Some(of_list) = parts.get_mut(decided.list as usize) else {
                continue;
            };
            for place in decided.places.iter().cloned().flatten() {
                if let Some(slot) = of_list.get_mut(place) {
                    *slot = Some(part);
                }
            }
        }
        let mut refusals = vec![None; work.len(List::Updates)];
        for refused in state.refused.iter() {
            if let Some(slot) = refusals.get_mut(refused.place) {
                *slot = Some(&refused.refusal);
            }
        }
        Self { parts, refusals }
    }

    fn part(&self, list: List, place: Option<usize>) -> Option<Part<'a>> {
        *self.parts.get(list as usize)?.get(place?)?
    }

    fn mark(&self, place: usize, mark: &Mark) -> Option<RecordOutcome> {
        let part = self.part(List::Marks, Some(place))?;
        Some(part.of(of_mark(mark, part.outcome)))
    }

    /// `None` if nothing is known of either part.
    fn update(&self, sent: Sent<'_>) -> Option<RecordOutcome> {
        let unmark = self.part(List::Unmarks, sent.unmark);
        let rest = self.part(List::Updates, sent.rest);
        let refusal = sent.rest.and_then(|place| *self.refusals.get(place)?);
        let of_unmark = unmark.map(|part| part.of(of_update(sent.update, part.outcome)));
        let of_rest =
            rest.map(|part| without(refusal, part.of(of_update(sent.update, part.outcome))));
        let both = match (of_unmark, of_rest) {
            (Some(unmark), None) if sent.rest.is_some() => both(unmark, unknown(sent.update)),
            (None, Some(rest)) if sent.unmark.is_some() => both(unknown(sent.update), rest),
            (Some(unmark), Some(rest)) => both(unmark, rest),
            (one, other) => one.or(other)?,
        };
        Some(RecordOutcome {
            unmarked: unmark.is_some_and(|part| part.outcome == Outcome::Done),
            ..both
        })
    }
}

impl Part<'_> {
    fn of(self, result: RecordOutcome) -> RecordOutcome {
        RecordOutcome {
            job_id: self.job_id.map(str::to_owned),
            error: self.error.map(str::to_owned),
            ..result
        }
    }
}

/// A record that was sent once more without what was refused has failed all the same.
fn without(refusal: Option<&Refusal>, sent: RecordOutcome) -> RecordOutcome {
    let Some(refusal) = refusal else {
        return sent;
    };
    let words = sent.error.as_deref();
    match sent.outcome {
        Outcome::Done => RecordOutcome {
            outcome: Outcome::Failed,
            error: Some(refusal.words.clone()),
            left_out: refusal.left_out.clone(),
            ..sent
        },
        _ => RecordOutcome {
            error: Some(refusal.and_then(words.unwrap_or_default())),
            ..sent
        },
    }
}

/// One result for an update that was sent in two parts: the worse one. An un-mark that failed was
/// left out, if the rest was written.
fn both(unmark: RecordOutcome, rest: RecordOutcome) -> RecordOutcome {
    match (unmark.outcome, rest.outcome) {
        (Outcome::Failed, Outcome::Done) => RecordOutcome {
            left_out: vec![MARK_FOR_DELETION.name().to_owned()],
            ..unmark
        },
        (Outcome::Failed, _) | (_, Outcome::Done) => unmark,
        _ => RecordOutcome {
            job_id: rest.job_id.or(unmark.job_id),
            ..rest
        },
    }
}

fn of_update(update: &Update, outcome: Outcome) -> RecordOutcome {
    RecordOutcome {
        salesforce_id: Some(update.salesforce_id.to_string()),
        ..RecordOutcome::of(Action::Update, Some(update.id), outcome)
    }
}

/// An update of which nothing is known.
fn unknown(update: &Update) -> RecordOutcome {
    of_update(update, Outcome::Unknown)
}

fn of_mark(mark: &Mark, outcome: Outcome) -> RecordOutcome {
    RecordOutcome {
        salesforce_id: mark.salesforce_id.clone(),
        ..RecordOutcome::of(Action::Mark, Some(mark.id), outcome)
    }
}

fn creates<'a>(work: &'a Work, state: &'a State) -> impl Iterator<Item = RecordOutcome> + 'a {
    let tried = work.creates().iter().zip(state.creates.iter());
    tried.map(|(create, result)| {
        let CreateResult {
            outcome,
            id,
            error,
            left_out,
        } = result;
        RecordOutcome {
            salesforce_id: Some(create.salesforce_id.to_string()),
            error: error.clone(),
            left_out: left_out.clone(),
            ..RecordOutcome::of(Action::Create, *id, *outcome)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(outcome: Outcome) -> RecordOutcome {
        RecordOutcome::of(Action::Update, Some(1), outcome)
    }

    fn combined(unmark: Outcome, rest: Outcome) -> (Outcome, Vec<String>) {
        let both = both(result(unmark), result(rest));
        (both.outcome, both.left_out)
    }

    #[test]
    fn an_update_in_two_parts_is_as_good_as_its_worse_one() {
        use Outcome::{Done, Failed, Unknown};
        assert_eq!(combined(Done, Done), (Done, Vec::new()));
        for (unmark, rest, wanted) in [
            (Done, Failed, Failed),
            (Done, Unknown, Unknown),
            (Unknown, Done, Unknown),
            (Unknown, Failed, Failed),
            (Failed, Unknown, Failed),
            (Failed, Failed, Failed),
        ] {
            assert_eq!(
                combined(unmark, rest),
                (wanted, Vec::new()),
                "{unmark:?} {rest:?}"
            );
        }
        let left_out = vec![MARK_FOR_DELETION.name().to_owned()];
        assert_eq!(combined(Failed, Done), (Failed, left_out));
    }

    #[test]
    fn what_was_written_without_the_refused_value_has_failed_and_says_so() {
        let refusal = Refusal {
            left_out: vec!["name".to_owned()],
            words: "Name: no".to_owned(),
        };
        let written = without(Some(&refusal), result(Outcome::Done));
        assert_eq!(written.outcome, Outcome::Failed);
        assert_eq!(written.left_out, ["name"]);
        assert_eq!(written.error.as_deref(), Some("Name: no"));
        let refused = RecordOutcome {
            error: Some("Owner: no".to_owned()),
            ..result(Outcome::Failed)
        };
        let refused = without(Some(&refusal), refused);
        assert_eq!(refused.left_out, [""; 0]);
        let words = "Name: no; sent once more without name: Owner: no";
        assert_eq!(refused.error.as_deref(), Some(words));
    }
}
