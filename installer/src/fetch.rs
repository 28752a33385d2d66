//! Files from the web, fetched to where the installer keeps them, and shown on their way.

use std::time::Duration;

use sovereign_images::Digest;
use sovereign_images::download::{self, Address, DownloadError, Fetched, OnWord, Options, Shelf};

use crate::cli::Global;
use crate::errors::CliError;
use crate::progress::Download;

/// How often clocks on the screen go on.
const TICK: Duration = Duration::from_millis(200);

/// Fetches files and shows them on their way.
#[derive(Debug)]
pub(crate) struct Fetcher<'a> {
    pub(crate) shelf: Shelf,
    pub(crate) global: &'a Global,
}

impl Fetcher<'_> {
    /// A file whose digest is known.
    pub(crate) async fn known(
        &self,
        what: &'static str,
        address: &Address,
        digest: Digest,
    ) -> Result<Fetched, CliError> {
        let options = Options::default();
        self.shown(what, address, async |on| {
            download::known(&self.shelf, address, digest, &options, on).await
        })
        .await
    }

    /// The file that is at an address now.
    pub(crate) async fn latest(&self, what: &'static str, address: &Address) -> Result<Fetched, CliError> {
        let options = Options::default();
        self.shown(what, address, async |on| {
            download::latest(&self.shelf, address, &options, on).await
        })
        .await
    }

    async fn shown(
        &self,
        what: &'static str,
        address: &Address,
        fetch: impl AsyncFnOnce(OnWord<'_>) -> Result<Fetched, DownloadError>,
    ) -> Result<Fetched, CliError> {
        let shown = Download::new(format!("{what} from {address}"), self.global);
        let on = |word: download::Word<'_>| shown.word(&word);
        let fetched = {
            let mut fetching = std::pin::pin!(fetch(&on));
            let mut tick = tokio::time::interval(TICK);
            loop {
                tokio::select! {
                    biased;
                    fetched = &mut fetching => break fetched,
                    _ = tick.tick() => shown.tick(),
                }
            }
        };
        shown.close(fetched.as_ref().ok());
        Ok(fetched?)
    }
}
