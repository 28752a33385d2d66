//! The bootstrap kit: what has to be there before Flux, then Flux with the tree, watched until every component is proven.
//!
//! ```text
//!  kept ──► nodes ──► seeds, one after the other ──► dns, storage ──► given ──► root ──► components, as Flux gets to them
//! ```
//!
//! It is gone through again and again, one look at a time, so that it can be cut off anywhere and an order is never kept waiting.

mod evidence;
mod given;
mod kept;
mod nudge;
mod proof;
mod seed;
mod storage;
mod watch;
mod workload;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use sovereign_core::crash;
use sovereign_core::kit::{DIGEST, PROFILE, Proof, ROOT_FILE, Seed, Workload};
use sovereign_core::kit_order::KitOrder;
use sovereign_images::kit::PackedKit;
use tokio::time::Instant;

use self::evidence::Evidence;
use self::nudge::Nudge;
use self::storage::StorageProof;
use self::watch::Flux;
use crate::cluster::glance::Glance;
use crate::cluster::{AGENT, Opened};
use crate::fault::Fault;
use crate::host::Host;
use crate::nodes;
use crate::standing::{self, Look, Standing};

/// Time a component gets from when everything it depends on is proven.
const PATIENCE: Duration = Duration::from_mins(15);

/// A kit on its way into the cluster.
#[derive(Debug)]
pub(crate) struct Installation {
    order: KitOrder,
    kit: Option<Rc<PackedKit>>,
    cluster: Opened,
    /// Of what runs before Flux.
    before: Evidence,
    /// Of components: seen after Flux said that they are ready.
    evidence: Evidence,
    /// Seeds that were written since the agent started, and whether that changed anything.
    seeded: BTreeMap<String, bool>,
    storage: StorageProof,
    given: Option<Standing>,
    rooted: bool,
    nudge: Nudge,
    /// Since when nothing but itself keeps a component from being proven.
    due: BTreeMap<String, Instant>,
}

impl Installation {
    pub(crate) fn new(order: KitOrder) -> Self {
        Self {
            order,
            kit: None,
            cluster: Opened::default(),
            before: Evidence::default(),
            evidence: Evidence::default(),
            seeded: BTreeMap::new(),
            storage: StorageProof::default(),
            given: None,
            rooted: false,
            nudge: Nudge::default(),
            due: BTreeMap::new(),
        }
    }

    /// Goes as far as it goes right now, and says where each part stands, in the order of work. Parts that are not due yet are
    /// left out.
    pub(crate) async fn go_on(&mut self, host: &Host) -> Look {
        let cluster = match self.cluster.get(&host.root).await {
            Ok(cluster) => cluster,
            Err(fault) => return unknown(fault),
        };
        let look = self.look(host, &Glance::at(&cluster)).await;
        if !(look.is_proven() && (self.before.is_old() || self.evidence.is_old())) {
            return look;
        }
        // What is said last was seen at one time.
        self.before.forget();
        self.evidence.forget();
        self.look(host, &Glance::at(&cluster)).await
    }

    /// The same at a glance that others look at, too. What was proven a moment ago is not asked for again.
    pub(crate) async fn look(&mut self, host: &Host, glance: &Glance<'_>) -> Look {
        self.before.begin();
        self.evidence.begin();
        let mut look = Look::default();
        // A look is long, and goes on inside of all that the agent does.
        if let Err(fault) = Box::pin(self.try_look(host, glance, &mut look)).await {
            look.note("kit", Standing::Unknown(fault));
        }
        look
    }

    async fn try_look(&mut self, host: &Host, glance: &Glance<'_>, look: &mut Look) -> Result<(), Fault> {
        let kit = self.kit(host)?;
        let manifest = kit.manifest();
        let seen = format!("{} {}, signed", manifest.name, manifest.version);
        look.note("kit", Standing::proven(false, seen));
        look.note("nodes", nodes::look(glance).await?);
        look.whole = self.seeds(&kit, glance, look).await?
            && self.basics(glance, look).await?
            && self.values(&kit, glance, look).await?
            && self.tree(&kit, glance, look).await?
            && self.components(&kit, glance, look).await?;
        Ok(())
    }

    fn kit(&mut self, host: &Host) -> Result<Rc<PackedKit>, Fault> {
        if let Some(kit) = &self.kit {
            return Ok(Rc::clone(kit));
        }
        let kit = Rc::new(kept::open(host, &self.order)?);
        self.kit = Some(Rc::clone(&kit));
        Ok(kit)
    }

