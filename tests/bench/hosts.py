"""The figures of hosts: user data, the agent, and the way from a server to a host that is what it is to be."""

import json
import os
import re
import subprocess
import tempfile
from contextlib import contextmanager

from figures import SOVEREIGN, figure, lab, say
from timeline import longest_silence, moment

DEMO = open("tests/fixtures/demo.yaml").read()
CROWD = os.path.abspath("target/release/examples/crowd")
AGENT = os.path.join(os.path.dirname(SOVEREIGN), "sovereign-agent-x86_64")


class Hosts:
    """A lab of its own whose servers are real hosts."""

    def __init__(self, place, options=()):
        self.place = place
        self.env = {**os.environ, "SOVEREIGN_STATE_DIR": place}
        self.sovereign("lab", "up", "--dns", "--registrar", "cloudflare:acme.example", "--detach", "--listen", "127.0.0.1:0", "--create-seconds", "0.2", *options)
        self.env.update(re.findall(r"export (\w+)=(\S+)", self.sovereign("lab", "env")))

    def sovereign(self, *args):
        return subprocess.run([SOVEREIGN, *args], env=self.env, capture_output=True, text=True, check=True).stdout

    def spec(self, control, workers):
        text = DEMO.replace('"PDNS_API_URL"', self.env["PDNS_API_URL"]).replace('"PDNS_API_URL_2"', self.env["PDNS_API_URL_2"])
        text = text.replace("count: 3", f"count: {control}")
        text = text.replace("count: 2", f"count: {workers}")
        path = os.path.join(self.place, "spec.yaml")
        open(path, "w").write(text)
        return path

    def on(self, host, *command):
        return self.sovereign("lab", "host", "exec", host, "--", *command)


@contextmanager
def hosts(*options):
    with tempfile.TemporaryDirectory() as place:
        bench = Hosts(place, options)
        try:
            yield bench
        finally:
            bench.sovereign("lab", "down")


def user_data(bench):
    for transport in ("https", "ssh"):
        env = dict(bench.env)
        if transport == "ssh":
            del env["SOVEREIGN_ADVERTISE"]
        plan = subprocess.run([SOVEREIGN, "plan", bench.spec(3, 2), "--json"], env=env, capture_output=True, text=True, check=True)
        for data in json.loads(plan.stdout)["plan"]["details"]["userData"]:
            name = f"user_data_{transport}_{data['role'].replace('-', '_')}"
            figure(name, data["bytes"], "bytes on the wire", f"the cloud takes {data['limit']}", data["budget"])


def run_of(control, workers):
    say(f"hosts of {control}+{workers}")
    with hosts() as bench:
        if (control, workers) == (1, 0):
            user_data(bench)
        events = [json.loads(line) for line in bench.sovereign("up", bench.spec(control, workers), "--yes", "--json").splitlines()]
        events = [event for event in events if "event" in event]
        done = {event["step"]: moment(event["at"]) for event in events if event["event"] == "step_succeeded"}
        total = moment(events[-1]["at"]) - moment(events[0]["at"])
        names = [step.removeprefix("host/") for step in done if step.startswith("host/")]
        started, enrolled, converged, boots = {}, [], [], []
        for name in names:
            log = [json.loads(line) for line in bench.on(name, "sovereign-agent", "logs", "--json").splitlines()]
            begins = moment(next(event["at"] for event in log if event["event"] == "started"))
            whole = moment(next(event["at"] for event in log if event["event"] == "converged"))
            cloud_init = json.loads(bench.on(name, "cat", "/run/cloud-init/status.json"))["v1"]["init-local"]["start"]
            boots.append(begins - done[f"server/{name}"])
            enrolled.append(done[f"enrol/{name}"] - begins)
            converged.append(whole - cloud_init)
            started[name] = done[f"enrol/{name}"] - cloud_init
        key = f"hosts_{control}_{workers}"
        figure(f"{key}_net_seconds", total - max(boots), "s", f"{total:.1f} s with the boot of the slowest host", 10)
        figure(f"{key}_longest_silence", longest_silence(events), "s", f"{len(events)} entries of the journal", 5)
        figure(f"{key}_enrolled_after_agent_start", max(enrolled), "s", "of the slowest host", 1)
        figure(f"{key}_enrolled_after_cloud_init_start", max(started.values()), "s", f"{len(names)} hosts boot at once on this machine")
        figure(f"{key}_converged_after_cloud_init_start", max(converged), "s", f"{len(names)} hosts boot at once on this machine")
        pages = bench.on(names[0], "sh", "-c", "cat /proc/$(pgrep -o -x sovereign-agent)/status")
        for field, words in (("VmRSS", "idle"), ("VmHWM", "at most")):
            kilobytes = int(re.search(rf"{field}:\s+(\d+) kB", pages)[1])
            figure(f"{key}_agent_memory_{words.replace(' ', '_')}", kilobytes / 1024, "MiB resident", budget=15)
        bench.sovereign("destroy", "acme-prod", "--yes")


def crowd():
    """200 servers that are records, each with an agent that is played: the installer's memory, and how old news are when they are durable."""
    say("200 hosts")
    with lab() as bench:
        told = os.path.join(bench.place, "told")
        address = re.search(r"http://([^/]+)/", bench.env["HCLOUD_ENDPOINT"])[1]
        players = subprocess.Popen([CROWD, address], stdin=subprocess.PIPE, stdout=open(told, "w"))
        bench.env.update({"SOVEREIGN_UNTIL": "hosts", "SOVEREIGN_ADVERTISE": "https://127.0.0.1:8443", "SOVEREIGN_LISTEN": "127.0.0.1:8443"})
        seconds, memory, _ = bench.measured("up", bench.spec(3, 197), "--yes", "--json")
        players.stdin.close()
        players.wait()
        sent = {tuple(line.split()[:3]): int(line.split()[3]) for line in open(told)}
        ages = []
        for line in bench.sovereign("logs", "acme-dev", "--json").stdout.splitlines():
            event = json.loads(line)
            if event.get("event") == "sub_step" and event["name"].startswith("part-"):
                key = (event["step"].removeprefix("host/"), event["name"], event["state"])
                ages.append(moment(event["at"]) * 1000 - sent[key])
        ages.sort()
        figure("hosts_200_memory", memory, "MiB resident", f"200 hosts on the link, {seconds:.0f} s", 256)
        figure("hosts_200_event_age_p99", ages[len(ages) * 99 // 100], "ms from told to durable", f"{len(ages)} events; half of them {ages[len(ages) // 2]:.0f} ms")


def agent_binary():
    figure("agent_binary", os.path.getsize(AGENT) / 2**20, "MiB", budget=12)


def real_hosts():
    agent_binary()
    run_of(1, 0)
    run_of(3, 2)
    crowd()
