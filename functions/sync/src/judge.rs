//! Every record of a job that has ended is judged: only exactly one `success: true` is a success.

use std::collections::BTreeMap;

use domain::model::Outcome;
use vendors::zendesk::{CallError, JobEnd, RecordResult, Said};

use crate::applier::Applier;
use crate::chunk::Chunk;
use crate::doubt::is_transient;
use crate::list::List;
use crate::work::Work;

const NOT_READ: &str = "its job does not tell, and the organization could not be read back";
const NOT_AS_WANTED: &str =
    "Zendesk gave no result, and the organization does not have the wanted values";

/// What an ended job says of the records that were sent with it.
#[derive(Default)]
struct Judgement {
    /// Exactly one result, `success: true`.
    succeeded: Vec<usize>,
    /// Exactly one result, an error.
    failed: Vec<(usize, String)>,
    /// No result, several, or one that says neither; or the job did not end properly, and the
    /// result names no organization.
    silent: Vec<usize>,
}

impl Judgement {
    fn of(work: &Work, chunk: &Chunk, sent: &[usize], end: &JobEnd) -> Self {
        let results = results_by_record(work, chunk, sent, end);
        let mut judgement = Self::default();
        for &place in sent {
            let one = match results.get(&place).map_or(&[][..], Vec::as_slice) {
                [one] if end.completed || one.id.is_some() => &one.said,
                _ => &Said::Nothing,
            };
            match one {
                Said::Done => judgement.succeeded.push(place),
                Said::Failed(words) => judgement.failed.push((place, words.clone())),
                Said::Nothing => judgement.silent.push(place),
            }
        }
        judgement
    }
}

/// The results of each record: by the organization's id, else by the place in what was sent.
fn results_by_record<'a>(
    work: &Work,
    chunk: &Chunk,
    sent: &[usize],
    end: &'a JobEnd,
) -> BTreeMap<usize, Vec<&'a RecordResult>> {
    let mut place_of = BTreeMap::new();
    for &place in sent {
        if let Some(id) = work.id(chunk.list, place) {
            place_of.insert(id, place);
        }
    }
    let mut results = BTreeMap::<usize, Vec<_>>::new();
    for result in &end.results {
        let place = match (result.id, result.position) {
            (Some(id), _) => place_of.get(&id),
            (None, Some(position)) => sent.get(position),
            (None, None) => None,
        };
        if let Some(place) = place {
            results.entry(*place).or_default().push(result);
        }
    }
    results
}

/// What is done about the records that a job does not prove to be done.
#[derive(Default)]
struct NotDone {
    /// Not done, and why.
    decided: Vec<(usize, String)>,
    /// Not done, and Zendesk says why: it may take the record without what it refuses.
    refused: Vec<(usize, String)>,
    /// Sent again in halves: the job did not end well, and says nothing of them.
    halves: Vec<usize>,
    /// Tried once more: the words were transient.
    once_more: Vec<usize>,
}

impl NotDone {
    /// `failed` are the records with an error of their own, `unproven` those that were read back
    /// and are not as wanted; `sent` is the number of records that the job had.
    fn of(
        chunk: &Chunk,
        end: &JobEnd,
        sent: usize,
        failed: Vec<(usize, String)>,
        unproven: Vec<usize>,
    ) -> Self {
        let mut not_done = Self::default();
        let is_halved = !end.completed && sent > 1;
        for place in unproven {
            if is_halved {
                not_done.halves.push(place);
            } else if end.completed {
                not_done.decided.push((place, NOT_AS_WANTED.to_owned()));
            } else {
                not_done.note(chunk, is_halved, place, last_words(end));
            }
        }
        for (place, words) in failed {
            not_done.note(chunk, is_halved, place, words);
        }
        not_done
    }

    fn note(&mut self, chunk: &Chunk, is_halved: bool, place: usize, words: String) {
        // A mark that stays is an organization that may be deleted, so no words are the last ones.
        let is_worth_a_try = is_transient(&words) || chunk.list == List::Unmarks;
        if chunk.is_last_try || !is_worth_a_try {
            self.refused.push((place, words));
        } else if is_halved {
            self.halves.push(place);
        } else {
            self.once_more.push(place);
        }
    }
}

/// What a job that did not end properly says of its single record: an error it gives for a place,
/// else its message.
fn last_words(end: &JobEnd) -> String {
    let words = end.results.iter().find_map(|result| match &result.said {
        Said::Failed(words) => Some(words),
        Said::Done | Said::Nothing => None,
    });
    words.unwrap_or(&end.message).clone()
}

impl Applier<'_> {
    /// Judges every record of a job that has ended.
    ///
    /// A record without a clear result is read back. What is not proven by a job that did not end
    /// properly is sent again in halves; a single record gets the job's last words. A record with
    /// transient words is tried once more, and so is one that was refused, without that value.
    pub(crate) async fn judge(&mut self, id: &str, end: &JobEnd) -> Result<(), CallError> {
        let Some(job) = self.state.job_mut(id).cloned() else {
            return Ok(());
        };
        let chunk = job.judged();
        let sent = self.state.undecided(&chunk);
        let Judgement {
            succeeded,
            failed,
            silent,
        } = Judgement::of(self.work, &chunk, &sent, end);
        let unproven = if job.may_be_read_back() {
            self.read_back(&chunk, &silent).await?
        } else {
            self.decide_unknown(&chunk, &silent, NOT_READ);
            Vec::new()
        };
        let not_done = NotDone::of(&chunk, end, sent.len(), failed, unproven);
        let NotDone {
            decided,
            halves,
            once_more,
            refused: _,
        } = self.without_what_was_refused(&chunk, not_done);
        self.state.decide(&chunk, &succeeded, Outcome::Done, None);
        for (words, places) in by_words(decided) {
            self.decide_not_done(&chunk, &places, &words);
        }
        self.state.close(id);
        // A job that failed as a whole judged no record.
        let of_all = halves.len() == sent.len();
        let to_halve = if of_all { &job.chunk } else { &chunk };
        self.state.again.extend(to_halve.in_halves(&halves));
        self.state.again.extend(chunk.last_try(&once_more));
        Ok(())
    }
}

impl Applier<'_> {
    /// Of the records that were refused, those that are sent once more, and those that are not.
    fn without_what_was_refused(&mut self, chunk: &Chunk, mut not_done: NotDone) -> NotDone {
        let is_halved = !not_done.halves.is_empty();
        for (place, words) in std::mem::take(&mut not_done.refused) {
            if !self.refuse(chunk, place, &words) {
                not_done.decided.push((place, words));
            } else if is_halved {
                not_done.halves.push(place);
            } else {
                not_done.once_more.push(place);
            }
        }
        not_done.halves.sort_unstable();
        not_done.once_more.sort_unstable();
        not_done
    }
}

/// The places by their words.
fn by_words(records: Vec<(usize, String)>) -> BTreeMap<String, Vec<usize>> {
    let mut by_words = BTreeMap::<String, Vec<usize>>::new();
    for (place, words) in records {
        by_words.entry(words).or_default().push(place);
    }
    by_words
}
