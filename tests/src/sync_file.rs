//! The `sync.toml` that comes with the product, and others for tests.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use domain::model::{Mapping, sha256};

/// Where the product's own file is.
pub const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/sync.toml");

/// What the product's own file says.
pub static MAPPING: LazyLock<Arc<Mapping>> =
    LazyLock::new(|| Arc::new(config::read(config::PRODUCTS_OWN).expect("our own file")));

/// The product's own file, with something in it replaced.
///
/// # Panics
/// Unless it is there exactly once.
pub fn edited(from: &str, to: &str) -> String {
    let text = config::PRODUCTS_OWN;
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}

/// The product's own file without its second instance.
pub fn of_one_instance() -> String {
    edited("\n[[instances]]\nname = \"us-government\"\n", "")
}

/// A file of this text, for whoever is given a path.
///
/// # Panics
/// If it cannot be written.
pub fn written(text: &str) -> PathBuf {
    let folder = std::env::temp_dir().join("partner-sync-tests");
    let path = folder.join(format!("{}.toml", sha256(text.as_bytes())));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(&path, text).expect("a file");
    path
}
