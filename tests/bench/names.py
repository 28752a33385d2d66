"""The figures of a domain's way to a Sovereign: requests of name servers' and registrars' APIs, and how soon a zone answers."""

import http.client
import json
import os
import re
import subprocess
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from figures import MINIMAL, SOVEREIGN, figure, say

# Registrars whose APIs can do everything; Cloudflare has the zone above.
VENDORS = ("cloudflare", "dynadot", "gandi", "godaddy", "ovh", "porkbun")
NAMESERVERS = "[ns1.operator.example, ns2.operator.example]"


class Counter:
    """Stands in front of a name server's API and counts what goes through."""

    def __init__(self, url):
        behind = urlsplit(url)
        self.seen = []
        counter = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def relay(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                counter.seen.append((self.command, self.path))
                there = http.client.HTTPConnection(behind.hostname, behind.port)
                there.request(self.command, self.path, body, dict(self.headers))
                answer = there.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                there.close()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = relay

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


class Names:
    """A lab with a domain at a registrar, and a counter before each name server's API."""

    def __init__(self, place, vendor):
        self.env = {**os.environ, "SOVEREIGN_STATE_DIR": place, "SOVEREIGN_UNTIL": "names", "SOVEREIGN_AGENT": "/bin/true"}
        up = ("lab", "up", "--api-only", "--dns", "--registrar", f"{vendor}:acme.example", "--detach")
        self.run(*up, "--listen", "127.0.0.1:0", "--create-seconds", "0.2")
        self.env.update(json.loads(self.run("lab", "env", "--json")))
        shown = self.registrar()
        self.name_servers = [Counter(self.env[name]) for name in ("PDNS_API_URL", "PDNS_API_URL_2")]
        keys = ("PDNS_API_KEY", "PDNS_API_KEY_2")
        servers = ", ".join(f'{{url: "{server.url}", key: {{env: {key}}}}}' for server, key in zip(self.name_servers, keys))
        domain = f"{{mode: registrar, name: acme.example, registrar: {shown['credential']}}}"
        if vendor == "cloudflare":
            domain = f"{{mode: childZone, name: prod.acme.example, parent: acme.example, host: {shown['credential']}}}"
        self.domain = "prod.acme.example" if vendor == "cloudflare" else "acme.example"
        text = MINIMAL.replace("domain:\n  mode: none", f"domain: {domain}\ndns: {{servers: [{servers}], nameservers: {NAMESERVERS}}}")
        self.spec = os.path.join(place, "acme.yaml")
        open(self.spec, "w").write(text.replace("      serverTypes: [cx33, cpx32]", "      serverTypes: [cx33]\n    loadBalancer: {types: [lb11]}"))

    def registrar(self):
        return json.loads(self.run("lab", "registrar", "show", "--json"))[0]

    def run(self, *args):
        return subprocess.run([SOVEREIGN, *args], env=self.env, stdout=subprocess.PIPE, text=True, check=True).stdout


def serial(address, port, zone):
    """What `dig` says a zone's start of authority is."""
    command = ["dig", f"@{address}", "-p", port, zone, "SOA", "+short", "+norecurse", "+tries=1", "+time=1"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.strip()


def create_to_answer(names, count=20):
    """Milliseconds from the request that makes a signed zone to the answer, on a server by itself: the least there is."""
    url, key = names.env["PDNS_API_URL"], names.env["PDNS_API_KEY"]
    address, port = names.env["SOVEREIGN_LAB_DNS"].rsplit(":", 1)
    times = []
    for number in range(count):
        zone = f"zone{number}.example."
        body = {"name": zone, "kind": "Native", "dnssec": True, "nameservers": ["ns1.operator.example."]}
        headers = {"X-API-Key": key, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{url}/api/v1/servers/localhost/zones", json.dumps(body).encode(), headers)
        began = time.monotonic()
        urllib.request.urlopen(request).read()
        while not serial(address, port, zone):
            pass
        times.append(time.monotonic() - began)
    return sorted(times)[count // 2]


def zone_seconds(lines):
    """From the begin to the end of the zone's step, by the journal: made and proven at every server."""
    moments = {}
    for event in lines:
        if (event.get("step") or "").startswith("zone"):
            seconds = re.match(r".*T(\d+):(\d+):([\d.]+)", event["at"])
            hours, minutes, rest = seconds.groups()
            moments.setdefault("first", int(hours) * 3600 + int(minutes) * 60 + float(rest))
            moments["last"] = int(hours) * 3600 + int(minutes) * 60 + float(rest)
    return moments["last"] - moments["first"]


def names():
    for vendor in VENDORS:
        say(f"a domain's way through {vendor}")
        with tempfile.TemporaryDirectory() as place:
            bench = Names(place, vendor)
            try:
                lines = [json.loads(line) for line in bench.run("up", bench.spec, "--yes", "--json").splitlines()]
                figure(f"registrar_{vendor}_requests", bench.registrar()["requests"], "requests", "snapshot to validated")
                if vendor == "gandi":
                    asked = sum(len(server.seen) for server in bench.name_servers)
                    figure("powerdns_requests", asked, "requests", "a Sovereign, two servers")
                    least = 2 * create_to_answer(bench)
                    figure("zone_create_to_answer", zone_seconds(lines), "s", {"least": round(least, 3)})
                    figure("zone_create_to_answer_ratio", zone_seconds(lines) / least, "times the least")
            finally:
                bench.run("lab", "down")
