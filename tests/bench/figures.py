"""The figures of the installer against a lab whose servers take 20 s to come up."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime

from hcloud import Client
from hcloud.images import Image
from hcloud.locations import Location
from hcloud.server_types import ServerType

SOVEREIGN = os.path.abspath(sys.argv[1])
TRACING = os.path.abspath(sys.argv[2])
ONLY = sys.argv[3:]
MINIMAL = open("examples/minimal.yaml").read()


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def figure(name, value, unit, against=None, budget=None):
    value = round(value, 3) if isinstance(value, float) else value
    print(json.dumps({"name": name, "value": value, "unit": unit, "against": against, "budget": budget}), flush=True)


def resident(pid):
    """Highest resident MiB so far. The kernel's own count at the end begins with what this process had when it forked."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", open(f"/proc/{pid}/status").read())
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None


class Lab:
    """A lab of its own with its own state directory."""

    def __init__(self, place):
        # Servers of this lab are records: nobody on them answers.
        self.env = {**os.environ, "SOVEREIGN_STATE_DIR": place, "SOVEREIGN_UNTIL": "cloud"}
        self.place = place
        self.sovereign("lab", "up", "--api-only", "--detach", "--listen", "127.0.0.1:0", "--create-seconds", "20")
        exports = self.sovereign("lab", "env").stdout
        self.env.update(re.findall(r"export (\w+)=(\S+)", exports))

    def sovereign(self, *args):
        run = subprocess.run([SOVEREIGN, *args], env=self.env, capture_output=True, text=True)
        if run.returncode not in (0, 8):
            sys.exit(f"{args}: {run.stdout}{run.stderr}")
        return run

    def measured(self, *args):
        """Seconds, highest resident MiB and standard output of one run."""
        began = time.monotonic()
        with tempfile.TemporaryFile("w+") as out:
            child = subprocess.Popen([SOVEREIGN, *args], env=self.env, stdout=out, stderr=subprocess.DEVNULL)
            memory = 0
            while child.poll() is None:
                memory = resident(child.pid) or memory
                time.sleep(0.005)
            seconds = time.monotonic() - began
            out.seek(0)
            text = out.read()
        if child.returncode not in (0, 8):
            sys.exit(f"{args}: {text}")
        return seconds, memory, text

    def requests(self, *wanted):
        rows = json.loads(self.sovereign("lab", "stats", "--json").stdout)["rows"]
        hits = [row for row in rows if not wanted or any(re.fullmatch(w, f"{row['method']} {row['path']}") for w in wanted)]
        return sum(row["count"] for row in hits), sum(row["count"] for row in rows if row["status"] == 429)

    def spec(self, control, workers):
        group = f"    workers: [{{name: w, count: {workers}, serverTypes: [cx33]}}]\n" if workers else ""
        text = MINIMAL.replace("count: 1", f"count: {control}").replace("    controlPlane", "    network: {mode: public}\n    controlPlane")
        path = os.path.join(self.place, "spec.yaml")
        open(path, "w").write(text.replace("access:", group + "access:"))
        return path


@contextmanager
def lab():
    with tempfile.TemporaryDirectory() as place:
        bench = Lab(place)
        try:
            yield bench
        finally:
            bench.sovereign("lab", "down")


def server_seconds(lines):
    """From the first server's begin to the last one's end, by the journal."""
    servers = [e for e in lines if (e.get("step") or "").startswith("server")]
    moments = [datetime.fromisoformat(re.sub(r"(\.\d{6})\d*Z", r"\1+00:00", e["at"])) for e in servers]
    return (max(moments) - min(moments)).total_seconds()


SERVER_CALLS = (r"POST /servers", r"GET /actions.*", r"GET /servers.*")


def six_servers():
    say("6 servers")
    with lab() as bench:
        spec = bench.spec(1, 5)
        bench.sovereign("plan", spec)
        planned = bench.requests(*SERVER_CALLS)[0]
        _, _, text = bench.measured("up", spec, "--yes", "--json")
        events = [json.loads(line) for line in text.splitlines()]
        # `up` plans before it runs; what a plan alone asks for is not part of making servers.
        calls = bench.requests(*SERVER_CALLS)[0] - 2 * planned
        seconds = server_seconds(events)
    with lab() as bench:
        client = Client(token=bench.env["HCLOUD_TOKEN"], api_endpoint=bench.env["HCLOUD_ENDPOINT"])
        began = time.monotonic()
        made = [
            client.servers.create(name=f"s{n}", server_type=ServerType(name="cx33"), image=Image(name="ubuntu-24.04"), location=Location(name="fsn1"))
            for n in range(6)
        ]
        for one in made:
            one.action.wait_until_finished()
            for action in one.next_actions:
                action.wait_until_finished()
        foreign_seconds = time.monotonic() - began
        foreign = bench.requests()[0]
    figure("six_servers_requests", calls, "requests", {"hcloud-python": foreign, "hcloud-go": 246}, 32)
    figure("six_servers_seconds", seconds, "s", {"hcloud-python": round(foreign_seconds, 3), "create action": 20}, 21.5)
    figure("six_servers_requests_ratio", calls / foreign, "of hcloud-python")


