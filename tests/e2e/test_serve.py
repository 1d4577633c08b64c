"""fedcarbon serve: what it answers, to whom, and that a run does not notice."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import time
import unittest

import support

SCENARIO = support.SCENARIO
CHARTS = ["accuracy", "accuracy_carbon", "carbon", "clients", "power",
          "intensity"]


class Server:
    """A server on a free port of this machine, ended with the test."""

    def __init__(self, case, *args):
        self.process = support.start(
            case.command("serve", "--port", "0", *args), cwd=case.dir,
            env=case.env, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        case.addCleanup(self.end)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.stderr.read())
        url = line.split()[2]
        assert url.startswith("http://127.0.0.1:"), line
        self.port = int(url.rstrip("/").rpartition(":")[2])

    def ask(self, path, method="GET", **headers):
        """(status, headers, body)"""
        with contextlib.closing(http.client.HTTPConnection(
                "127.0.0.1", self.port,
                timeout=support.TIMEOUT_WALL_S)) as connection:
            connection.request(method, path, headers={
                name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def json(self, path):
        status, _, body = self.ask(path)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def state(self):
        return self.json("/state.json")["views"][0]

    def send(self, data):
        """What comes back for these bytes until the server ends it."""
        with socket.create_connection(
                ("127.0.0.1", self.port),
                timeout=support.TIMEOUT_WALL_S) as raw:
            with contextlib.suppress(ConnectionError):
                raw.sendall(data)
            got = b""
            with contextlib.suppress(ConnectionError):
                while piece := raw.recv(65536):
                    got += piece
            return got

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=support.TIMEOUT_WALL_S)
        return self.process.returncode, said

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Serve(support.Case):
    def finished(self):
        return self.run_ok("a")

    def test_every_page_is_there_and_looks_nowhere_else(self):
        server = Server(self, self.finished())
        types = {"/": "text/html", "/live.js": "text/javascript",
                 "/live.css": "text/css", "/page.css": "text/css",
                 "/charts.js": "text/javascript", "/icon.svg": "image/svg",
                 "/chart-library.js": "text/javascript",
                 "/licences.txt": "text/plain", "/metrics": "text/plain",
                 "/state.json": "application/json",
                 **{f"/charts/{name}.json": "application/json"
                    for name in CHARTS}}
        for path, kind in types.items():
            status, headers, body = server.ask(path)
            self.assertEqual(status, 200, path)
            self.assertTrue(headers["Content-Type"].startswith(kind), path)
            self.assertIn("default-src 'self'",
                          headers["Content-Security-Policy"])
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
            self.assertEqual(headers["Cache-Control"], "no-cache")
            self.assertGreater(len(body), 50, path)
        page = server.ask("/")[2].decode()
        self.assertNotIn("http://", page)
        self.assertNotIn("https://", page)

    def test_figures_are_those_of_the_run(self):
        run = self.finished()
        server = Server(self, run)
        view = server.state()
        self.assertEqual(view["state"], "finished")
        found = {arm["name"]: arm for arm in view["runs"][0]["arms"]}
        for name, arm in self.arms(run).items():
            n = 6 if name == "local" else 1  # the mean over the clients
            # Nine digits are sent.
            self.assert_near(found[name]["gco2e"] * n, arm["emitted_gco2e"],
                             name, rtol=1e-8)
            self.assert_near(found[name]["accuracy"], arm["accuracy"], name,
                             rtol=1e-8)
        self.assertEqual(found["federated"]["steps"], 4)
        chart = server.json("/charts/carbon.json")
        lines = {line["name"]: line["dots"] for line in chart["series"]}
        self.assertEqual(len(lines["federated"]), 4)
        metrics = server.ask("/metrics")[2].decode()
        self.assertIn("# TYPE fedcarbon_", metrics)

    def test_what_has_not_changed_is_not_sent_again(self):
        server = Server(self, self.finished())
        for path in ("/", "/state.json", "/charts/power.json"):
            status, headers, body = server.ask(path)
            tag = headers["ETag"]
            self.assertEqual(server.ask(path, If_None_Match=tag)[0::2],
                             (304, b""))
            self.assertEqual(
                server.ask(path, If_None_Match=f'"x", W/{tag}')[0], 304)
            self.assertEqual(server.ask(path, If_None_Match='"x"')[0::2],
                             (200, body))
            status, headers, none = server.ask(path, "HEAD")
            self.assertEqual((status, none), (200, b""))
            self.assertEqual(int(headers["Content-Length"]), len(body))
            self.assertEqual(headers["ETag"], tag)

    def test_only_reading_is_possible(self):
        server = Server(self, self.finished())
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE",
                       "FOO"):
            status, headers, _ = server.ask("/", method)
            self.assertEqual(status, 405, method)
            self.assertEqual(headers["Allow"], "GET, HEAD")
        self.assertEqual(server.ask("/")[0], 200)

    def test_no_path_leads_out(self):
        server = Server(self, self.finished())
        for path in ("/nothing", "/../run.sqlite", "/%2e%2e/etc/passwd",
                     "//etc/passwd", "/charts/", "/charts/../state.json",
                     "/charts/power.json/..", "/charts/%00.json",
                     "/charts/power.json%00", "/run.sqlite", "/state.json/",
                     "/charts/power.json?view=1", "/charts/power.json?run=-1",
                     "/charts/power.json?run=1", "/charts/power.json?view=x",
                     "/metrics?run=99999999999999999999", "/" + "a" * 3000):
            status, headers, body = server.ask(path)
            if path == "/charts/power.json%00":
                self.assertIn(status, (200, 404))  # cut at the zero, or not
                continue
            self.assertEqual(status, 404, path)
            self.assertTrue(headers["Content-Type"].startswith("text/plain"))
            self.assertNotIn(b"root:", body)

    def test_other_host_names_see_nothing(self):
        server = Server(self, self.finished(), "--host", "lab.example")
        ours = ["localhost", "LocalHost:1", "127.0.0.1", "127.0.0.1:8642",
                "[::1]:80", "192.168.0.7", "lab.example", "LAB.example:80"]
        others = ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io",
                  "evil.example:80", "[evil]", "localhost:x", "localhost:99999",
                  "lab.example.evil", "", "[::1", "127.0.0.1:80:80"]
        for host in ours:
            self.assertEqual(server.ask("/state.json", Host=host)[0], 200, host)
        for host in others:
            status, _, body = server.ask("/state.json", Host=host)
            self.assertIn(status, (400, 403), host)
            self.assertNotIn(b"views", body)
        self.assertNotIn(b"views",
                         server.send(b"GET /state.json HTTP/1.0\r\n\r\n"))

    def test_nonsense_ends_its_connection_alone(self):
        server = Server(self, self.finished())
        host = b"Host: localhost\r\n"
        for data in (b"\0" * 100 + b"\r\n\r\n", b"GET\r\n\r\n",
                     b"GET / HTTP/9.9\r\n" + host + b"\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * 100000
                     + b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + host
                     + b"".join(b"X%d: y\r\n" % i for i in range(20000))
                     + b"\r\n",
                     b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                     b"POST / HTTP/1.1\r\n" + host
                     + b"Content-Length: 99999999999999999999\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + host + b"Connection: close\r\n"
                     + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"):
            answer = server.send(data)
            self.assertFalse(answer.startswith(b"HTTP/1.1 200"), data[:60])
            self.assertEqual(server.ask("/state.json")[0], 200, data[:60])

    def test_many_connections_are_bounded(self):
        server = Server(self, self.finished())
        idle = [socket.create_connection(("127.0.0.1", server.port))
                for _ in range(40)]
        self.assertEqual(server.ask("/state.json")[0], 200)
        # More than it takes: those in the queue come in as others go.
        idle += [socket.create_connection(("127.0.0.1", server.port))
                 for _ in range(60)]
        for one in idle:
            one.close()
        self.assertEqual(server.ask("/state.json")[0], 200)
        with contextlib.closing(http.client.HTTPConnection(
                "127.0.0.1", server.port)) as kept:
            for _ in range(20):  # one connection serves many requests
                kept.request("GET", "/state.json")
                self.assertEqual(kept.getresponse().read()[:9], b'{"views":')

    def test_a_run_that_goes_on_is_followed_and_does_not_notice(self):
        text, expected = self.long_scenario(4)
        path = self.write("long.yaml", text)
        run = self.dir / "served"
        program = self.start("run", path, "--out", run, "--processes", "2")
        program.wait_for_commit(run)
        server = Server(self, run)
        states, steps = [], []
        deadline = time.monotonic() + support.TIMEOUT_WALL_S
        while not states or states[-1] == "running":
            self.assertLess(time.monotonic(), deadline)
            view = server.state()
            states.append(view["state"])
            steps += [arm["step"] for arm in view["runs"][0]["arms"]
                      if arm["name"] == "federated"]
        self.assertEqual((states[0], states[-1]), ("running", "finished"))
        self.assertEqual(steps, sorted(steps))
        self.assertGreater(len(set(steps)), 1)
        code, said = program.finish()
        self.assertEqual(code, 0, said)
        self.assertEqual(self.hashes(run), expected)

    def test_a_change_is_there_within_a_second(self):
        run = self.dir / "busy"
        path = self.write("busy.yaml", support.changed(SCENARIO, "rounds: 4",
                                                       "rounds: 1000000"))
        program = self.start("run", path, "--out", run, "--processes", "1")
        program.wait_for_commit(run)
        server = Server(self, run)

        def stored():
            return self.sql(run, "SELECT count(*) FROM round WHERE arm = 0")[0][0]

        for _ in range(2):
            before = stored()
            while (now := stored()) == before:
                pass
            committed = time.monotonic()
            while True:
                shown = {arm["name"]: arm["step"]
                         for arm in server.state()["runs"][0]["arms"]}
                if shown["federated"] >= now:
                    break
                # A loaded machine takes its time; a page that does not move
                # is found all the same.
                self.assertLess(time.monotonic() - committed, 20)

    def test_several_folders_and_a_sweep(self):
        run = self.finished()
        path = self.write("scenario.yaml", SCENARIO)
        out = self.dir / "sweep"
        done = self.call("sweep", path, "--vary", "train.local.lr=0.05,0.1",
                         "--out", out, "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        server = Server(self, run, out)
        one, many = server.json("/state.json")["views"]
        self.assertFalse(one["sweep"])
        self.assertTrue(many["sweep"])
        self.assertEqual(many["keys"], ["train.local.lr"])
        self.assertEqual([point["values"] for point in many["points"]],
                         [["0.05"], ["0.1"]])
        self.assertFalse(many["runs"][1]["detail"])
        first = server.json("/charts/carbon.json?view=1&run=1")
        deadline = time.monotonic() + support.TIMEOUT_WALL_S
        while not server.json("/state.json")["views"][1]["runs"][1]["detail"]:
            self.assertLess(time.monotonic(), deadline)
        chart = server.json("/charts/carbon.json?view=1&run=1")
        self.assertGreater(len(chart["series"]), len(first["series"]))
        self.assertEqual(server.ask("/metrics?view=1&run=1")[0], 200)

    def test_it_ends_when_asked_and_gives_the_port_back(self):
        run = self.finished()
        server = Server(self, run)
        taken = self.call("serve", run, "--port", server.port)
        self.assert_refused(taken, str(server.port), "in use")
        code, said = server.stop()
        self.assertEqual((code, said), (0, ""))
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", server.port))

    def test_what_is_wrong_is_said(self):
        run = self.finished()
        self.assert_refused(self.call("serve", self.dir / "no"), "run.sqlite")
        self.assert_refused(self.call("serve", run, "--address", "nowhere"),
                            "--address", "nowhere")
        self.assert_refused(self.call("serve", run, "--port", "70000"),
                            "--port", "65535")


if __name__ == "__main__":
    unittest.main()
