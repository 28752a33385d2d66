"""The figures of the whole way, from nothing to a Sovereign that is handed off, on the test distribution of Kubernetes with small charts."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

from figures import SOVEREIGN, figure, say
from hosts import hosts
from timeline import LETTING_GO, OWN, PHASES, longest_silence, moment, spent, steps_of

KUBERNETES = os.path.abspath("target/kubernetes")
KIT = "tests/kit"
# kustomize-controller's own, where its arguments say nothing.
REQUEUE = "30s"
UNITS = ("sovereign-agent", "sovereign-registry")
PEAK = (
    "for unit in $0; do pid=$(systemctl show -p MainPID --value $unit);"
    ' sed -n "s/^VmHWM:[^0-9]*/$unit /p" /proc/$pid/status 2>/dev/null; done; true'
)


def pack(place):
    """Packs the kit, and says how a run finds it."""
    archive, key = os.path.join(place, "kit.tar"), os.path.join(place, "cosign.pub")
    command = [SOVEREIGN, "kit", "pack", "--kit", KIT, "--generate-key", place, "--out", archive]
    env = {**os.environ, "SOVEREIGN_HELM": f"{KUBERNETES}/share/bin/helm"}
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True)
    return {"SOVEREIGN_UNTIL": "hand-off", "SOVEREIGN_K3S": f"{KUBERNETES}/k3s", "SOVEREIGN_KIT": archive, "SOVEREIGN_KIT_KEY": key}


def peaks(bench, host):
    """Highest resident MiB of each unit of ours on a host, so far; nothing of those that do not run."""
    command = [SOVEREIGN, "lab", "host", "exec", host, "--", "sh", "-c", PEAK, " ".join(UNITS)]
    said = subprocess.run(command, env=bench.env, capture_output=True, text=True).stdout
    return {unit: int(kilobytes) / 1024 for unit, kilobytes in re.findall(r"(\S+) (\d+) kB", said)}


class Watch(threading.Thread):
    """Looks at a host once a second: its agent is gone when the run is over."""

    def __init__(self, bench, host):
        super().__init__(daemon=True)
        self.bench, self.host = bench, host
        self.over = threading.Event()
        self.seen = []

    def run(self):
        while not self.over.wait(1):
            at = time.time()
            self.seen += [(at, unit, peak) for unit, peak in peaks(self.bench, self.host).items()]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def peak(self, unit, until):
        seen = [peak for at, name, peak in self.seen if name == unit and at <= until]
        if not seen:
            sys.exit(f"{self.host}: {unit} was never seen")
        return max(seen)


def up(bench, spec):
    """Begin, end and events of a run."""
    began = time.time()
    run = subprocess.run([SOVEREIGN, "up", spec, "--yes", "--json"], env=bench.env, capture_output=True, text=True)
    ended = time.time()
    if run.returncode:
        sys.exit(f"up: {run.stdout[-2000:]}{run.stderr}")
    events = [json.loads(line) for line in run.stdout.splitlines()]
    return began, ended, [event for event in events if "event" in event]


def agents_log(bench, host):
    """When the agent's service began to start, and how many requests it had made of the cluster's API when it had proven each task."""
    text = bench.on(host, "journalctl", "-u", "sovereign-agent", "-o", "json", "--no-pager", "--output-fields=MESSAGE")
    lines = [json.loads(line) for line in text.splitlines()]
    messages = "\n".join(str(line["MESSAGE"]) for line in lines)
    requests = dict(re.findall(r'proven task="(\S+)" requests=(\d+)', messages))
    return int(lines[0]["__REALTIME_TIMESTAMP"]) / 1e6, {task: int(count) for task, count in requests.items()}


def seconds(duration):
    """Seconds of a duration as Go writes it, for example `1m2.5s` or `345ms`."""
    units = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(h|ms|m|µs|ns|s)", duration))


def own_seconds(bench, names):
    """How long the first reconciliation of each Kustomization that came to its end took, in the words of Flux."""
    own = {}
    for name in names:
        logs = bench.on(name, "sh", "-c", "cat /var/log/pods/flux-system_kustomize-controller-*/*/*.log 2>/dev/null; true")
        for line in sorted(logs.splitlines()):
            finished = re.search(r"Reconciliation finished in (\S+), next run", line)
            if finished and '"controller":"kustomization"' in line:
                entry = json.loads(line.split(" ", 3)[3])
                own.setdefault(entry["name"], seconds(finished[1]))
    return own


def requeue(bench, host):
    """How soon kustomize-controller looks again at what waits for another."""
    path = "jsonpath={.spec.template.spec.containers[0].args}"
    args = bench.on(host, "k3s", "kubectl", "-n", "flux-system", "get", "deployment", "kustomize-controller", "-o", path)
    return seconds((re.findall(r"--requeue-dependency=([^\"\s,\]]+)", args) or [REQUEUE])[-1])


def components():
    """What each component of the kit needs, each after those it needs. The profiles `solo` and `ha` have the same ones."""
    shown = subprocess.run([SOVEREIGN, "kit", "show", "--kit", KIT, "--json"], capture_output=True, text=True, check=True)
    return {one["name"]: one.get("dependsOn", []) for one in json.loads(shown.stdout)["components"] if one.get("profile", "core") == "core"}


def longest_way(needs, own, again):
    """The longest way through what needs what, where each component takes its own time and each that waits for another `again` seconds
    more. Seconds, how many wait on that way, and the seconds that its components take themselves."""
    ways = {}
    for name, before in needs.items():
        seconds_before, waits, work = max((ways[one] for one in before), default=(0, -1, 0))
        ways[name] = (seconds_before + own[name] + (again if before else 0), waits + 1, work + own[name])
    return max(ways.values())


def time_of_run(key, steps, agents, began, ended):
    by = spent(steps, agents, began, ended)
    whose = {}
    for (_, who), value in by.items():
        whose[who] = whose.get(who, 0) + value
    net = whose.pop(OWN) + whose.get(LETTING_GO, 0)
    figure(f"{key}_net_seconds", net, "s", {"run": rounded(ended - began), **{who: rounded(value) for who, value in whose.items()}}, 10)
    for phase in PHASES:
        parts = {who: rounded(value) for (of, who), value in sorted(by.items()) if of == phase}
        figure(f"{key}_{phase}_seconds", float(sum(parts.values())), "s", parts)


def rounded(value):
    return round(value, 3)


def kit(bench, key, steps, names):
    needs = components()
    own = own_seconds(bench, names)
    missing = sorted(needs.keys() - own.keys())
    if missing:
        sys.exit(f"Flux never said that it had reconciled {', '.join(missing)}")
    again = requeue(bench, names[0])
    way, depth, work = longest_way(needs, own, again)
    ready = max(step.ended for name, step in steps.items() if name.startswith("k3s/"))
    done = {part: at for at, part, begun in steps["kit"].turns if not begun}
    whole = max(done[f"component {name}"] for name in needs) - ready
    against = {
        "seconds": rounded(whole), "depth x requeue + own": rounded(way), "depth": depth, "requeue": again, "own": rounded(work),
        "before Flux's tree": rounded(done["values and secrets"] - ready),
    }  # fmt: skip
    figure(f"{key}_ready_ratio", whole / way, "of depth x requeue + own, from k3s to every component proven", against)


def run_of(control, workers, packed):
    say(f"a Sovereign of {control}+{workers}, until it is handed off")
    key = f"sovereign_{control}_{workers}"
    with hosts("--share", f"{KUBERNETES}/share:/opt/test-kubernetes") as bench:
        bench.env.update(packed)
        spec = bench.spec(control, workers)
        with Watch(bench, "acme-prod-fsn-cp-1") as watch:
            began, ended, events = up(bench, spec)
        steps = steps_of(events)
        names = sorted(name.partition("/")[2] for name in steps if name.startswith("k3s/"))
        logs = {name: agents_log(bench, name) for name in names}
        time_of_run(key, steps, {name: log[0] for name, log in logs.items()}, began, ended)
        figure(f"{key}_longest_silence", longest_silence(events), "s", f"{len(events)} entries of the journal", 5)
        kit(bench, key, steps, names)
        for until in ("kit", "hand_off"):
            figure(f"{key}_agent_memory_{until}", watch.peak(UNITS[0], steps[until].ended), "MiB resident at most", None, 15)
        registries = [peaks(bench, name)[UNITS[1]] for name in names]
        figure(f"{key}_registry_memory", max(registries), "MiB resident at most", f"of {len(names)} registries that served the kit", 32)
        requests = logs[names[0]][1]
        figure(f"{key}_agent_requests_kit", requests["kit"], "requests", "of the cluster's API, from k3s to every component proven")
        figure(f"{key}_agent_requests_hand_off", requests["hand-off"] - requests["kit"], "requests", "of the cluster's API, from there to the hand-off")


def whole_way():
    with tempfile.TemporaryDirectory() as place:
        packed = pack(place)
        run_of(1, 0, packed)
        run_of(3, 2, packed)
