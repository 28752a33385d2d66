//! The book in memory keeps the contract of every book.

use std::sync::Arc;

use sovereign_remote::NodeBook;
use sovereign_remote::testing::{MemoryBook, book_contract};

#[tokio::test]
async fn memory_keeps_the_contract() {
    let book: Arc<dyn NodeBook> = Arc::new(MemoryBook::default());
    book_contract(async || book.clone()).await;
}
