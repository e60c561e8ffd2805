//! Hours of chaos. `make chaos` runs a thousand; `CHAOS_SEED=n CHAOS_HOURS=m cargo test --test
//! chaos` replays one.

use partner_sync_tests::simulated_hours::{Hours, simulate};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test]
async fn nothing_wrong_is_ever_applied_and_everything_is_equal_in_the_end() {
    let hours = usize::try_from(number("CHAOS_HOURS").unwrap_or(40)).unwrap();
    let seeds = number("CHAOS_SEED").map_or_else(
        || (1..=number("CHAOS_SEEDS").unwrap_or(4)).collect(),
        |seed| vec![seed],
    );
    let mut total = Hours::default();
    for seed in &seeds {
        match simulate(*seed, hours).await {
            Ok(seen) => {
                println!("chaos seed {seed}: {seen:?}");
                total = total.and(&seen);
            }
            Err(why) => panic!(
                "seed {seed}: {why}; replay: CHAOS_SEED={seed} CHAOS_HOURS={hours} cargo test -p \
                 partner-sync-tests --test chaos"
            ),
        }
    }
    println!("chaos seeds {seeds:?}, all passed: {total:?}");
    if total.hours >= 1000 {
        total.met_everything().unwrap();
    }
}
