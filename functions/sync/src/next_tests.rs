//! What comes next, each rule on a line.

use super::*;
use crate::list::List;

const JOBS_PER_PAUSE: usize = 20;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap()
}

/// Creates have 100 s, the run 200 s.
fn times(now: i64) -> Times {
    Times {
        now: at(now),
        creates_until: at(100),
        until: at(200),
    }
}

fn chunk() -> Chunk {
    Chunk::fresh(List::Updates, 0..5).unwrap()
}

/// Nothing is left.
fn nothing() -> Left {
    Left {
        create: None,
        create_from: None,
        chunk: None,
        running: 0,
        since_pause: 0,
        no_room: false,
    }
}

fn step(left: &Left, now: i64) -> Step {
    next(left, JOBS_PER_PAUSE, &times(now))
}

#[test]
fn creates_come_before_jobs_and_wait_for_their_moment() {
    let fresh = Left {
        create: Some(3),
        chunk: Some(chunk()),
        running: 1,
        since_pause: JOBS_PER_PAUSE,
        ..nothing()
    };
    assert_eq!(step(&fresh, 0), Step::Create(3));
    let in_doubt = Left {
        create_from: Some(at(60)),
        ..fresh
    };
    assert_eq!(step(&in_doubt, 0), Step::WaitForCreate(60));
    assert_eq!(step(&in_doubt, 59), Step::WaitForCreate(1));
    assert_eq!(step(&in_doubt, 60), Step::Create(3));
}

#[test]
fn what_is_left_is_given_up_when_its_time_is_over() {
    let creates = Left {
        create: Some(3),
        create_from: Some(at(60)),
        ..nothing()
    };
    assert_eq!(step(&creates, 99), Step::Create(3));
    assert_eq!(step(&creates, 100), Step::GiveUpCreates);
    assert_eq!(step(&creates, 200), Step::GiveUp);
    let to_send = Left {
        chunk: Some(chunk()),
        ..nothing()
    };
    assert_eq!(step(&to_send, 199), Step::Send(chunk()));
    assert_eq!(step(&to_send, 200), Step::GiveUp);
    let running = Left {
        running: 1,
        ..nothing()
    };
    assert_eq!(step(&running, 199), Step::Look);
    assert_eq!(step(&running, 200), Step::GiveUp);
    assert_eq!(step(&nothing(), 200), Step::Finish);
}

#[test]
fn jobs_are_sent_until_there_are_enough_then_looked_at_or_paused() {
    let left = |running, since_pause, no_room| Left {
        chunk: Some(chunk()),
        running,
        since_pause,
        no_room,
        ..nothing()
    };
    let send = || Step::Send(chunk());
    for (left, wanted) in [
        (left(0, 0, false), send()),
        (left(19, 19, false), send()),
        (left(19, 20, false), Step::Pause),
        (left(20, 0, false), Step::Look),
        (left(1, 1, true), Step::Look),
        (left(0, 1, true), send()),
    ] {
        assert_eq!(step(&left, 0), wanted, "{left:?}");
    }
    let last = Left {
        running: 2,
        ..nothing()
    };
    assert_eq!(step(&last, 0), Step::Look);
    assert_eq!(step(&nothing(), 0), Step::Finish);
}
