//! The page of a known report, whole, for the tests that open it in a browser.
//!
//! `known-page SCENE`.

use std::io::{Error, Write as _, stdout};

use partner_sync_tests::known_runs::{SCENES, report};

fn main() -> std::io::Result<()> {
    let scene = std::env::args().nth(1).unwrap_or_default();
    if !SCENES.contains(&scene.as_str()) {
        return Err(Error::other(format!("usage: known-page {SCENES:?}")));
    }
    let page = report(&scene).0.html().map_err(Error::other)?;
    stdout().write_all(page.as_bytes())
}
