#!/usr/bin/env python3
# Brings the agent from the installer and installs it; does nothing once that is done. cloud-init runs this at every
# boot, so a reboot half-way heals. Its lines go to console and journal through cloud-init's own unit. With `--late` it
# waits for cloud-init to be done, or to fail, and then does the same for as long as the ticket is good.
# Python 3.6 and its standard library: what every image with cloud-init has.
import fcntl
import hashlib
import http.client
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

ETC = "/etc/sovereign"
AGENT = "/usr/local/bin/sovereign-agent"
INSTALLED = "/etc/sovereign-agent/config.json"
LOCK = "/run/sovereign-agent.lock"
STAGES = ["cloud-init-local.service", "cloud-init.service", "cloud-config.service", "cloud-final.service"]
# Seconds: until this gives up, at first and with `--late`; that the installer may be mute; between two attempts at most.
DEADLINE = 600
LATE = 3600
MUTE = 5
PAUSE = 5


def say(text):
    print("sovereign: " + " ".join(text.split()), flush=True)


def sha256(path):
    seen = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 16), b""):
            seen.update(block)
    return seen.hexdigest()


# The file gets its name only once it is whole and right.
def download(url, digest):
    trust = ssl.create_default_context(cafile=ETC + "/ca.pem")
    part = AGENT + ".part"
    with urllib.request.urlopen(url, timeout=MUTE, context=trust) as answer, open(part, "wb") as file:
        for block in iter(lambda: answer.read(1 << 16), b""):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    if sha256(part) != digest:
        raise ValueError("what came is not the agent of the plan, its SHA-256 is " + sha256(part))
    os.chmod(part, 0o755)
    os.replace(part, AGENT)


def reason(error):
    if isinstance(error, urllib.error.HTTPError):
        return "the installer answered %s" % error.code
    cause = getattr(error, "reason", error)
    if isinstance(cause, ssl.SSLError) and getattr(cause, "verify_message", ""):
        return "its certificate is not to be trusted: " + cause.verify_message
    return str(cause) or type(cause).__name__


def fetch(url, digest, patience):
    if os.path.exists(AGENT) and sha256(AGENT) == digest:
        return True
    end = time.monotonic() + patience
    pause = 1
    while True:
        try:
            say("fetching the agent from " + url)
            download(url, digest)
            return True
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = reason(error)
        if time.monotonic() + pause > end:
            say("FAILED: no agent after %s s: %s" % (patience, why))
            say("let this host reach %s, or build it anew" % url)
            return False
        say("no agent yet: %s; again in %s s" % (why, pause))
        time.sleep(pause)
        pause = min(2 * pause, PAUSE)


def wait_for_cloud_init():
    show = ["systemctl", "show", "-p", "ActiveState", "--value", *STAGES]
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        states = subprocess.run(show, stdout=subprocess.PIPE, check=False).stdout.decode().split()
        if "failed" in states or states[-1:] == ["active"]:
            return
        time.sleep(1)


def main():
    patience = DEADLINE
    if "--late" in sys.argv:
        patience = LATE
        wait_for_cloud_init()
    # Both ways may come here at once; the second finds everything done.
    lock = open(LOCK, "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    if os.path.exists(INSTALLED):
        return 0
    with open(ETC + "/host.json") as file:
        host = json.load(file)
    if not fetch(host["url"].rstrip("/") + "/v1/agent/" + host["agent"], host["agent"], patience):
        return 1
    link = ["--node", host["node"], "--url", host["url"], "--ca", ETC + "/ca.pem"]
    code = subprocess.call([AGENT, "install", *link, "--ticket-file", ETC + "/ticket"], stdin=subprocess.DEVNULL)
    if code:
        say("FAILED: `sovereign-agent install` ended with %s; its own lines above say why" % code)
        return 1
    say("the agent is installed and calls " + host["url"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
