use super::interface::{Address, Interface};
use super::*;
use crate::root::Root;

fn nic(name: &str, address: Option<&str>) -> Interface {
    Interface {
        name: name.into(),
        mac: "86:00:00:00:00:01".into(),
        flags: Vec::new(),
        mtu: 1450,
        addresses: address
            .iter()
            .map(|address| Address {
                local: address.parse().unwrap(),
            })
            .collect(),
    }
}

fn order() -> PreflightOrder {
    PreflightOrder {
        private_range: Some("10.0.1.0/24".parse().unwrap()),
        ..PreflightOrder::default()
    }
}

#[test]
fn the_private_interface_is_told_by_its_address() {
    let nics = [nic("eth0", Some("192.0.2.1")), nic("eth1", Some("10.0.1.5"))];
    let found = private_nic::find(&nics, &order()).unwrap();
    assert_eq!(found.name, "eth1");
    let assigned = PreflightOrder {
        private_address: Some("10.0.1.9".parse().unwrap()),
        ..order()
    };
    let lost = private_nic::find(&nics, &assigned);
    assert!(lost.is_none());
    let check = private_nic::check(&nics, lost, &assigned);
    let Verdict::Failed { reason, remedy } = check.verdict else {
        panic!("{check:?}")
    };
    assert!(reason.contains("10.0.1.9"));
    assert!(remedy.contains("attach it again"), "{remedy}");
    let idle = [nic("eth0", Some("192.0.2.1")), nic("eth1", None)];
    assert!(private_nic::check(&idle, None, &assigned).seen.contains("eth1"));
}

#[test]
fn a_private_interface_without_a_network_behind_it_is_found() {
    let json = r#"[{"ifname":"eth1","address":"86:00:00:00:00:01","mtu":1450,"flags":["NO-CARRIER","BROADCAST","UP"],"addr_info":[]}]"#;
    let nics = interface::parse(json);
    assert!(matches!(
        private_nic::link(&nics[0]).verdict,
        Verdict::Failed { .. }
    ));
    assert_eq!(private_nic::link(&nic("eth1", None)).verdict, Verdict::Fine);
}

const HEAD: &str = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n";

#[test]
#[cfg(target_endian = "little")]
fn a_route_that_swallows_metadata_is_found() {
    let default = "eth0 00000000 01011FAC 0003 0 0 0 00000000 0 0 0\n";
    let private = nic("eth1", Some("10.0.1.5"));
    let routes = routes::parse(&format!("{HEAD}{default}"));
    assert_eq!(
        routes::default_of(&routes).unwrap().gateway,
        Some([172, 31, 1, 1].into())
    );
    assert!(metadata::bad_route(&routes, Some(&private)).is_none());

    let via_private = "eth1 FEA9FEA9 0100000A 0007 0 0 1024 FFFFFFFF 0 0 0\n";
    let routes = routes::parse(&format!("{HEAD}{default}{via_private}"));
    let bad = metadata::bad_route(&routes, Some(&private)).unwrap();
    assert_eq!(bad.interface.as_deref(), Some("eth1"));

    let blackhole = "* FEA9FEA9 00000000 0205 0 0 0 FFFFFFFF 0 0 0\n";
    let routes = routes::parse(&format!("{HEAD}{default}{blackhole}"));
    assert_eq!(metadata::bad_route(&routes, None).unwrap().interface, None);

    let right = "eth0 FEA9FEA9 01011FAC 0007 0 0 0 FFFFFFFF 0 0 0\n";
    let routes = routes::parse(&format!("{HEAD}{default}{right}"));
    assert!(metadata::bad_route(&routes, Some(&private)).is_none());
}

#[test]
fn a_fourth_resolver_is_taken_out() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::under(dir.path());
    let path = root.path("/etc/resolv.conf");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let four = crate::lines::lines((1..=4).map(|n| format!("nameserver 192.0.2.{n}")));
    std::fs::write(&path, format!("search a.test\n{four}options edns0\n")).unwrap();
    assert!(matches!(resolvers::check(&root).verdict, Verdict::Healed { .. }));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("nameserver").count(), 3);
    assert!(text.contains("options edns0"));
    assert_eq!(resolvers::check(&root).verdict, Verdict::Fine);
}

#[test]
fn a_container_gets_warnings_where_a_machine_fails() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::under(dir.path());
    let verdicts = |root: &Root| -> Vec<Verdict> {
        kernel::checks(root)
            .into_iter()
            .map(|check| check.verdict)
            .collect()
    };
    assert!(
        verdicts(&root)
            .iter()
            .all(|verdict| matches!(verdict, Verdict::Failed { .. }))
    );
    std::fs::create_dir_all(root.path("/run/systemd")).unwrap();
    std::fs::write(root.path("/run/systemd/container"), "systemd-nspawn").unwrap();
    assert!(
        verdicts(&root)
            .iter()
            .all(|verdict| matches!(verdict, Verdict::Warning { .. }))
    );
    std::fs::create_dir_all(root.path("/lib/modules/6.1")).unwrap();
    std::fs::create_dir_all(root.path("/proc/sys/kernel")).unwrap();
    std::fs::write(root.path("/proc/sys/kernel/osrelease"), "6.1\n").unwrap();
    std::fs::write(
        root.path("/lib/modules/6.1/modules.dep"),
        "kernel/net/vxlan.ko.xz: a.ko\n",
    )
    .unwrap();
    assert_eq!(kernel::checks(&root)[3].verdict, Verdict::Fine);
}

#[test]
fn interfaces_are_read_as_ip_writes_them() {
    let json = r#"[{"ifindex":1,"ifname":"lo","mtu":65536,"link_type":"loopback","address":"00:00:00:00:00:00",
        "addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]},
        {"ifindex":2,"ifname":"eth1","mtu":1450,"link_type":"ether","address":"86:00:00:00:00:01",
        "addr_info":[{"family":"inet","local":"10.0.1.5","prefixlen":32},{"family":"inet6","local":"fe80::1"}]},
        {"ifindex":3,"ifname":"cilium_host","mtu":1450,"addr_info":[]}]"#;
    let found = interface::parse(json);
    assert_eq!(found.len(), 1);
    assert!(found[0].has(|address| address.to_string() == "10.0.1.5"));
    assert_eq!((found[0].mtu, found[0].mac.as_str()), (1450, "86:00:00:00:00:01"));
}
