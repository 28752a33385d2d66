//! Who may come onto a node's link.

use std::sync::Arc;

use sovereign_core::agent::{Hello, PROTOCOL};

use super::node::Node;
use super::refused;
use super::seat::{Inbox, Seat};
use super::session::LinkEnd;
use crate::book::{BookError, Met, NodeBook};
use crate::link_state::{LinkState, Refused, RefusedReason, Transport};

/// Lets a host onto the link of its node, or says why not.
pub(super) async fn join(
    book: &dyn NodeBook,
    node: &Arc<Node>,
    hello: Hello,
    transport: Transport,
) -> Result<(Seat, Inbox), LinkEnd> {
    let _one_at_a_time = node.joining.lock().await;
    let failed = |error: BookError| LinkEnd::Book(error.to_string());
    speaks_for(node, &hello).map_err(LinkEnd::Refused)?;
    before_is_gone(node, &hello).await.map_err(LinkEnd::Refused)?;
    if book.meet(&node.id, &hello.host_id).await.map_err(failed)? == Met::Other {
        return Err(LinkEnd::Refused(replaced(node)));
    }
    let last_heard = book.last_heard(&node.id).await.map_err(failed)?;
    if hello.last_seq < last_heard {
        return Err(LinkEnd::Refused(ledger_lost(node, hello.last_seq, last_heard)));
    }
    Ok(node.seat(hello, transport, last_heard))
}

fn speaks_for(node: &Node, hello: &Hello) -> Result<(), Refused> {
    if hello.protocol != PROTOCOL {
        return Err(not_our_protocol(&format!(
            "it speaks version {} of the protocol, and this installer version {PROTOCOL}",
            hello.protocol
        )));
    }
    if hello.node != node.id.node {
        return Err(refused(
            RefusedReason::Identity,
            format!(
                "the host that answers as `{}` says to be `{}`",
                node.id, hello.node
            ),
            "see which host has that address and which `--node` its agent was installed with".to_owned(),
        ));
    }
    Ok(())
}

/// A host with the same boot reconnects: the link before is as good as dead. With another boot it is either the host
/// after a reboot, whose link before says nothing any more, or a clone of one that is alive: time tells.
async fn before_is_gone(node: &Node, hello: &Hello) -> Result<(), Refused> {
    let Some(before) = node.on_link() else {
        return Ok(());
    };
    if before.host_id != hello.host_id {
        return Err(duplicate(node));
    }
    if before.boot_id == hello.boot_id {
        return Ok(());
    }
    let mut state = node.state.subscribe();
    while matches!(&*state.borrow_and_update(), LinkState::Up(_)) {
        if state.changed().await.is_err() {
            break;
        }
        if matches!(&*state.borrow(), LinkState::Up(_)) {
            return Err(duplicate(node));
        }
    }
    Ok(())
}

pub(super) fn not_our_protocol(why: &str) -> Refused {
    refused(
        RefusedReason::Protocol,
        format!("the agent cannot be understood: {why}"),
        "the host runs an agent of another version: let this installer install its own, or use the installer that made the host".to_owned(),
    )
}

fn replaced(node: &Node) -> Refused {
    refused(
        RefusedReason::Replaced,
        format!("the host that answers as `{}` is not the one that did before: its machine id is another", node.id),
        "if the host was rebuilt or restored outside of the installer, let the installer rebuild it; if not, find out who has its identity".to_owned(),
    )
}

fn duplicate(node: &Node) -> Refused {
    refused(
        RefusedReason::Duplicate,
        format!(
            "a second host says to be `{}` while the first is on the link",
            node.id
        ),
        "switch off the copy: a clone or a restored snapshot of the host runs somewhere".to_owned(),
    )
}

fn ledger_lost(node: &Node, last_seq: u64, last_heard: u64) -> Refused {
    refused(
        RefusedReason::Ledger,
        format!(
            "the agent of `{}` remembers {last_seq} events, and {last_heard} were told: it lost its memory",
            node.id
        ),
        "`/var/lib/sovereign-agent` of the host was removed or restored from a backup: let the installer rebuild the host".to_owned(),
    )
}
