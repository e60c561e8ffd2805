//! A run's plan once more, from a folder with its documents: `replay FOLDER [SYNC_TOML]`.
//!
//! Ends with 0 if every byte is the same, 1 if not, 2 if it cannot be told.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use domain::model::Mapping;
use domain::plan::{Replayed, replay};
use domain::{Error, Result};

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: replay FOLDER [SYNC_TOML]");
        return ExitCode::from(2);
    };
    let named = std::env::args_os().nth(2).map(PathBuf::from);
    let kept = folder.join("sync.toml");
    let config = named.or_else(|| kept.exists().then_some(kept));
    match replay(
        |file| read(&folder, file),
        |digest| mapping(config.as_deref(), digest),
    ) {
        Ok(documents) => tell(&documents),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn read(folder: &Path, file: &str) -> Option<Vec<u8>> {
    std::fs::read(folder.join(file)).ok()
}

/// The file that the plan was made with: the given one, else the run's own; a plan of a version
/// before 0.6 has none, and was made with what is the product's own file now.
fn mapping(config: Option<&Path>, digest: Option<&str>) -> Result<Mapping> {
    let text = match config {
        None => config::PRODUCTS_OWN.to_owned(),
        Some(path) => std::fs::read_to_string(path).map_err(|why| {
            let path = path.display();
            Error::Config(format!("{path}: {why}"))
        })?,
    };
    let mapping = config::read(&text)?;
    match digest {
        Some(digest) if digest != mapping.digest => Err(Error::Config(format!(
            "the plan was made with the sync.toml of the digest {digest}, and this one has {}; \
             name the right one",
            mapping.digest
        ))),
        _ => Ok(mapping),
    }
}

fn tell(documents: &[Replayed]) -> ExitCode {
    let mut differs = false;
    for Replayed { file, same } in documents {
        let verdict = if *same {
            "the same, byte for byte"
        } else {
            "DIFFERS"
        };
        println!("{file:18} {verdict}");
        differs |= !same;
    }
    ExitCode::from(u8::from(differs))
}
