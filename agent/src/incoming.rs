//! Artifacts that come over the node link, in pieces. What has come stays on the disk, so a broken link, or a killed agent,
//! goes on where it was; a file counts only once its digest is right.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sovereign_core::agent::Piece;
use sovereign_core::k3s::Artifact;
use tokio::sync::{Notify, watch};

use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::root::Root;

/// Folder of what is on its way.
const FOLDER: &str = "/var/lib/sovereign-agent/incoming";
/// The installer sends a handful of pieces for each time it is asked; after so many bytes it is asked again.
const WINDOW: u64 = 4 * 1024 * 1024;

/// What a link is to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Want {
    pub(crate) sha256: String,
    pub(crate) from: u64,
}

/// The one artifact that is on its way, if any.
#[derive(Debug)]
pub(crate) struct Incoming {
    root: Root,
    current: RefCell<Option<Current>>,
    wants: watch::Sender<Option<Want>>,
    moved: Notify,
}

#[derive(Debug)]
struct Current {
    artifact: Artifact,
    file: File,
    there: u64,
    asked_up_to: u64,
    fault: Option<Fault>,
}

impl Incoming {
    pub(crate) fn new(root: Root) -> Self {
        Self {
            root,
            current: RefCell::new(None),
            wants: watch::Sender::new(None),
            moved: Notify::new(),
        }
    }

    /// What links are to ask for, from now on.
    pub(crate) fn wants(&self) -> watch::Receiver<Option<Want>> {
        self.wants.subscribe()
    }

    /// How far it is, in words, while something is on its way.
    pub(crate) fn words(&self) -> Option<String> {
        const MIB: u64 = 1024 * 1024;
        let current = self.current.borrow();
        current.as_ref().map(|current| {
            let (there, size) = (current.there.div_ceil(MIB), current.artifact.size.div_ceil(MIB));
            format!("{there} of {size} MiB have come")
        })
    }

    /// Waits until the artifact is here, and tells where. The caller moves it away; until then it costs nothing to ask again.
    pub(crate) async fn fetch(&self, artifact: &Artifact) -> Result<PathBuf, Fault> {
        let path = self.root.path(&format!("{FOLDER}/{}", artifact.sha256));
        let current = open(&path, artifact)?;
        self.current.replace(Some(current));
        let waiting = Waiting(self);
        self.ask();
        loop {
            if let Some(end) = self.end() {
                drop(waiting);
                return seal(path, end?, artifact).await;
            }
            self.moved.notified().await;
        }
    }

    /// How it ended, once it has: with the whole file, or a fault.
    fn end(&self) -> Option<Result<File, Fault>> {
        let mut current = self.current.borrow_mut();
        let done = |current: &mut Current| current.fault.is_some() || current.there >= current.artifact.size;
        let current = current.take_if(done)?;
        Some(current.fault.map_or(Ok(current.file), Err))
    }

    /// Takes a piece in. Pieces that are not next were asked for by a link before; they come again.
    pub(crate) fn take(&self, piece: &Piece) {
        if let Some(current) = self.current.borrow_mut().as_mut()
            && current.artifact.sha256 == piece.sha256
            && current.there == piece.from
        {
            current.append(piece);
        }
        self.ask();
        self.moved.notify_one();
    }

    /// The installer does not have it.
    pub(crate) fn refused(&self, sha256: &str) {
        if let Some(current) = self.current.borrow_mut().as_mut()
            && current.artifact.sha256 == sha256
        {
            current.fault = Some(Fault::new(
                format!("the installer has no file with the SHA-256 {sha256}"),
                "run the installer with the files that the plan was made with",
            ));
        }
        self.moved.notify_one();
    }

    /// Asks for more when what was asked for has come.
    fn ask(&self) {
        let mut current = self.current.borrow_mut();
        let Some(current) = current.as_mut() else {
            return;
        };
        let missing = current.there < current.artifact.size;
        if missing && current.there >= current.asked_up_to {
            current.asked_up_to = current.there + WINDOW;
            self.wants.send_replace(Some(Want {
                sha256: current.artifact.sha256.clone(),
                from: current.there,
            }));
        } else {
            // A link that begins now asks from here; the one that is up is not asked twice.
            self.wants.send_if_modified(|want| {
                if let Some(want) = want {
                    want.from = current.there;
                }
                false
            });
        }
    }
}

/// Nothing is wanted any more once nobody waits.
struct Waiting<'a>(&'a Incoming);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.current.take();
        self.0.wants.send_replace(None);
    }
}

