//! Every record of a job that has ended is judged: only exactly one `success: true` is a success.

use std::collections::BTreeMap;

use domain::model::Outcome;
use vendors::zendesk::{CallError, Client, JobEnd, RecordResult, Said};

use crate::doubt::is_transient;
use crate::jobs::read_back;
use crate::state::{Chunk, Phase, State};
use crate::work::Work;

/// What an ended job says of the records that were sent with it.
#[derive(Default)]
struct Judgement {
    /// Exactly one result, `success: true`.
    succeeded: Vec<usize>,
    /// Exactly one result, an error.
    failed: Vec<(usize, String)>,
    /// No result, several, one that says neither; or one that a job without proper end does not
    /// give to an organization.
    silent: Vec<usize>,
}

impl Judgement {
    fn of(work: &Work, chunk: Chunk, sent: &[usize], end: &JobEnd) -> Self {
        let results = results_by_record(work, chunk, sent, end);
        let mut judgement = Self::default();
        for &index in sent {
            let one = match results.get(&index).map_or(&[][..], Vec::as_slice) {
                [one] if end.completed || one.id.is_some() => &one.said,
                _ => &Said::Nothing,
            };
            match one {
                Said::Done => judgement.succeeded.push(index),
                Said::Failed(words) => judgement.failed.push((index, words.clone())),
                Said::Nothing => judgement.silent.push(index),
            }
        }
        judgement
    }
}

/// The results of each record: by the organization's id, else by the place in what was sent.
fn results_by_record<'a>(
    work: &Work,
    chunk: Chunk,
    sent: &[usize],
    end: &'a JobEnd,
) -> BTreeMap<usize, Vec<&'a RecordResult>> {
    let mut index_of = BTreeMap::new();
    for &index in sent {
        if let Some(id) = work.id(chunk.action, index) {
            index_of.insert(id, index);
        }
    }
    let mut results = BTreeMap::<usize, Vec<_>>::new();
    for result in &end.results {
        let index = match (result.id, result.position) {
            (Some(id), _) => index_of.get(&id),
            (None, Some(position)) => sent.get(position),
            (None, None) => None,
        };
        if let Some(index) = index {
            results.entry(*index).or_default().push(result);
        }
    }
    results
}

/// What is done about the records that a job does not prove to be done.
#[derive(Default)]
struct NotDone {
    /// Not done, with the words for it.
    decided: Vec<(usize, String)>,
    /// Sent again in halves: the job did not end well, and says nothing of them.
    halves: Vec<usize>,
    /// Tried once more: the words were transient.
    once_more: Vec<usize>,
}

impl NotDone {
    /// `failed` are the records with an error of their own, `unproven` those that were read back
    /// and are not as wanted, of so many that were `sent`.
    fn of(
        chunk: Chunk,
        end: &JobEnd,
        sent: usize,
        failed: Vec<(usize, String)>,
        unproven: Vec<usize>,
    ) -> Self {
        let mut not_done = Self::default();
        let is_halved = !end.completed && sent > 1;
        let last_words = last_words(end);
        let words = if end.completed {
            NOT_AS_WANTED
        } else {
            &last_words
        };
        for index in unproven {
            if is_halved {
                not_done.halves.push(index);
            } else {
                not_done.note(chunk, is_halved, index, words.to_owned());
            }
        }
        for (index, words) in failed {
            not_done.note(chunk, is_halved, index, words);
        }
        not_done.halves.sort_unstable();
        not_done.once_more.sort_unstable();
        not_done
    }

    fn note(&mut self, chunk: Chunk, is_halved: bool, index: usize, words: String) {
        if chunk.once_more || !is_transient(&words) {
            self.decided.push((index, words));
        } else if is_halved {
            self.halves.push(index);
        } else {
            self.once_more.push(index);
        }
    }
}

/// Judges every record of a job that has ended.
///
/// What is silent is read back. What a job without proper end does not prove is sent again in
/// halves; a single record has its last words. Transient words are tried once more.
pub async fn judge(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    place: usize,
    end: &JobEnd,
) -> Result<(), CallError> {
    let Some(job) = state.jobs.get(place) else {
        return Ok(());
    };
    let (chunk, may_read) = (job.chunk, job.may_be_read_back());
    let sent = state.undecided(chunk);
    let Judgement {
        succeeded,
        failed,
        silent,
    } = Judgement::of(work, chunk, &sent, end);
    if !may_read {
        for index in silent {
            state.decide(chunk.action, index, Outcome::Unknown, Some(NOT_READ));
        }
        decide(state, chunk, failed);
        state.close(place, Phase::Judged);
        return Ok(());
    }
    let unproven = read_back(client, work, state, chunk.action, &silent).await?;
    let NotDone {
        decided,
        halves,
        once_more,
    } = NotDone::of(chunk, end, sent.len(), failed, unproven);
    decide(state, chunk, decided);
    if !(once_more.is_empty() && halves.is_empty()) {
        // What is sent once more leaves out what is decided, so what succeeded must be.
        for index in succeeded {
            state.decide(chunk.action, index, Outcome::Done, None);
        }
    }
    let was_all = halves.len() == sent.len();
    state.close(
        place,
        if was_all {
            Phase::Halved
        } else {
            Phase::Judged
        },
    );
    state.send_in_halves(chunk, &halves);
    state.send_once_more(chunk, &once_more);
    Ok(())
}

/// Decides records that were not done, with the words for it.
fn decide(state: &mut State, chunk: Chunk, records: Vec<(usize, String)>) {
    for (index, words) in records {
        state.decide(chunk.action, index, chunk.of_not_done(), Some(&words));
    }
}

/// What a job without proper end says of its single record: its words for a place, else its
/// message.
fn last_words(end: &JobEnd) -> String {
    let words = end.results.iter().find_map(|result| match &result.said {
        Said::Failed(words) => Some(words),
        Said::Done | Said::Nothing => None,
    });
    words.unwrap_or(&end.message).clone()
}

const NOT_READ: &str = "its job does not tell, and the organization could not be read back";
const NOT_AS_WANTED: &str =
    "Zendesk gave no result, and the organization does not have the wanted values";
