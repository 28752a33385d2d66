//! Orders that wait for the worker. There is one place for each kind: a newer order of a kind takes the older one's.

use std::cell::RefCell;

use sovereign_core::agent::PreflightOrder;
use sovereign_core::hand_off::{HandOffOrder, ReleaseOrder};
use sovereign_core::host::HostConfig;
use sovereign_core::k3s::K3sNode;
use sovereign_core::kit_order::KitOrder;
use sovereign_core::registry::NodeRegistry;
use tokio::sync::Notify;

use crate::hand_off::token::Rotation;

/// Something to do.
#[derive(Debug)]
pub(super) enum Order {
    Leave,
    MakeHostKeys,
    UseHostKeys,
    Preflight(PreflightOrder),
    Converge(Box<HostConfig>),
    ServeRegistry(Box<NodeRegistry>),
    RunK3s(Box<K3sNode>),
    InstallKit(Box<KitOrder>),
    RotateToken(Rotation),
    HandOff(Box<HandOffOrder>),
    Release(ReleaseOrder),
}

/// Orders that wait.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: RefCell<Waiting>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    leave: bool,
    make_host_keys: bool,
    use_host_keys: bool,
    preflight: Option<PreflightOrder>,
    converge: Option<Box<HostConfig>>,
    serve_registry: Option<Box<NodeRegistry>>,
    run_k3s: Option<Box<K3sNode>>,
    install_kit: Option<Box<KitOrder>>,
    rotate_token: Option<Rotation>,
    hand_off: Option<Box<HandOffOrder>>,
    release: Option<ReleaseOrder>,
}

impl Inbox {
    pub(super) fn put(&self, order: Order) {
        let mut waiting = self.waiting.borrow_mut();
        match order {
            Order::Leave => waiting.leave = true,
            Order::MakeHostKeys => waiting.make_host_keys = true,
            Order::UseHostKeys => waiting.use_host_keys = true,
            Order::Preflight(order) => waiting.preflight = Some(order),
            Order::Converge(config) => waiting.converge = Some(config),
            Order::ServeRegistry(registry) => waiting.serve_registry = Some(registry),
            Order::RunK3s(node) => waiting.run_k3s = Some(node),
            Order::InstallKit(order) => waiting.install_kit = Some(order),
            Order::RotateToken(rotation) => waiting.rotate_token = Some(rotation),
            Order::HandOff(order) => waiting.hand_off = Some(order),
            Order::Release(order) => waiting.release = Some(order),
        }
        self.bell.notify_one();
    }

    /// The next order; leaving comes before everything, and looking before changing.
    pub(super) async fn take(&self) -> Order {
        loop {
            if let Some(order) = self.waiting.borrow_mut().pop() {
                return order;
            }
            self.bell.notified().await;
        }
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<Order> {
        if std::mem::take(&mut self.leave) {
            return Some(Order::Leave);
        }
        if std::mem::take(&mut self.make_host_keys) {
            return Some(Order::MakeHostKeys);
        }
        if std::mem::take(&mut self.use_host_keys) {
            return Some(Order::UseHostKeys);
        }
        let preflight = self.preflight.take().map(Order::Preflight);
        preflight
            .or_else(|| self.converge.take().map(Order::Converge))
            .or_else(|| self.serve_registry.take().map(Order::ServeRegistry))
            .or_else(|| self.run_k3s.take().map(Order::RunK3s))
            .or_else(|| self.install_kit.take().map(Order::InstallKit))
            .or_else(|| self.rotate_token.take().map(Order::RotateToken))
            .or_else(|| self.hand_off.take().map(Order::HandOff))
            .or_else(|| self.release.take().map(Order::Release))
    }
}
