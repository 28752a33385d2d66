"""The figures of the node registry, beside nginx serving the same files with the same certificate."""

import json
import os
import re
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager

from figures import figure, resident, say

SERVE = os.path.abspath("target/x86_64-unknown-linux-musl/agent/examples/serve_blobs")
MIB = 1024 * 1024
TICK = os.sysconf("SC_CLK_TCK")
NGINX = """
daemon off; worker_processes 1; pid {place}/nginx.pid; error_log {place}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; keepalive_requests 100000;
    client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate {place}/server.pem; ssl_certificate_key {place}/server.key;
        ssl_protocols TLSv1.3; root {place}/layout;
    }}
}}
"""


def seconds_of(pid):
    """Processor time of a process so far."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def fetch(place, urls, ranged=None):
    """Seconds of fetching all URLs side by side, by curl."""
    began = time.monotonic()
    command = ["curl", "-sSf", "--cacert", f"{place}/ca.pem", "--http1.1", *(["-r", ranged] if ranged else [])]
    running = [subprocess.Popen([*command, "-o", "/dev/null", *urls_of_one]) for urls_of_one in urls]
    for one in running:
        if one.wait() != 0:
            raise SystemExit("curl failed")
    return time.monotonic() - began


@contextmanager
def ours(place, size, count):
    child = subprocess.Popen([SERVE, place, str(size), str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said = json.loads(child.stdout.readline())
    yield child.pid, said["address"], said["paths"]
    child.stdin.close()
    child.wait()


@contextmanager
def nginx(place):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    open(f"{place}/nginx.conf", "w").write("user root;" + NGINX.format(place=place, port=port))
    child = subprocess.Popen(["nginx", "-c", f"{place}/nginx.conf"])
    while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
        time.sleep(0.05)
    worker = int(subprocess.run(["pgrep", "-P", str(child.pid)], capture_output=True, text=True, check=True).stdout)
    yield worker, f"127.0.0.1:{port}"
    child.terminate()
    child.wait()


def one(place, pid, address, paths, readers):
    """MiB/s and processor seconds a GiB, with so many readers; the better of 3."""
    size = os.path.getsize(os.path.join(place, "layout/blobs/sha256", re.split("[:/]", paths[0])[-1]))
    urls = [["https://" + address + paths[n % len(paths)]] for n in range(readers)]
    runs = []
    for _ in range(3):
        before = seconds_of(pid)
        seconds = fetch(place, urls)
        total = readers * size / MIB
        runs.append((total / seconds, (seconds_of(pid) - before) / (total / 1024)))
    return max(run[0] for run in runs), min(run[1] for run in runs)


def node_registry():
    say("node registry beside nginx")
    with tempfile.TemporaryDirectory() as place, ours(place, 256 * MIB, 4) as (pid, address, paths), nginx(place) as (worker, other):
        files = ["/blobs/sha256/" + path.split(":")[-1] for path in paths]
        for readers in (1, 4):
            here, cost = one(place, pid, address, paths, readers)
            there, other_cost = one(place, worker, other, files, readers)
            figure(f"registry_{readers}_readers", here, "MiB/s", {"nginx": round(there, 1)})
            figure(f"registry_{readers}_readers_ratio", here / there, "of nginx", None, 1)
            figure(f"registry_{readers}_readers_cpu", cost, "s/GiB", {"nginx": round(other_cost, 3)})
        idle = resident(pid)
        # 200 readers of different parts.
        fetch(place, [["https://" + address + paths[n % len(paths)]] for n in range(200)], "0-8388607")
        fetch(place, [["https://" + other + files[n % len(files)]] for n in range(200)], "0-8388607")
        figure("registry_resident_4_readers", idle, "MiB", None, 32)
        figure("registry_resident_200_readers", resident(pid), "MiB", {"nginx": round(resident(worker), 1)}, 32)
