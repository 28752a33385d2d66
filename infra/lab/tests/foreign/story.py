"""The lab through the vendor's own Python client: everything made, read back, changed and removed."""

import sys

from hcloud import APIException, Client
from hcloud.firewalls.domain import FirewallRule
from hcloud.images import Image
from hcloud.load_balancer_types import LoadBalancerType
from hcloud.load_balancers.domain import LoadBalancerAlgorithm, LoadBalancerHealthCheck, LoadBalancerService, LoadBalancerTarget
from hcloud.locations import Location
from hcloud.networks.domain import NetworkSubnet
from hcloud.server_types import ServerType

endpoint, token = sys.argv[1:]
client = Client(token=token, api_endpoint=endpoint, poll_interval=0.05)


def refused(code, call):
    try:
        call()
    except APIException as error:
        assert error.code == code, f"{error.code}, not {code}"
    else:
        raise AssertionError(f"not refused with {code}")


key_text = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBv7DBgl+UXAi4ac2rkWGBFYU7pM7SshXPbrQ5nh1FyA a"
key = client.ssh_keys.create(name="key", public_key=key_text, labels={"a": "b"})
refused("uniqueness_error", lambda: client.ssh_keys.create(name="other", public_key=key_text))

network = client.networks.create(name="net", ip_range="10.0.0.0/16")
client.networks.add_subnet(network, NetworkSubnet(type="cloud", ip_range="10.0.1.0/24", network_zone="eu-central")).wait_until_finished()
rule = FirewallRule(direction="in", protocol="tcp", port="443", source_ips=["0.0.0.0/0", "::/0"])
firewall = client.firewalls.create(name="fw", rules=[rule]).firewall
group = client.placement_groups.create(name="pg", type="spread").placement_group

servers = []
for number in range(3):
    made = client.servers.create(
        name=f"s{number}", server_type=ServerType(name="cx33"), image=Image(name="ubuntu-24.04"), location=Location(name="fsn1"),
        networks=[network], firewalls=[firewall], ssh_keys=[key], placement_group=group, labels={"role": f"r{number}"}, user_data="#!/bin/sh",
    )
    made.action.wait_until_finished()
    for action in made.next_actions:
        action.wait_until_finished()
    servers.append(client.servers.get_by_id(made.server.id))
assert all(server.status == "running" for server in servers)
assert all(server.private_net[0].ip.startswith("10.0.1.") for server in servers)
assert len({server.public_net.ipv4.ip for server in servers}) == 3
refused("uniqueness_error", lambda: client.servers.create(name="s0", server_type=ServerType(name="cx33"), image=Image(name="ubuntu-24.04")))
refused("invalid_input", lambda: client.servers.create(name="no_such_name!", server_type=ServerType(name="cx33"), image=Image(name="ubuntu-24.04")))

for selector, expected in [("role=r1", 1), ("role!=r1", 2), ("role", 3), ("!role", 0), ("role in (r0,r2)", 2), ("role notin (r0,r2)", 1)]:
    assert len(client.servers.get_all(label_selector=selector)) == expected, selector
assert client.servers.get_by_name("s2").id == servers[2].id
assert len(client.primary_ips.get_all()) == 6

check = LoadBalancerHealthCheck(protocol="tcp", port=80, interval=15, timeout=10, retries=3)
service = LoadBalancerService(protocol="tcp", listen_port=80, destination_port=80, proxyprotocol=False, health_check=check)
balancer = client.load_balancers.create(
    name="lb", load_balancer_type=LoadBalancerType(name="lb11"), location=Location(name="fsn1"), network=network, services=[service],
    algorithm=LoadBalancerAlgorithm(type="round_robin"),
)
balancer.action.wait_until_finished()
balancer = balancer.load_balancer
target = LoadBalancerTarget(type="server", server=servers[0], use_private_ip=True)
client.load_balancers.add_target(balancer, target).wait_until_finished()
assert len(client.load_balancers.get_by_name("lb").targets) == 1

volume = client.volumes.create(name="vol", size=10, server=servers[0])
volume.action.wait_until_finished()
assert client.volumes.get_by_name("vol").server.id == servers[0].id
assert {location.name for location in client.locations.get_all()} >= {"fsn1", "nbg1", "hel1"}
assert all(server_type.memory > 0 for server_type in client.server_types.get_all())

refused("resource_in_use", lambda: client.firewalls.delete(firewall))
client.volumes.detach(volume.volume).wait_until_finished()
client.volumes.delete(volume.volume)
client.load_balancers.delete(balancer).action.wait_until_finished()
for server in servers:
    client.servers.delete(server).wait_until_finished()
client.firewalls.delete(firewall)
client.placement_groups.delete(group)
client.networks.delete(network)
client.ssh_keys.delete(key)
for resources in (client.servers, client.networks, client.firewalls, client.volumes, client.load_balancers, client.primary_ips, client.ssh_keys):
    assert resources.get_all() == [], resources
print("done")
