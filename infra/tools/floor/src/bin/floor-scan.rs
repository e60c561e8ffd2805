//! The least that a scan of organizations has to do, for `make bench`: each page unpacked, and read
//! into borrowed, typed fields. `floor-scan FILE`, the pages one after the other: four bytes of
//! length, little endian, and the page as gzip. Prints the number of organizations.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read as _};

use flate2::read::GzDecoder;
use serde::Deserialize;

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    organizations: Vec<Organization<'a>>,
    meta: Meta<'a>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    has_more: bool,
    #[serde(borrow)]
    after_cursor: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Organization<'a> {
    id: u64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    external_id: Option<Text<'a>>,
    #[serde(borrow, rename = "organization_fields")]
    fields: Fields<'a>,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    account_type: Option<Text<'a>>,
    #[serde(borrow)]
    salesforce_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Organization<'_> {
    /// Something that depends on every field, so that none of them is left out.
    fn digest(&self) -> usize {
        let texts = [
            &self.external_id,
            &self.fields.account_type,
            &self.fields.salesforce_id,
        ];
        let lengths = texts.into_iter().flatten().map(|Text(text)| text.len());
        usize::from(self.id > 0) + self.name.len() + lengths.sum::<usize>()
    }
}

fn main() -> Result<(), Error> {
    let usage = || Error::new(ErrorKind::InvalidInput, "usage: floor-scan FILE");
    let file = std::env::args_os().nth(1).ok_or_else(usage)?;
    let mut pages = BufReader::new(File::open(file)?);
    let (mut packed, mut body) = (Vec::new(), Vec::new());
    let (mut organizations, mut digest) = (0, 0);
    let mut length = [0; 4];
    while pages.read_exact(&mut length).is_ok() {
        packed.resize(u32::from_le_bytes(length) as usize, 0);
        pages.read_exact(&mut packed)?;
        body.clear();
        GzDecoder::new(packed.as_slice()).read_to_end(&mut body)?;
        let page: Page<'_> = serde_json::from_slice(&body)?;
        organizations += page.organizations.len();
        digest += page
            .organizations
            .iter()
            .map(Organization::digest)
            .sum::<usize>();
        let cursor = page.meta.after_cursor.map_or(0, |Text(text)| text.len());
        digest += cursor + usize::from(page.meta.has_more);
    }
    println!("{organizations} organizations ({digest})");
    Ok(())
}