def scarce_requests():
    say("50 servers with 60 requests left")
    with lab() as bench:
        spec = bench.spec(3, 47)
        bench.sovereign("lab", "fault", "bucket", "60")
        seconds, _, _ = bench.measured("up", spec, "--yes", "--json")
        servers = json.loads(bench.sovereign("lab", "status", "--json").stdout)["projects"]["lab"]["servers"]
        requests, refused = bench.requests()
        figure("fifty_servers_made", len(servers), "servers", "60 requests left, 1/s refill", 50)
        figure("fifty_servers_refused", refused, "answers 429", "60 requests left, 1/s refill", 0)
        figure("fifty_servers_requests", requests, "requests")
        figure("fifty_servers_seconds", seconds, "s", {"create action": 20})


def whole_runs():
    for control, workers in ((1, 0), (3, 2), (3, 97), (3, 497)):
        name = f"run_{control}_{workers}"
        say(f"a whole run of {control}+{workers}")
        with lab() as bench:
            spec = bench.spec(control, workers)
            seconds, memory, text = bench.measured("up", spec, "--yes", "--json")
            steps = json.loads(text.splitlines()[-1])["summary"]["steps"]
            events = len(text.splitlines()) - 1
            large = workers == 497
            figure(f"{name}_requests", bench.requests()[0], "requests", f"{control + workers} servers", 1100 if large else None)
            figure(f"{name}_seconds_net", seconds - 20, "s", "net of the 20 s create action", 10 if workers <= 3 else None)
            figure(f"{name}_memory", memory, "MiB resident", None, 256)
            figure(f"{name}_events_per_step", events / steps, "journal events")
            if workers >= 97:
                scan(bench, control + workers)
            before = bench.requests()[0]
            seconds, _, _ = bench.measured("destroy", "acme-dev", "--yes")
            figure(f"{name}_destroy_requests", bench.requests()[0] - before, "requests", f"{control + workers} servers")
            figure(f"{name}_destroy_seconds", seconds, "s", f"{control + workers} servers")


def scan(bench, servers):
    if servers == 500:
        client = Client(token=bench.env["HCLOUD_TOKEN"], api_endpoint=bench.env["HCLOUD_ENDPOINT"])
        for n in range(500):
            client.servers.create(name=f"other{n}", server_type=ServerType(name="cx33"), image=Image(name="ubuntu-24.04"))
        servers = 1000
    before = bench.requests()[0]
    seconds, memory, _ = bench.measured("scan")
    figure(f"scan_{servers}_requests", bench.requests()[0] - before, "requests", f"{servers} servers in the account")
    figure(f"scan_{servers}_seconds", seconds, "s", f"{servers} servers in the account")
    figure(f"scan_{servers}_memory", memory, "MiB resident", f"{servers} servers in the account")


def journal_writes():
    say("journal writes")
    for control, workers in ((1, 0), (3, 2), (3, 97)):
        with lab() as bench:
            trace = os.path.join(bench.place, "trace")
            env = {**bench.env, "SOVEREIGN_CRASH_TRACE": trace}
            args = [TRACING, "up", bench.spec(control, workers), "--yes", "--json"]
            run = subprocess.run(args, env=env, capture_output=True, text=True, check=True)
            steps = json.loads(run.stdout.splitlines()[-1])["summary"]["steps"]
            writes = sum(line.startswith("journal-after:") for line in open(trace))
            figure(f"journal_{control}_{workers}_writes_per_step", writes / steps, "transactions", f"{steps} steps")


def plan():
    say("plans")
    with lab() as bench:
        for control, workers in ((3, 2), (3, 497)):
            spec = bench.spec(control, workers)
            before = bench.requests()[0]
            runs = sorted(bench.measured("plan", spec)[0] for _ in range(5))
            figure(f"plan_{control}_{workers}_seconds", runs[2], "s", "median of 5")
            figure(f"plan_{control}_{workers}_requests", (bench.requests()[0] - before) // 5, "requests")


def main():
    from cluster import whole_way
    from dns import delegation_probe
    from hosts import real_hosts
    from names import names
    from registry import node_registry

    for job in (six_servers, scarce_requests, plan, journal_writes, real_hosts, whole_way, node_registry, delegation_probe, names, whole_runs):
        if not ONLY or job.__name__ in ONLY:
            job()


if __name__ == "__main__":
    sys.modules["figures"] = sys.modules["__main__"]
    main()
