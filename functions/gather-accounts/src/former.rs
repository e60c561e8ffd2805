//! Accounts that organizations belong to and that were not gathered: which, and what became of
//! them.
//!
//! Source: contract, section 2, gather-accounts, 4.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::model::{AccountId, Formers, Mapping, Memory};
use vendors::salesforce::Client;

/// How long all questions may take together: they must not use up the invocation's time.
pub(super) const LONGEST_ANSWER: Duration = Duration::from_mins(1);

/// The accounts that the memory names, of organizations without account and of marks that stand,
/// and that were not gathered. Sorted, each once.
pub(super) fn missing(memory: &Memory, gathered: &BTreeSet<AccountId>) -> Vec<AccountId> {
    let absent = memory.absent.iter().map(|one| &one.salesforce_id);
    let marked = memory.marked.iter().map(|one| &one.salesforce_id);
    let named: BTreeSet<_> = absent.chain(marked).collect();
    let is_missing = |id: &&AccountId| !gathered.contains(*id);
    named.into_iter().filter(is_missing).cloned().collect()
}

/// Asks what became of them. Without an answer the run goes on: nothing is decided about them then.
pub(super) async fn ask(
    client: &mut Client,
    run_id: &str,
    missing: &[AccountId],
    gathered: &BTreeSet<AccountId>,
    mapping: &Mapping,
) -> Formers {
    let answer = client.former_accounts(missing, gathered, mapping);
    let why = match tokio::time::timeout(LONGEST_ANSWER, answer).await {
        Ok(Ok(former)) => {
            return Formers {
                former,
                former_error: None,
            };
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", LONGEST_ANSWER.as_secs()),
    };
    tracing::warn!(run_id, "what became of former accounts is not known: {why}");
    Formers {
        former: Vec::new(),
        former_error: Some(why),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(number: usize) -> AccountId {
        AccountId::parse(&format!("0014M{number:010}")).unwrap()
    }

    /// A memory of organizations whose accounts have these numbers.
    fn memory(absent: &[usize], marked: &[usize]) -> Memory {
        let at = "2026-11-20T10:00:00Z";
        let clock =
            |number: &usize| json!({"id": number, "salesforce_id": id(*number), "since": at});
        let mark = |number: &usize| json!({"id": number, "salesforce_id": id(*number), "at": at});
        let memory = json!({
            "schema_version": 1, "run_id": "run-1", "generated_at": at,
            "count": absent.len() + marked.len(),
            "absent": absent.iter().map(clock).collect::<Vec<_>>(),
            "marked": marked.iter().map(mark).collect::<Vec<_>>(),
            "held": {},
        });
        serde_json::from_value(memory).unwrap()
    }

    fn missing_numbers(memory: &Memory, gathered: &[usize]) -> Vec<AccountId> {
        missing(memory, &gathered.iter().copied().map(id).collect())
    }

    #[test]
    fn the_accounts_of_marks_that_stand_are_asked_about_as_those_that_are_absent() {
        assert_eq!(
            missing_numbers(&memory(&[3, 1], &[2]), &[]),
            [1, 2, 3].map(id)
        );
    }

    #[test]
    fn an_account_that_was_gathered_is_not_missing() {
        assert_eq!(
            missing_numbers(&memory(&[1, 2], &[3, 4]), &[1, 3]),
            [2, 4].map(id)
        );
    }

    #[test]
    fn an_account_of_several_organizations_is_asked_about_once() {
        assert_eq!(missing_numbers(&memory(&[1, 1], &[1]), &[]), [id(1)]);
    }
}
