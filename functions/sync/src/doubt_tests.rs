//! The rules, each on a line.

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap()
}

fn open(tries: u32, ended: LastTry) -> OpenCreate {
    OpenCreate {
        tries,
        sent_at: at(0),
        look_at: at(60),
        ended,
        failed_looks: 0,
        words: "status 504".to_owned(),
        refusal: None,
    }
}

#[test]
fn a_create_in_doubt_waits_a_minute_and_is_sent_three_times_in_all() {
    use AfterLook::{Send, Unknown};
    use LastTry::{Duplicate, Lost, Vain};
    let table = [
        (open(1, Lost), Send),
        (open(2, Lost), Send),
        (open(3, Lost), Unknown),
        (open(1, Vain), Unknown),
        (open(3, Vain), Unknown),
    ];
    for (open, wanted) in table {
        assert_eq!(open.after_a_look_in_vain(at(60)), wanted, "{open:?}");
    }
    let again = open(1, Duplicate).after_a_look_in_vain(at(5));
    let AfterLook::Look(again) = again else {
        panic!("{again:?}")
    };
    assert_eq!((again.look_at, again.ended), (at(65), Vain));
}

#[test]
fn a_create_that_cannot_be_looked_for_is_not_sent_again_and_is_unknown_after_three_looks() {
    let mut create = open(1, LastTry::Lost);
    for minute in 1..3 {
        let AfterLook::Look(next) = create.after_a_failed_look(at(60 * minute)) else {
            panic!("it is looked for again")
        };
        assert_eq!((next.look_at, next.tries), (at(60 * minute + 60), 1));
        create = next;
    }
    assert_eq!(create.after_a_failed_look(at(180)), AfterLook::Unknown);
}

#[test]
fn the_minute_begins_when_the_create_was_sent_last() {
    let words = || "lost".to_owned();
    let first = OpenCreate::lost(None, at(0), None, words());
    assert_eq!((first.tries, first.look_at), (1, at(60)));
    let second = OpenCreate::lost(Some(&first), at(60), None, words());
    assert_eq!((second.tries, second.look_at), (2, at(120)));
    let slow = OpenCreate::lost(None, at(0), Some(200), words());
    assert_eq!(
        slow.look_at,
        at(200),
        "what Zendesk asks for, if that is longer"
    );
    let refused = OpenCreate::refused(Some(&second), at(121), words());
    assert_eq!((refused.tries, refused.look_at), (3, at(121)));
}

#[test]
fn a_kill_counts_as_a_try_only_when_one_was_due() {
    let lost = |tries| open(tries, LastTry::Lost);
    assert!(!lost(1).may_have_been_sent(at(59)));
    assert!(lost(1).may_have_been_sent(at(60)));
    assert!(
        !lost(3).may_have_been_sent(at(60)),
        "after the third there is only a look"
    );
    assert!(!open(1, LastTry::Duplicate).may_have_been_sent(at(60)));
}

#[test]
fn a_chunk_without_a_usable_answer_twice_is_halved_down_to_the_single_record() {
    use AfterDoubt::{Halve, ReadBack, Send};
    for (doubts, records, wanted) in [
        (1, 100, Send),
        (2, 100, Halve),
        (2, 2, Halve),
        (1, 1, Send),
        (2, 1, ReadBack),
    ] {
        assert_eq!(after_doubts(doubts, records), wanted, "{doubts} {records}");
    }
}

#[test]
fn a_job_is_lost_after_three_minutes_of_looking_and_stuck_after_ten() {
    use AfterSight::{AskById, Stuck, Wait};
    use Sight::{Missing, Running};
    for (seen, now, wanted) in [
        (Running, 599, Wait),
        (Running, 600, Stuck),
        (Missing(at(30)), 209, Wait),
        (Missing(at(30)), 210, AskById),
        (Missing(at(700)), 701, Wait),
    ] {
        assert_eq!(after_sight(seen, at(0), at(now)), wanted, "{seen:?} {now}");
    }
    for (now, seconds) in [(0, 5), (60, 15), (600, 30)] {
        assert_eq!(until_the_next_look(at(0), at(now)), seconds);
    }
}

#[test]
fn a_mark_that_may_still_come_is_never_called_drifted() {
    let of = |is_marked, was_sent, may_come| {
        of_changed_mark(ChangedMark {
            is_marked,
            was_sent,
            may_come,
        })
    };
    assert_eq!(of(true, true, true), Outcome::Done);
    assert_eq!(of(true, true, false), Outcome::Done);
    assert_eq!(
        of(true, false, false),
        Outcome::Drifted,
        "somebody else's mark"
    );
    assert_eq!(of(false, true, true), Outcome::Unknown);
    assert_eq!(of(false, true, false), Outcome::Drifted);
    assert_eq!(of(false, false, false), Outcome::Drifted);
}

#[test]
fn words_of_a_conflict_in_the_database_are_transient() {
    for words in [
        "DatabaseConflict: Database collision",
        "DatabaseDeadlock",
        "OrganizationUpdateFailed: Lock wait timeout exceeded",
        "Request timed out",
    ] {
        assert!(is_transient(words), "{words}");
    }
    for words in [
        "Name:  X has already been taken",
        "no reason given",
        "Owner: is invalid",
    ] {
        assert!(!is_transient(words), "{words}");
    }
}

#[test]
fn a_create_refused_for_a_value_is_sent_at_once_without_it_and_keeps_that_in_mind() {
    let refusal = Refusal {
        left_out: vec!["account_owner".to_owned()],
        words: "Account owner: is invalid".to_owned(),
    };
    let refused = OpenCreate::refused_for(refusal.clone(), at(0));
    assert_eq!((refused.tries, refused.look_at), (1, at(0)));
    assert!(refused.may_have_been_sent(at(0)), "if it is killed now");
    let lost = OpenCreate::lost(Some(&refused), at(1), None, "lost".to_owned());
    assert_eq!((lost.ended, lost.refusal), (LastTry::Lost, Some(refusal)));
}
