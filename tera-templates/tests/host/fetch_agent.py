"""Stories of the script that brings the agent. Arguments: the script, a folder with two authorities."""

import contextlib
import hashlib
import http.server
import importlib.machinery
import importlib.util
import io
import json
import os
import ssl
import sys
import tempfile
import threading
import time
import unittest

SCRIPT, CERTIFICATES = sys.argv.pop(1), sys.argv.pop(1)
# An agent that notes its arguments, and ends as the host's file says.
AGENT = b"""#!/bin/sh
here=$(dirname "$0")
echo "$@" >"$here/arguments"
exit "$(cat "$here/code" 2>/dev/null || echo 0)"
"""
DIGEST = hashlib.sha256(AGENT).hexdigest()


class Installer(http.server.BaseHTTPRequestHandler):
    """Serves the agent; `refusals` requests are answered with 503 before."""

    def do_GET(self):
        server = self.server
        server.asked.append(self.path)
        if server.refusals:
            server.refusals -= 1
            return self.send_error(503)
        self.send_response(200)
        self.send_header("Content-Length", str(len(server.agent) + server.missing))
        self.end_headers()
        self.wfile.write(server.agent)

    def log_message(self, *_):
        pass


class Stories(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.etc = folder.name
        loader = importlib.machinery.SourceFileLoader("fetch_agent", SCRIPT)
        self.script = importlib.util.module_from_spec(importlib.util.spec_from_loader("fetch_agent", loader))
        loader.exec_module(self.script)
        self.script.ETC = self.etc
        self.script.AGENT = self.etc + "/agent"
        self.script.INSTALLED = self.etc + "/config.json"
        self.script.LOCK = self.etc + "/lock"
        self.script.DEADLINE = 3
        self.script.PAUSE = 0.1
        self.script.MUTE = 0.5

    def listen(self, certificate="ours", agent=AGENT, missing=0, refusals=0):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Installer)
        server.agent, server.missing, server.refusals, server.asked = agent, missing, refusals, []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("%s/%s.pem" % (CERTIFICATES, certificate))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def run_script(self, port):
        host = {"node": "n'1", "url": "https://127.0.0.1:%s" % port, "agent": DIGEST}
        with open(self.etc + "/host.json", "w") as file:
            json.dump(host, file)
        with open(self.etc + "/ca.pem", "w") as file, open(CERTIFICATES + "/ours-ca.pem") as ours:
            file.write(ours.read())
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = self.script.main()
        for line in said.getvalue().splitlines():
            self.assertTrue(line.startswith("sovereign: "), line)
        return code, said.getvalue()

    def arguments(self):
        with open(self.etc + "/arguments") as file:
            return file.read().strip()

    def assert_nothing_installed(self):
        self.assertFalse(os.path.exists(self.etc + "/agent"))
        self.assertFalse(os.path.exists(self.etc + "/arguments"))

    def test_the_agent_is_fetched_and_installed(self):
        server = self.listen()
        code, said = self.run_script(server.server_port)
        self.assertEqual(code, 0, said)
        self.assertEqual(server.asked, ["/v1/agent/" + DIGEST])
        url = "https://127.0.0.1:%s" % server.server_port
        files = "--ca {0}/ca.pem --ticket-file {0}/ticket".format(self.etc)
        self.assertEqual(self.arguments(), "install --node n'1 --url %s %s" % (url, files))

    def test_an_installed_agent_is_left_alone(self):
        open(self.etc + "/config.json", "w").close()
        self.assertEqual(self.script.main(), 0)
        self.assert_nothing_installed()

    def test_an_agent_that_is_there_but_not_installed_is_not_fetched_again(self):
        server = self.listen()
        with open(self.etc + "/agent", "wb") as file:
            file.write(AGENT)
        os.chmod(self.etc + "/agent", 0o755)
        self.assertEqual(self.run_script(server.server_port)[0], 0)
        self.assertEqual(server.asked, [])
        self.assertTrue(self.arguments().startswith("install"))

    def test_a_busy_installer_is_asked_again(self):
        server = self.listen(refusals=1)
        code, said = self.run_script(server.server_port)
        self.assertEqual(code, 0, said)
        self.assertIn("the installer answered 503; again in 1 s", said)

    def test_behind_cloud_init_it_tries_for_as_long_as_the_ticket_is_good(self):
        self.assertEqual(self.script.LATE, 3600)
        self.script.DEADLINE, self.script.LATE = 0, 3
        self.script.wait_for_cloud_init = lambda: None
        server = self.listen(refusals=1)
        self.assertEqual(self.run_script(server.server_port)[0], 1)
        server.refusals = 1
        sys.argv.append("--late")
        self.addCleanup(sys.argv.pop)
        code, said = self.run_script(server.server_port)
        self.assertEqual(code, 0, said)
        self.assertIn("again in 1 s", said)

    def test_another_authority_is_not_trusted(self):
        self.script.DEADLINE = 0
        server = self.listen(certificate="theirs")
        code, said = self.run_script(server.server_port)
        self.assertEqual(code, 1)
        self.assertIn("its certificate is not to be trusted", said)
        self.assertEqual(server.asked, [])
        self.assert_nothing_installed()

    def test_another_file_is_not_installed(self):
        self.script.DEADLINE = 0
        for server in [self.listen(agent=AGENT + b"#"), self.listen(agent=AGENT[:-9], missing=9)]:
            code, said = self.run_script(server.server_port)
            self.assertEqual(code, 1)
            self.assertIn("is not the agent of the plan", said)
            self.assert_nothing_installed()

    def test_it_gives_up_in_time_and_says_why(self):
        begun = time.monotonic()
        code, said = self.run_script(1)
        self.assertEqual(code, 1)
        self.assertLess(time.monotonic() - begun, 10)
        self.assertIn("FAILED: no agent after 3 s", said)
        self.assertIn("Connection refused", said)
        self.assertIn("let this host reach https://127.0.0.1:1", said)

    def test_an_install_that_fails_is_told(self):
        server = self.listen()
        with open(self.etc + "/code", "w") as file:
            file.write("7")
        code, said = self.run_script(server.server_port)
        self.assertEqual(code, 1)
        self.assertIn("`sovereign-agent install` ended with 7", said)


if __name__ == "__main__":
    unittest.main()