    /// What runs before Flux, one after the other.
    async fn seeds(&mut self, kit: &PackedKit, glance: &Glance<'_>, look: &mut Look) -> Result<bool, Fault> {
        for seed in &kit.manifest().seeds {
            let changed = match self.seeded.get(&seed.name) {
                Some(&changed) => changed,
                None => self.plant(kit, glance, seed).await?,
            };
            let proofs = self.before.look_all(glance, &seed.proofs).await;
            let standing = match standing::all(proofs) {
                Standing::Proven { seen, .. } => Standing::proven(changed, seen),
                open => match workload::trouble(glance, &seed.proofs).await {
                    Some(fault) => Standing::Failed(fault),
                    None => open,
                },
            };
            if !look.note(format!("seed {}", seed.name), standing) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes a seed; whether that changed anything.
    async fn plant(&mut self, kit: &PackedKit, glance: &Glance<'_>, seed: &Seed) -> Result<bool, Fault> {
        let text = kit.seed(seed, self.order.profile);
        let text = text.map_err(|error| kept::unusable(&error))?;
        let objects = parse(text, &self.order.variables)?;
        crash::once("before", &seed.name);
        let seeded = seed::seed(glance.cluster(), &objects).await?;
        glance.renew();
        crash::once("after", &seed.name);
        tracing::info!(seed = seed.name, ?seeded, "seeded");
        let changed = seeded.written > 0;
        self.seeded.insert(seed.name.clone(), changed);
        Ok(changed)
    }

    /// What k3s brings, and nothing of the kit works without.
    async fn basics(&mut self, glance: &Glance<'_>, look: &mut Look) -> Result<bool, Fault> {
        let dns = self.before.look(glance, &core_dns()).await;
        Ok(
            look.note("cluster dns", dns)
                && look.note("storage", self.storage.go_on(glance.cluster()).await?),
        )
    }

    async fn values(&mut self, kit: &PackedKit, glance: &Glance<'_>, look: &mut Look) -> Result<bool, Fault> {
        let standing = if let Some(standing) = &self.given {
            standing.clone()
        } else {
            crash::once("before", "values");
            let standing = given::give(glance.cluster(), kit.manifest(), &self.order).await?;
            crash::once("after", "values");
            self.given.insert(standing).clone()
        };
        Ok(look.note("values and secrets", standing))
    }

    /// The root of Flux's tree.
    async fn tree(&mut self, kit: &PackedKit, glance: &Glance<'_>, look: &mut Look) -> Result<bool, Fault> {
        let cluster = glance.cluster();
        if !self.rooted {
            let mut values = self.order.variables.clone();
            values.insert(DIGEST.to_owned(), self.order.kit.clone());
            values.insert(PROFILE.to_owned(), self.order.profile.as_str().to_owned());
            crash::once("before", "tree");
            let root = kit.file(ROOT_FILE).map_err(|error| kept::unusable(&error))?;
            for object in &parse(root, &values)? {
                cluster.apply(object, AGENT).await?;
            }
            crash::once("after", "tree");
            self.rooted = true;
        }
        // What Flux says is seen first, and what proves it afterwards.
        glance.renew();
        let root = watch::root(glance, &self.order.kit).await?;
        if root.has_failed() {
            self.nudge.give(cluster, watch::root_ids()).await?;
        }
        Ok(look.note("tree", root))
    }

    /// What Flux makes of it, and nothing else.
    async fn components(
        &mut self,
        kit: &PackedKit,
        glance: &Glance<'_>,
        look: &mut Look,
    ) -> Result<bool, Fault> {
        let flux = Flux::look(glance, &self.order.kit).await?;
        let mut proven = BTreeSet::new();
        let mut expected = Vec::new();
        for component in kit.manifest().components(self.order.profile) {
            let mut needs = component.depends_on.iter();
            let is_due = needs.all(|name| proven.contains(name.as_str()));
            let mut standing = flux
                .component((glance, &mut self.evidence), component, &self.order.kit, is_due)
                .await;
            if standing.has_failed() {
                let failed = flux.failed(&component.name);
                self.nudge.give(glance.cluster(), failed).await?;
            }
            if is_due && !standing.is_proven() {
                let since = self.due.entry(component.name.clone());
                standing = in_time(standing, *since.or_insert_with(Instant::now));
            }
            if look.note(format!("component {}", component.name), standing) {
                proven.insert(component.name.as_str());
            }
            expected.push(component.name.as_str());
        }
        let strangers = flux.strangers(&expected);
        if !strangers.is_empty() {
            look.note("nothing else", Standing::Stalled(unexpected(&strangers)));
        }
        Ok(true)
    }
}

/// Nothing can be seen.
fn unknown(fault: Fault) -> Look {
    let mut look = Look::default();
    look.note("kit", Standing::Unknown(fault));
    look
}

fn unexpected(strangers: &[&str]) -> Fault {
    let cause = format!(
        "Kustomizations that the kit does not have: {}",
        strangers.join(", ")
    );
    Fault::new(
        cause,
        "an older kit left them: Flux takes each away by itself once it is done with it, after the component's own timeout at the latest; `kubectl -n flux-system delete kustomization` takes away one that stays",
    )
}

fn parse(text: &str, values: &BTreeMap<String, String>) -> Result<Vec<kube::api::DynamicObject>, Fault> {
    seed::objects(text, values).map_err(|error| {
        let remedy = "`sovereign kit lint` says where; mend and pack the kit, and run `sovereign up` again";
        Fault::new(format!("objects of the kit cannot be read: {error}"), remedy)
    })
}

/// k3s brings it; nothing that has a name works without it.
fn core_dns() -> Proof {
    Proof::Rollout {
        kind: Workload::Deployment,
        namespace: "kube-system".into(),
        name: "coredns".into(),
    }
}

fn in_time(standing: Standing, since: Instant) -> Standing {
    let (Standing::Missing(what) | Standing::Waiting(what)) = &standing else {
        return standing;
    };
    if since.elapsed() < PATIENCE {
        return standing;
    }
    let cause = format!("after {} min: {what}", PATIENCE.as_secs() / 60);
    let remedy =
        "look at its pods and events on the cluster; it goes on by itself once what it waits for is there";
    Standing::TimedOut(Fault::new(cause, remedy))
}
