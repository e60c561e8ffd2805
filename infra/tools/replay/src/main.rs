//! A run's plan once more, from a folder with its documents: `replay FOLDER`.
//!
//! Ends with 0 if every byte is the same, 1 if not, 2 if it cannot be told.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use domain::plan::{Replayed, replay};

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: replay FOLDER");
        return ExitCode::from(2);
    };
    match replay(|file| read(&folder, file)) {
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
