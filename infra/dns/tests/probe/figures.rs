//! What a probe costs in questions: no more than what there is to ask.

use crate::world::World;

#[tokio::test]
async fn nothing_is_asked_twice() {
    let world = World::start_dual().await;
    let report = world.probe("acme.test").await;
    let (parents, addresses, hosts) = (2, 6, 3);
    // Root: where `test` is, and its keys. `test`: its keys and start of authority, and at each server where the name is. The zone:
    // at each address SOA, NS and DNSKEY, and both kinds of address of each name.
    let least = 2 + 2 + parents + 3 * addresses + 2 * hosts;
    // The walk's own question that found the cut.
    assert_eq!(report.cost.questions, least + 1, "{:#?}", report.evidence);
}