impl Current {
    fn append(&mut self, piece: &Piece) {
        match STANDARD.decode(&piece.data) {
            Ok(bytes) => match self.file.write_all(&bytes) {
                Ok(()) => self.there += bytes.len() as u64,
                Err(error) => self.fault = Some(Fault::io("writing", FOLDER, &error)),
            },
            Err(_) => {
                self.fault = Some(Fault::new(
                    format!(
                        "a piece of the file with the SHA-256 {} came broken",
                        self.artifact.sha256
                    ),
                    "the agent asks for it again by itself",
                ));
            }
        }
    }
}

/// What has come before, to go on with. A file that is too long is none of ours.
fn open(path: &Path, artifact: &Artifact) -> Result<Current, Fault> {
    let opened = || -> io::Result<(File, u64)> {
        if let Some(folder) = path.parent() {
            disk::folder(folder, 0o700)?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        let mut there = file.metadata()?.len();
        if there > artifact.size {
            file.set_len(0)?;
            there = 0;
        }
        file.seek(SeekFrom::Start(there))?;
        Ok((file, there))
    };
    let (file, there) = opened().or_fault("writing", FOLDER)?;
    Ok(Current {
        artifact: artifact.clone(),
        file,
        there,
        asked_up_to: there,
        fault: None,
    })
}

/// Checks the digest, and sees to it that the file survives a power cut. A wrong file goes. Large files take their time, and the
/// daemon goes on meanwhile.
async fn seal(path: PathBuf, file: File, artifact: &Artifact) -> Result<PathBuf, Fault> {
    let at = path.clone();
    let read = tokio::task::spawn_blocking(move || {
        disk::digest(&at).and_then(|found| file.sync_all().map(|()| found))
    });
    let read = read.await.unwrap_or_else(|error| Err(io::Error::other(error)));
    let sha256 = read.or_fault("reading", FOLDER)?;
    if sha256 == artifact.sha256 {
        return Ok(path);
    }
    fs::remove_file(&path).or_fault("removing", FOLDER)?;
    Err(Fault::new(
        format!(
            "a file came with the SHA-256 {sha256} instead of {}",
            artifact.sha256
        ),
        "its pieces were mixed up or damaged; the agent fetches it anew",
    ))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn artifact(bytes: &[u8]) -> Artifact {
        Artifact {
            sha256: hex::encode(Sha256::digest(bytes)),
            size: bytes.len() as u64,
        }
    }

    fn piece(artifact: &Artifact, from: u64, bytes: &[u8]) -> Piece {
        Piece {
            sha256: artifact.sha256.clone(),
            from,
            data: STANDARD.encode(bytes),
        }
    }

    async fn fetch_with(
        incoming: &Incoming,
        artifact: &Artifact,
        pieces: Vec<Piece>,
    ) -> Result<PathBuf, Fault> {
        let mut wants = incoming.wants();
        let hand_over = async {
            wants.wait_for(Option::is_some).await.unwrap();
            for piece in &pieces {
                incoming.take(piece);
            }
        };
        tokio::join!(incoming.fetch(artifact), hand_over).0
    }

    #[tokio::test]
    async fn pieces_make_a_file_and_a_killed_agent_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = b"0123456789";
        let artifact = artifact(bytes);
        let first = Incoming::new(Root::under(dir.path()));
        let broken = tokio::time::timeout(
            std::time::Duration::from_millis(50),
            fetch_with(&first, &artifact, vec![piece(&artifact, 0, b"0123")]),
        );
        assert!(broken.await.is_err());
        assert_eq!(*first.wants().borrow(), None);

        let second = Incoming::new(Root::under(dir.path()));
        // One that was on its way for the agent before comes late, and twice.
        let late = [
            piece(&artifact, 0, b"0123"),
            piece(&artifact, 4, b"456789"),
            piece(&artifact, 4, b"456789"),
        ];
        let path = fetch_with(&second, &artifact, late.to_vec()).await.unwrap();
        assert_eq!(fs::read(path).unwrap(), bytes);
    }

    #[tokio::test]
    async fn a_wrong_file_is_named_and_goes() {
        let dir = tempfile::tempdir().unwrap();
        let artifact = artifact(b"right");
        let incoming = Incoming::new(Root::under(dir.path()));
        let fault = fetch_with(&incoming, &artifact, vec![piece(&artifact, 0, b"wrong")])
            .await
            .unwrap_err();
        assert!(fault.cause.contains(&artifact.sha256), "{fault}");
        assert_eq!(fs::read_dir(dir.path().join(&FOLDER[1..])).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_the_installer_does_not_have_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let artifact = artifact(b"right");
        let incoming = Incoming::new(Root::under(dir.path()));
        let mut wants = incoming.wants();
        let refuse = async {
            wants.wait_for(Option::is_some).await.unwrap();
            incoming.refused(&artifact.sha256);
        };
        let fault = tokio::join!(incoming.fetch(&artifact), refuse).0.unwrap_err();
        assert!(
            fault.remedy.contains("files that the plan was made with"),
            "{fault}"
        );
    }
}
