//! A run's plan once more, from a folder with its documents: `replay FOLDER`. Ends 0 if every byte
//! is the same, 1 if not, 2 if it cannot be told.

use std::path::PathBuf;
use std::process::ExitCode;

use shared::plan::replay;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("replay FOLDER");
        return ExitCode::from(2);
    };
    match replay(|file| std::fs::read(folder.join(file)).ok()) {
        Ok(documents) => {
            for document in &documents {
                println!(
                    "{:18} {}",
                    document.file,
                    if document.same {
                        "the same, byte for byte"
                    } else {
                        "DIFFERS"
                    }
                );
            }
            ExitCode::from(u8::from(documents.iter().any(|document| !document.same)))
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
