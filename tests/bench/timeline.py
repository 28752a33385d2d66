"""Where the time of a run went, by its journal: what was the installer's and the agents' own, and what was a wait for somebody else.

A moment is a wait if every step that is open then does nothing but wait. All other time is own: also between two steps, between a part
and the next one of the same step, and while a part has failed and is to be tried again.
"""

import re
from collections import Counter
from datetime import datetime

# A moment belongs to the first of these that has a step open.
PHASES = ("cloud", "boot", "hosts", "k3s", "kit", "hand_off")
PHASE_OF = {
    "enrol": "hosts", "host": "hosts",
    "join_token": "k3s", "registry_authority": "k3s", "registry": "k3s", "k3s": "k3s",
    "kit": "kit",
    "rotate_token": "hand_off", "token": "hand_off", "hand_off": "hand_off", "release": "hand_off", "let_go": "hand_off",
}  # fmt: skip
# Parts of a step in which nothing but somebody else is waited for.
WAITS = {
    "k3s": r"k3s runs|cluster dns|storage|nodes",
    "seeds": r"seed .*",
    "flux": r"tree|component .*|kit runs|source|steady|drift",
}
# Stages of a delegation that last as long as the parent's servers and caches take.
OF_THE_PARENT = re.compile(r"delegation/(unsign|point|drain|sign)/.*")
OWN = "own"
# The proof that the installer is let in no more: where hosts call, it is their silence for some seconds. Told beside, and counted as own.
LETTING_GO = "letting hosts go"


def moment(text):
    return datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*Z", lambda m: m[1].ljust(7, "0") + "+00:00", text)).timestamp()


def family(step):
    return step.partition("/")[0]


class Step:
    """When a step was open, and which of its parts were."""

    def __init__(self, name, began):
        self.name = name
        self.began = began
        self.ended = None
        self.turns = []

    def told(self, at, part, state):
        self.turns.append((at, part, state == "begun"))

    def is_open(self, at):
        return self.began <= at and (self.ended is None or at < self.ended)

    def parts(self, at):
        is_open = {part: begun for when, part, begun in self.turns if when <= at}
        return [part for part, begun in is_open.items() if begun]

    def waits_for(self, at, up):
        """Whom it waits for, or that it does not. `up` is when the agent of each host started."""
        if family(self.name) == "enrol":
            return "boot" if at < up[self.name.partition("/")[2]] else OWN
        if family(self.name) == "release":
            return LETTING_GO
        if OF_THE_PARENT.fullmatch(self.name):
            return "names"
        whom = [next((whom for whom, parts in WAITS.items() if re.fullmatch(parts, part)), OWN) for part in self.parts(at)]
        return OWN if not whom or OWN in whom else whom[0]

    def phase(self, at, up):
        if self.waits_for(at, up) == "boot":
            return "boot"
        return PHASE_OF.get(family(self.name), "cloud")


def steps_of(events):
    steps = {}
    for event in events:
        name, kind = event.get("step"), event["event"]
        if kind == "step_started":
            steps.setdefault(name, Step(name, moment(event["at"])))
        elif kind == "step_succeeded":
            # A step that is found done may never have begun.
            steps.setdefault(name, Step(name, moment(event["at"]))).ended = moment(event["at"])
        elif kind == "sub_step" and name in steps:
            steps[name].told(moment(event["at"]), event["name"], event["state"])
    return steps


def longest_silence(events):
    """Most seconds between two entries of the journal: for so long an operator may have read nothing new."""
    at = [moment(event["at"]) for event in events]
    return max(there - here for here, there in zip(at, at[1:]))


def spent(steps, up, began, ended):
    """Seconds by phase and by who had them, from `began` to `ended`."""
    edges = {began, ended, *up.values()}
    for step in steps.values():
        edges |= {step.began, step.ended or ended, *(at for at, _, _ in step.turns)}
    edges = sorted(edge for edge in edges if began <= edge <= ended)
    seconds, phase = Counter(), PHASES[0]
    for here, there in zip(edges, edges[1:]):
        at = (here + there) / 2
        now = [step for step in steps.values() if step.is_open(at)]
        # Between two steps it is still the phase before.
        phase = min((step.phase(at, up) for step in now), key=PHASES.index, default=phase)
        waits = [step.waits_for(at, up) for step in now]
        if not waits or OWN in waits:
            who = OWN
        else:
            who = next((whom for whom in ("boot", LETTING_GO, *WAITS, "names") if whom in waits), OWN)
        seconds[phase, who] += there - here
    return seconds
