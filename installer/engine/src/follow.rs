//! The events of a Sovereign as they come.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, Stream};
use sovereign_core::event::Event;
use sovereign_core::name::SovereignName;

use crate::journal::{Journal, JournalError};

/// Time between two looks at a journal that had no news.
const POLL: Duration = Duration::from_millis(200);
/// Events read at once.
const PAGE: usize = 512;

struct Follow {
    journal: Arc<dyn Journal>,
    sovereign: SovereignName,
    after: u64,
    page: VecDeque<Event>,
}

/// Every event of a Sovereign behind `after`, first those that are written, then those to come. Ends after an error only.
pub fn follow(
    journal: Arc<dyn Journal>,
    sovereign: SovereignName,
    after: u64,
) -> impl Stream<Item = Result<Event, JournalError>> + Send {
    let follow = Follow {
        journal,
        sovereign,
        after,
        page: VecDeque::new(),
    };
    stream::unfold(Some(follow), async |follow| {
        let mut follow = follow?;
        let next = follow.next().await;
        let go_on = next.is_ok().then_some(follow);
        Some((next, go_on))
    })
}

impl Follow {
    async fn next(&mut self) -> Result<Event, JournalError> {
        loop {
            if let Some(event) = self.page.pop_front() {
                self.after = event.seq;
                return Ok(event);
            }
            self.page = self
                .journal
                .events(&self.sovereign, self.after, PAGE)
                .await?
                .into();
            if self.page.is_empty() {
                tokio::time::sleep(POLL).await;
            }
        }
    }
}
