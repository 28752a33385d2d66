//! The bytes that travel to a host.

use std::fmt;
use std::io::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sovereign_core::host::HostRole;

use crate::cloud_init::{CloudInit, RenderError};

/// Operating system field of a gzip header: unknown.
const OS_UNKNOWN: u8 = 255;

/// How user data travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// As they are.
    Plain,
    /// base64 of gzip in one line, which cloud-init undoes by itself.
    GzipBase64,
}

/// User data of one host, exactly as they travel. They hold secrets, if none that lasts.
#[derive(Clone)]
pub struct UserData {
    role: HostRole,
    encoding: Encoding,
    plain: SecretString,
    wire: SecretString,
    decoded: usize,
}

/// A part of user data: a key of the document or a file that it writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The key, or the file's path.
    pub name: String,
    /// Bytes that would not travel without it.
    pub bytes: usize,
}

impl UserData {
    /// Renders what a host is told. Equal input gives equal bytes.
    pub fn render(input: &CloudInit, encoding: Encoding) -> Result<Self, RenderError> {
        let plain = input.render()?;
        let (wire, decoded) = match encoding {
            Encoding::Plain => (plain.clone(), plain.len()),
            Encoding::GzipBase64 => {
                let zipped = gzip(&plain).map_err(|error| RenderError::Compress(error.to_string()))?;
                (STANDARD.encode(&zipped), zipped.len())
            }
        };
        Ok(Self {
            role: input.role,
            encoding,
            plain: plain.into(),
            wire: wire.into(),
            decoded,
        })
    }

    /// The text to send.
    pub fn expose(&self) -> &str {
        self.wire.expose_secret()
    }

    /// Bytes of the text to send.
    pub fn size(&self) -> usize {
        self.expose().len()
    }

    /// Bytes of what base64 holds, or of the text where there is none.
    pub fn decoded_size(&self) -> usize {
        self.decoded
    }

    /// What the host does.
    pub fn role(&self) -> HostRole {
        self.role
    }

    /// The parts by what they add to [`size`](Self::size), biggest first. Compressed, they do not quite add up to it.
    pub fn parts(&self) -> Vec<Part> {
        let sections = sections(self.plain.expose_secret());
        let mut parts: Vec<Part> = (0..sections.len())
            .map(|index| Part {
                name: sections[index].name.to_owned(),
                bytes: self.size().saturating_sub(self.size_without(&sections, index)),
            })
            .collect();
        parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
        parts
    }

    fn size_without(&self, sections: &[Section<'_>], left_out: usize) -> usize {
        let others = sections
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != left_out);
        let rest: String = others.map(|(_, section)| section.text).collect();
        match self.encoding {
            Encoding::Plain => rest.len(),
            Encoding::GzipBase64 => gzip(&rest).map_or(0, |zipped| zipped.len().div_ceil(3) * 4),
        }
    }
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserData")
            .field("role", &self.role)
            .field("encoding", &self.encoding)
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// No time and no file name in the header: equal text, equal bytes.
fn gzip(text: &str) -> io::Result<Vec<u8>> {
    let mut writer = GzBuilder::new()
        .mtime(0)
        .operating_system(OS_UNKNOWN)
        .write(Vec::new(), Compression::best());
    writer.write_all(text.as_bytes())?;
    writer.finish()
}

/// Lines of a rendered document that belong together.
struct Section<'a> {
    name: &'a str,
    text: &'a str,
}

/// Cuts a rendered document at its keys and at the files that it writes. A value never spans lines, so a line that looks
/// like a beginning is one.
fn sections(document: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let (mut from, mut end) = (0, 0);
    for line in document.split_inclusive('\n') {
        let begins = name_of(line);
        if begins.is_some() {
            from = end;
        }
        end += line.len();
        let text = &document[from..end];
        match (begins, sections.last_mut()) {
            (Some(name), _) => sections.push(Section { name, text }),
            (None, Some(section)) => section.text = text,
            (None, None) => {}
        }
    }
    sections
}

/// What begins at this line: a key, or a file by its path.
fn name_of(line: &str) -> Option<&str> {
    if let Some(path) = line.strip_prefix("  - path: ") {
        return Some(path.trim_end());
    }
    let key = line.split(':').next().unwrap_or(line).trim_end();
    (!line.starts_with(' ')).then_some(key)
}
