"""Figures of real runs, drawn by gnuplot: pictures of the right size in each
format, with the run's own numbers in them, and again the same from the script
that lies beside them; names that would like to be code."""

import csv
import re
import shutil
import struct
import unittest
import xml.etree.ElementTree

import support

CHARTS = ("accuracy_carbon", "accuracy_time", "energy_components",
          "carbon_time", "ratio_clients", "intervals", "interval_ratio")
UNITS = {"mgCO2e": 1e-3, "gCO2e": 1, "kgCO2e": 1e3, "mWh": 3.6, "Wh": 3.6e3,
         "kWh": 3.6e6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}
GNUPLOT = shutil.which("gnuplot")


def read_csv(path):
    """The rows of a figure's data, and the units of its axes."""
    lines = path.read_text().splitlines()
    units = {}
    for line in lines:
        match = re.match(r"# (x|y), low, high: .*\[(.*)\]$|# (x): .*\[(.*)\]$",
                         line)
        if match:
            units[match[1] or match[3]] = UNITS.get(match[2] or match[4])
    rows = list(csv.DictReader(line for line in lines
                               if line and not line.startswith("#")))
    return rows, units


class Figures(support.Case):

    def figures(self, *args):
        done = self.call("figures", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def gnuplot(self, folder, script):
        """What a user's own `gnuplot NAME.gp` says: nothing."""
        done = self.run_to_end([GNUPLOT, script], cwd=folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""), script)

    def check_pictures(self, folder, name, width_cm):
        svg = xml.etree.ElementTree.parse(folder / f"{name}.svg").getroot()
        self.assertTrue(svg.tag.endswith("svg"))
        # 96 pixels and 72 points are an inch; whole pixels.
        self.assertAlmostEqual(int(svg.get("width")), width_cm / 2.54 * 96,
                               delta=1)
        self.assertTrue(list(svg.iter("{http://www.w3.org/2000/svg}path")))
        png = (folder / f"{name}.png").read_bytes()
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", png[16:24])
        self.assertAlmostEqual(width, width_cm / 2.54 * 300, delta=1)
        self.assertAlmostEqual(int(svg.get("height")) / int(svg.get("width")),
                               height / width, delta=0.01)
        pdf = (folder / f"{name}.pdf").read_bytes()
        self.assertEqual(pdf[:5], b"%PDF-")
        box = re.search(rb"/MediaBox \[ ?0 0 ([0-9.]+) ([0-9.]+)", pdf)
        self.assertAlmostEqual(float(box[1]), width_cm / 2.54 * 72, delta=1.5)

    def texts(self, svg):
        root = xml.etree.ElementTree.parse(svg).getroot()
        return ["".join(node.itertext()).strip() for node in
                root.iter("{http://www.w3.org/2000/svg}text")]

    def check_numbers(self, run, folder):
        arms = self.arms(run)
        rows, units = read_csv(folder / "accuracy_carbon.csv")
        last = [row for row in rows if row["name"] == "federated"][-1]
        # Sums of the same rows in another order.
        self.assert_near(float(last["x"]) * units["x"],
                         arms["federated"]["within_boundary_gco2e"], "carbon")
        self.assert_near(float(last["y"]) / 100,
                         arms["federated"]["accuracy"], "accuracy")
        rows, units = read_csv(folder / "energy_components.csv")
        for row in rows:
            if not row["y"]:
                continue
            arm = arms[("centralized", "federated", "local")[int(row["x"])]]
            all_clients = arm["all_clients_energy_j"] / arm["energy_j"]
            self.assertAlmostEqual(
                float(row["y"]) * units["y"],
                arm["energy_j_by_group"].get(row["name"], 0) * all_clients,
                delta=1e-9 * arm["all_clients_energy_j"])
        rows, units = read_csv(folder / "intervals.csv")
        span = [row for row in rows if row["name"] == "federated"][0]
        self.assert_near(float(span["low"]) * units["y"],
                         arms["federated"]["within_boundary_p5_gco2e"], "5 %")
        self.assert_near(float(span["high"]) * units["y"],
                         arms["federated"]["within_boundary_p95_gco2e"],
                         "95 %")
        rows, units = read_csv(folder / "carbon_time.csv")
        grid = {float(row["y"]) for row in rows if row["name"] == "grid DE"}
        for intensity in grid:
            self.assert_near(intensity, 400, "intensity of DE")

    def test_every_chart_in_every_format(self):
        """Two client counts, so that every chart has something to show."""
        runs = [self.run_ok(f"clients-{n}", "--set", f"data.clients={n}",
                            "--set", f"carbon.boundary={boundary}")
                for n, boundary in ((6, "lifecycle"), (12, "dynamic"))]
        folder = self.dir / "both"
        done = self.figures(*runs, "-o", folder, "--width", "double")
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.splitlines(),
                         [f"{folder}/{name}: svg pdf png" for name in CHARTS])
        for name in CHARTS:
            self.check_pictures(folder, name, 17.5)
        self.assertIn("federated, clients 12",
                      self.texts(folder / "accuracy_carbon.svg"))
        self.figures(runs[1], "-o", self.dir / "dynamic", "--format", "svg")
        self.check_numbers(runs[1], self.dir / "dynamic")
        # One run, in its own folder; its script draws the same again.
        done = self.figures(runs[0], "--format", "svg,pdf,png")
        self.assertEqual(done.stderr, "ratio_clients: left out: no two client "
                         "counts among these runs\n")
        folder = runs[0] / "figures"
        self.check_numbers(runs[0], folder)
        for name in CHARTS:
            if name == "ratio_clients":
                self.assertFalse((folder / f"{name}.gp").exists())
                continue
            self.check_pictures(folder, name, 8.5)
            before = (folder / f"{name}.svg").read_bytes()
            (folder / f"{name}.svg").unlink()
            self.gnuplot(folder, f"{name}.gp")
            self.assertEqual((folder / f"{name}.svg").read_bytes(), before)

    def test_names_are_never_code(self):
        """Runs that are the same but for their folders are called by these."""
        bad = ["`touch x`", "a'b\"; system('touch x')", "{:=30 big}_a^b",
               "$(touch x) @m %s", "back\\slash #c", "two\nlines\\"]
        run = self.run_ok("first", "--set", "train.arms=federated")
        runs = [shutil.copytree(run, self.dir / name) for name in bad]
        folder = self.dir / "out"
        self.figures(*runs, "-o", folder, "--format", "svg")
        self.assertFalse((folder / "x").exists())
        self.assertFalse((self.dir / "x").exists())
        texts = self.texts(folder / "intervals.svg")
        for name in bad:
            self.assertIn(name.replace("\n", " "), texts)
        for script in folder.glob("*.gp"):
            self.gnuplot(folder, script.name)
        rows, _ = read_csv(folder / "accuracy_carbon.csv")
        labels = {row["label"].rsplit(": ", 1)[0] for row in rows}
        self.assertLessEqual({name.replace("\n", " ") for name in bad}, labels)

    def test_what_is_missing_is_said(self):
        run = self.run_ok("run", "--set", "train.arms=federated")
        done = self.call("figures", run, "--only", "acuracy_time")
        self.assert_refused(done, "acuracy_time", "accuracy_time?")
        self.assertEqual(done.returncode, 2)
        self.assert_refused(self.call("figures", run, "--format", "gif"),
                            "--format: found 'gif', allowed svg, pdf, png")
        self.assert_refused(self.call("figures", self.dir / "none"),
                            "none: there is no run")
        listed = self.call("figures", "--list").stdout
        self.assertEqual([line.split()[0] for line in listed.splitlines()],
                         list(CHARTS))
        # Two runs, of which one is none: said, and the other drawn.
        done = self.call("figures", run, self.dir / "none", "--only",
                         "accuracy_time", "-f", "svg")
        self.assert_refused(done, "none: there is no run")
        self.assertEqual(done.stderr.count("there is no run"), 1)
        self.assertTrue((self.dir / "figures/accuracy_time.svg").exists())

    def test_without_gnuplot_data_and_scripts_are_written(self):
        run = self.run_ok("run", "--set", "train.arms=federated")
        self.env["PATH"] = str(self.dir)
        done = self.call("figures", run, "--only", "accuracy_time")
        self.assert_refused(done, "apt-get install gnuplot-nox")
        self.assertTrue((run / "figures/accuracy_time.csv").exists())
        self.assertTrue((run / "figures/accuracy_time.gp").exists())


class FullDisk(support.Case):
    def test_a_picture_that_is_cut_off_is_no_success(self):
        run = self.run_ok("run")
        disk = self.dir / "disk"
        disk.mkdir()
        mounted = self.run_to_end(["mount", "-t", "tmpfs", "-o", "size=24k",
                                   "tmpfs", disk])
        if mounted.returncode != 0:
            self.skipTest("cannot mount a small disk here (needs root)")
        self.addCleanup(self.run_to_end, ["umount", disk])
        done = self.call("figures", run, "--only", "energy_components",
                         "--out", disk / "figures")  # gnuplot says nothing
        self.assert_refused(done, "energy_components.svg: gnuplot did not "
                            "write all of it")


if __name__ == "__main__":
    if not support.have("gnuplot"):
        support.skip_everything("no gnuplot: apt-get install gnuplot-nox")
    unittest.main()
