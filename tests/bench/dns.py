"""The figures of the delegation probe: what one check costs beside the least that there is to ask, and how many names a second."""

import json
import subprocess

from figures import figure, say

# cargo build --locked --release --package sovereign-dns --example probe_figures
PROBE = "target/release/examples/probe_figures"


def delegation_probe(names=1000):
    say(f"delegation probe: one zone, then {names} names")
    run = subprocess.run([PROBE, str(names)], stdout=subprocess.PIPE, text=True, check=True)
    for said in map(json.loads, run.stdout.splitlines()):
        if said["what"] == "zone":
            figure("dns_probe_zone", said["seconds"], "s")
            figure("dns_probe_zone_questions", said["questions"], "questions", {"least": said["least"]}, said["least"] + 1)
        else:
            pace = "" if said["pace"] == "default" else "_unpaced"
            figure(f"dns_probe_names{pace}", said["names"] / said["seconds"], "names/s")
            figure(f"dns_probe_names{pace}_healthy", said["healthy"], f"of {said['names']} names", None, said["names"])
            figure(f"dns_probe_names{pace}_questions", said["questions"] / said["names"], "questions a name")
