"""The table is arithmetic, not opinion: every printed total is recomputed from
the ledger's rows with SQL, and from the scenario with a pencil formula.

Tolerance everywhere: 1e-9 relative. Both sides are sums of at most some
thousand doubles, which differ by the order of addition only (about 1e-13).
"""

import bisect
import collections
import csv
import datetime
import gzip
import io
import math
import os
import pathlib
import unittest

from support import SCENARIO, Case, changed

J_PER_KWH = 3.6e6
S_PER_YEAR = 365 * 86400

# Logistic regression on 28x28: weights 784 x 10, biases 10.
MACS, PARAMS = 784 * 10, 784 * 10 + 10
CLIENTS, COHORT, ROUNDS = 6, 3, 4
SAMPLES, TESTED = 200, 200  # per client; 10 writers of 20
EPOCHS = 2                  # centralized and local arm
BATCH, SCORE_BATCH = 20, 100
SOFTWARE_BYTES = 50000      # to each client, once
MODEL_BYTES = 4 * PARAMS
DATA_BYTES = SAMPLES * (28 * 28 + 1)  # pixels and a label each

Board = collections.namedtuple(
    "Board", "train_w idle_w flop_per_s down_bps up_bps rx_w tx_w router_w "
             "down_j_per_byte up_j_per_byte overhead_s memory_w "
             "embodied_kgco2e years share")
# The fleet of SCENARIO, and a second row, slower, so that some clients wait.
BOARDS = {"DE": Board(8, 2, 1e8, 50e6, 10e6, 1, 1.5, 7.5, 4e-8, 8e-8,
                      0.002, 0.5, 60, 4, 0.5),
          "PL": Board(5, 1.25, 3e7, 20e6, 4e6, 0.5, 0.75, 6, 1e-8, 3e-8,
                      0.005, 0.25, 40, 5, 0.25)}
SECOND_ROW = """\
  - device: slow_board
    share: 0.5
    zone: PL
    link: home_wifi
    train_w: 5
    idle_w: 1.25
    train_flop_per_s: 3e7
    step_overhead_s: 0.005
    memory_w: 0.25
    embodied_kgco2e: 40
    lifetime_years: 5
    use_share: 0.25
    down_bps: 20e6
    up_bps: 4e6
    rx_w: 0.5
    tx_w: 0.75
    router_w: 6
    access_down_j_per_byte: 1e-8
    access_up_j_per_byte: 3e-8
server:
"""
MIXED = changed(changed(changed(
    SCENARIO, "server:\n", SECOND_ROW),
    "  - device: board\n", "  - device: board\n    share: 0.5\n"),
    "DE: 400,", "DE: 400, PL: 700,")
INTENSITY = {"DE": 400.0, "PL": 700.0, "FR": 50.0}
CORE_J_PER_BYTE = 2e-6
SERVER = {"train_w": 200, "idle_w": 100, "flop_per_s": 1e11, "pue": 1.5,
          "overhead_s": 0, "memory_w": 30, "machines": 0.25,
          "embodied_kgco2e": 1300, "years": 5, "share": 0.8}
NODE = {"train_w": 400, "flop_per_s": 1e12, "pue": 1.25, "overhead_s": 1e-4,
        "memory_w": 20, "embodied_kgco2e": 450, "years": 6, "share": 0.75}
STORAGE_W_PER_BYTE, COPIES = 1e-9, 3
EMBODIED = ("client_embodied", "server_embodied", "central_embodied")

Sum = collections.Counter  # (component, zone) -> J; embodied: g


def train_s(samples, epochs, flop_per_s, overhead_s):
    """A multiply-accumulate is 2 operations; a backward pass costs two forward
    passes, so training costs three. Each batch has its overhead."""
    return (2 * 3 * MACS * samples * epochs / flop_per_s
            + math.ceil(samples / BATCH) * epochs * overhead_s)


def score_s(samples, flop_per_s, overhead_s):
    return (2 * MACS * samples / flop_per_s
            + math.ceil(samples / SCORE_BATCH) * overhead_s)


def embodied_g(t_s, kgco2e, years, share):
    return 1000 * kgco2e * t_s / (years * S_PER_YEAR * share)


def add_kept(total, zone, t_s):
    """What a client's board costs besides, whatever it does."""
    b = BOARDS[zone]
    total["client_memory", zone] += b.memory_w * t_s
    total["client_embodied", zone] += embodied_g(t_s, b.embodied_kgco2e,
                                                 b.years, b.share)


def add_transfer(total, zone, n_bytes, is_upload):
    """Joules of one transfer of a client; returns how long it takes."""
    b = BOARDS[zone]
    t_s = n_bytes * 8 / (b.up_bps if is_upload else b.down_bps)
    total["client_transfer", zone] += b.idle_w * t_s
    total["client_radio", zone] += (b.tx_w if is_upload else b.rx_w) * t_s
    total["access_router", zone] += b.router_w * t_s
    total["access_per_byte", zone] += n_bytes * (
        b.up_j_per_byte if is_upload else b.down_j_per_byte)
    total["core_network", zone] += CORE_J_PER_BYTE * n_bytes
    add_kept(total, zone, t_s)
    return t_s


def add_server(total, compute_s, wait_s):
    """A quarter of a machine."""
    n = SERVER["machines"]
    compute_j = n * SERVER["train_w"] * compute_s
    wait_j = n * SERVER["idle_w"] * wait_s
    memory_j = n * SERVER["memory_w"] * (compute_s + wait_s)
    total["server_compute", "FR"] += compute_j
    total["server_wait", "FR"] += wait_j
    total["server_memory", "FR"] += memory_j
    total["datacentre_overhead", "FR"] += (SERVER["pue"] - 1) * (
        compute_j + wait_j + memory_j)
    total["server_embodied", "FR"] += n * embodied_g(
        compute_s + wait_s, SERVER["embodied_kgco2e"], SERVER["years"],
        SERVER["share"])


def pencil_federated(zones, cohorts):
    """zones of all clients, who first download the software, and of each
    round's. (joules, simulated time)"""
    total = Sum()
    sim_time_s = max(add_transfer(total, zone, SOFTWARE_BYTES, False)
                     for zone in zones)
    add_server(total, 0, sim_time_s)
    for cohort in cohorts:
        done_s = []
        for zone in cohort:
            b = BOARDS[zone]
            busy_s = train_s(SAMPLES, 1, b.flop_per_s, b.overhead_s)
            total["client_compute", zone] += b.train_w * busy_s
            add_kept(total, zone, busy_s)
            done_s.append(add_transfer(total, zone, MODEL_BYTES, False)
                          + busy_s
                          + add_transfer(total, zone, MODEL_BYTES, True))
        for zone, t_s in zip(cohort, done_s):
            total["client_wait", zone] += BOARDS[zone].idle_w * (
                max(done_s) - t_s)
            add_kept(total, zone, max(done_s) - t_s)
        busy_s = (2 * PARAMS * len(cohort) / SERVER["flop_per_s"]
                  + score_s(TESTED, SERVER["flop_per_s"],
                            SERVER["overhead_s"]))
        add_server(total, busy_s, max(done_s))
        sim_time_s += max(done_s) + busy_s
    return total, sim_time_s


def pencil_centralized(zones):
    """zones: of all clients, who first send their data."""
    total = Sum()
    upload_s = max(add_transfer(total, zone, DATA_BYTES, True)
                   for zone in zones)
    busy_s = (train_s(SAMPLES * CLIENTS, EPOCHS, NODE["flop_per_s"],
                      NODE["overhead_s"])
              + EPOCHS * score_s(TESTED, NODE["flop_per_s"],
                                 NODE["overhead_s"]))
    total["central_compute", "FR"] = NODE["train_w"] * busy_s
    total["server_memory", "FR"] = NODE["memory_w"] * busy_s
    total["storage", "FR"] = (STORAGE_W_PER_BYTE * COPIES * DATA_BYTES * CLIENTS
                              * busy_s)
    total["datacentre_overhead", "FR"] = (NODE["pue"] - 1) * sum(
        total[name, "FR"] for name in ("central_compute", "server_memory",
                                       "storage"))
    total["central_embodied", "FR"] = embodied_g(
        busy_s, NODE["embodied_kgco2e"], NODE["years"], NODE["share"])
    return total, upload_s + busy_s


def pencil_local(zones):
    total, times_s = Sum(), []
    for zone in zones:
        b = BOARDS[zone]
        there_s = add_transfer(total, zone, SOFTWARE_BYTES, False)
        busy_s = train_s(SAMPLES, EPOCHS, b.flop_per_s, b.overhead_s)
        total["client_compute", zone] += b.train_w * busy_s
        add_kept(total, zone, busy_s)
        times_s.append(there_s + busy_s)
    return total, sum(times_s) / len(times_s)


def by_component(total):
    found = collections.Counter()
    for (component, _), energy_j in total.items():
        if energy_j > 0 and component not in EMBODIED:
            found[component] += energy_j
    return found


def embodied_of(total):
    return sum(g for (component, _), g in total.items()
               if component in EMBODIED)


class Pencil(Case):
    """The ledger and the summary against formulas over the scenario."""

    def setUp(self):
        super().setUp()
        self.run_dir = self.run_ok("run", scenario=MIXED)

    def cohorts(self):
        rows = self.sql(
            self.run_dir, "SELECT DISTINCT round, zone, entity FROM ledger_named "
            "WHERE arm = 'federated' AND component = 'client_compute' "
            "ORDER BY round")
        rounds = collections.defaultdict(list)
        for number, zone, _ in rows:
            rounds[number].append(zone)
        self.assertEqual(len(rounds), ROUNDS)
        for zones in rounds.values():
            self.assertEqual(len(zones), COHORT)
        return list(rounds.values())

    def zones(self):
        """Of all clients: the shares say 3 of each."""
        rows = self.sql(self.run_dir, "SELECT DISTINCT entity, zone "
                        "FROM ledger_named WHERE arm = 'local' AND component = 'client_compute'")
        self.assertEqual(collections.Counter(zone for _, zone in rows),
                         {"DE": CLIENTS // 2, "PL": CLIENTS // 2})
        return [zone for _, zone in rows]

    def test_every_component_of_every_arm_is_the_formula(self):
        zones = self.zones()
        cohorts = self.cohorts()
        self.assertIn(2, {len(set(c)) for c in cohorts},
                      "a mixed cohort, so that somebody waits")
        arms = self.arms(self.run_dir)
        for name, (total, sim_time_s) in (
                ("federated", pencil_federated(zones, cohorts)),
                ("centralized", pencil_centralized(zones)),
                ("local", pencil_local(zones))):
            with self.subTest(arm=name):
                self.compare(arms[name], total, sim_time_s)

    def compare(self, arm, total, sim_time_s):
        expected = by_component(total)
        found = {k: v for k, v in arm["energy_j_by_component"].items() if v}
        print(f"{arm['name']}:")
        for component, energy_j in sorted(expected.items()):
            print(f"  {component:<20} pencil {energy_j:.12g} J, "
                  f"found {found.get(component, 0):.12g} J")
        self.assertEqual(set(found), set(expected))
        for component, energy_j in expected.items():
            self.assert_near(found[component], energy_j, component)
        self.assert_near(arm["energy_j"], sum(expected.values()), "energy_j")
        gco2e = sum(energy_j / J_PER_KWH * INTENSITY[zone]
                    for (component, zone), energy_j in total.items()
                    if component not in EMBODIED)
        embodied_gco2e = embodied_of(total)
        self.assertGreater(embodied_gco2e, 0)
        self.assert_near(arm["embodied_gco2e"], embodied_gco2e,
                         "embodied_gco2e")
        self.assert_near(arm["emitted_gco2e"], gco2e + embodied_gco2e,
                         "emitted_gco2e")
        self.assert_near(arm["sim_time_s"], sim_time_s, "sim_time_s")

    def test_pue_touches_nothing_but_the_data_centre(self):
        with_2 = self.run_ok("pue2", "--set", "server.pue=2",
                             "--set", "centralized.pue=2", scenario=MIXED)
        for name, arm in self.arms(with_2).items():
            before = self.arms(self.run_dir)[name]["energy_j_by_component"]
            after = arm["energy_j_by_component"]
            for component, energy_j in before.items():
                if component != "datacentre_overhead":
                    self.assertEqual(after[component], energy_j, component)
            it_j = sum(after.get(c, 0) for c in
                       ("server_compute", "server_wait", "central_compute",
                        "server_memory", "storage"))
            self.assert_near(after.get("datacentre_overhead", 0), it_j, name)

    def test_carbon_is_proportional_to_intensity(self):
        double = self.run_ok(
            "double", "--set", "carbon.grid.zones={DE: 800, PL: 1400, FR: 100}",
            scenario=MIXED)
        for name, arm in self.arms(double).items():
            before = self.arms(self.run_dir)[name]
            self.assertEqual(arm["energy_j"], before["energy_j"])
            # what making the devices emitted is no matter of the grid
            self.assertEqual(arm["embodied_gco2e"], before["embodied_gco2e"])
            self.assert_near(
                arm["emitted_gco2e"] - arm["embodied_gco2e"],
                2 * (before["emitted_gco2e"] - before["embodied_gco2e"]), name)
            self.assertEqual(arm["model_sha256"], before["model_sha256"])


class Totals(Case):
    """summary.json, compare and rounds.csv against the ledger's rows."""

    def setUp(self):
        super().setUp()
        self.run_dir = self.run_ok("run", scenario=MIXED)

    def total(self, arm, what, where="1"):
        query = ("SELECT total({}) FROM ledger l JOIN arm a USING (arm) "
                 "JOIN component c USING (component) "
                 "JOIN phase p USING (phase) JOIN evidence e USING (evidence) "
                 "JOIN zone z USING (zone) WHERE a.name = ? AND {}")
        return self.sql(self.run_dir, query.format(what, where), arm)[0][0]

    def test_the_summary_is_sums_of_rows(self):
        for name, arm in self.arms(self.run_dir).items():
            with self.subTest(arm=name):
                for key in ("energy_j", "emitted_gco2e", "bytes"):
                    self.assert_near(arm[key], self.total(name, key), key)
                self.assert_near(
                    arm["assumed_share"] * arm["emitted_gco2e"],
                    self.total(name, "emitted_gco2e", "e.name = 'assumed'"),
                    "assumed_share")
                for split, column, key in (
                        ("energy_j_by_component", "c.name", "energy_j"),
                        ("emitted_gco2e_by_component", "c.name",
                         "emitted_gco2e"),
                        ("energy_j_by_group", "c.term_group", "energy_j"),
                        ("energy_j_by_phase", "p.name", "energy_j"),
                        ("emitted_gco2e_by_zone", "z.name", "emitted_gco2e")):
                    for part, value in arm[split].items():
                        self.assert_near(
                            value,
                            self.total(name, key, f"{column} = '{part}'"),
                            f"{split}.{part}")
                    self.assert_near(sum(arm[split].values()), arm[key], split)

    def test_one_transfer_is_counted_once_in_bytes(self):
        """A transfer becomes several rows; its bytes may count in one only."""
        self.assert_near(
            self.arms(self.run_dir)["federated"]["bytes"],
            2 * MODEL_BYTES * COHORT * ROUNDS + SOFTWARE_BYTES * CLIENTS,
            "federated bytes")
        self.assert_near(
            self.arms(self.run_dir)["centralized"]["bytes"],
            DATA_BYTES * CLIENTS, "centralized bytes")

    def test_every_number_of_compare_is_a_sum_of_rows(self):
        done = self.call("compare", self.run_dir, "--format", "csv")
        self.assertEqual(done.returncode, 0, done.stderr)
        table = {row["arm"]: row
                 for row in csv.DictReader(io.StringIO(done.stdout))}
        self.assertEqual(set(table), {"federated", "centralized", "local"})
        central_gco2e = self.total("centralized", "emitted_gco2e")
        for name, row in table.items():
            # The local arm's figures are means of its clients, all sampled.
            n = CLIENTS if name == "local" else 1
            emitted_gco2e = self.total(name, "emitted_gco2e")
            expected = {
                "bytes": self.total(name, "bytes") / n,
                "energy_kwh": self.total(name, "energy_j") / n / J_PER_KWH,
                "emitted_gco2e": emitted_gco2e / n,
                "assumed_ratio": self.total(
                    name, "emitted_gco2e", "e.name = 'assumed'")
                / emitted_gco2e,
                "wasted_ratio": self.total(
                    name, "emitted_gco2e", "l.wasted = 1") / emitted_gco2e,
                "x_centralized": emitted_gco2e / n / central_gco2e,
                "all_clients_kwh": self.total(name, "energy_j") / J_PER_KWH,
                "all_clients_gco2e": emitted_gco2e,
                "all_clients_x_centralized": emitted_gco2e / central_gco2e,
            }
            for group in ("client", "network", "server", "overhead"):
                expected[f"{group}_kwh"] = self.total(
                    name, "energy_j", f"c.term_group = '{group}'"
                ) / n / J_PER_KWH
            with self.subTest(arm=name):
                for column, value in expected.items():
                    self.assert_near(float(row[column] or 0), value, column)

    def test_rounds_csv_adds_up_to_the_summary(self):
        with open(self.run_dir / "rounds.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        arms = self.arms(self.run_dir)
        for name, arm in arms.items():
            mine = [row for row in rows if row["arm"] == name]
            self.assert_near(float(mine[-1]["cumulative_energy_kwh"]),
                             arm["energy_j"] / J_PER_KWH, name)
            self.assert_near(float(mine[-1]["cumulative_gco2e"]),
                             arm["emitted_gco2e"], name)

    def test_facts_are_those_that_the_presets_terms_ask_for(self):
        """A fact that no term asks for is not in the store; one that is off
        and asked for is."""
        text = changed(MIXED, "preset: full", "preset: fedzero2024")
        text = changed(text, "arms: [federated, centralized, local]",
                       "arms: [federated]")
        run = self.run_ok("fedzero", scenario=text)
        device = {"train_w", "idle_w", "train_flop_per_s", "step_overhead_s"}
        expected = {"carbon.grid.zones.DE", "carbon.grid.zones.PL",
                    "carbon.grid.zones.FR", "server.device.train_flop_per_s",
                    "server.device.step_overhead_s"}
        for i in range(2):
            expected |= {f"fleet.{i}.device.{name}" for name in device}
            expected |= {f"fleet.{i}.link.down_bps", f"fleet.{i}.link.up_bps"}
        self.assertEqual({row[0] for row in self.sql(
            run, "SELECT name FROM fact")}, expected)
        full = {row[0]: row[1] for row in self.sql(
            self.run_dir, "SELECT name, is_off FROM fact")}
        for name in ("fleet.0.device.embodied_kgco2e", "server.machines",
                     "fleet.1.link.router_w", "centralized.device.memory_w",
                     "carbon.storage_w_per_byte", "carbon.storage_copies",
                     "carbon.network_idle_share"):
            self.assertEqual(full[name], 0, name)
        self.assertEqual(full["server.device.step_overhead_s"], 1)
        for name in ("carbon.whole_network_j_per_byte",
                     "carbon.peer_j_per_byte", "centralized.device.idle_w"):
            self.assertEqual(name in full,
                             name == "centralized.device.idle_w", name)

    def test_every_format_of_compare_is_written(self):
        for kind in ("text", "csv", "md", "latex", "json"):
            with self.subTest(format=kind):
                done = self.call("compare", self.run_dir, "--format", kind)
                self.assertEqual(done.returncode, 0, done.stderr)
                for arm in ("federated", "centralized", "local"):
                    self.assertIn(arm, done.stdout)


class Trace:
    """An independent piecewise integral over an hourly trace, in seconds since
    the start of the run."""

    def __init__(self, path, zone, epoch_s):
        opened = (gzip.open if str(path).endswith(".gz") else open)(path, "rt")
        with opened as file:
            rows = list(csv.reader(file))
        column = rows[0].index(zone)
        self.start_s = [datetime.datetime.fromisoformat(
            row[0].replace("Z", "+00:00")).timestamp() - epoch_s
            for row in rows[1:]]
        self.value = [float(row[column]) for row in rows[1:]]

    def mean(self, t0_s, t1_s):
        i = bisect.bisect_right(self.start_s, t0_s) - 1
        if t1_s == t0_s:
            return self.value[i]
        area = 0.0
        while i < len(self.value) and self.start_s[i] < t1_s:
            begin = max(t0_s, self.start_s[i])
            end = min(t1_s, self.start_s[i] + 3600)
            area += self.value[i] * (end - begin)
            i += 1
        return area / (t1_s - t0_s)


class Hourly(Case):
    """Carbon by an hourly trace is the piecewise integral of every row."""

    START = "2022-06-01T05:30Z"

    def check(self, path):
        # So slow that a round takes about an hour and an entry spans several.
        text = changed(MIXED, "train_flop_per_s: 1e8", "train_flop_per_s: 2000")
        text = changed(text, "train_flop_per_s: 3e7", "train_flop_per_s: 700")
        text = changed(
            text,
            "grid: {kind: annual, zones: {DE: 400, PL: 700, FR: 50}}",
            f"grid: {{kind: hourly, trace: {path}}}\n"
            f"  start: {self.START}")
        run = self.run_ok("run", scenario=text)
        epoch_s = datetime.datetime.fromisoformat(
            self.START.replace("Z", "+00:00")).timestamp()
        traces = {zone: Trace(path, zone, epoch_s)
                  for zone in ("DE", "PL", "FR")}
        rows = self.sql(run, "SELECT zone, t0_s, t1_s, energy_j, emitted_gco2e "
                        "FROM ledger_named WHERE term_group <> 'embodied'")
        spans = 0
        for zone, t0_s, t1_s, energy_j, emitted_gco2e in rows:
            expected = energy_j / J_PER_KWH * traces[zone].mean(t0_s, t1_s)
            self.assert_near(emitted_gco2e, expected, f"{zone} {t0_s} {t1_s}")
            spans += t1_s - t0_s > 3600
        self.assertGreater(spans, 0, "some rows span several hours")
        for name, arm in self.arms(run).items():
            self.assertGreater(arm["emitted_gco2e"], 0, name)

    def test_a_made_trace(self):
        rows = ["datetime_utc,DE,PL,FR"]
        for hour in range(24 * 20):
            rows.append(f"2022-06-{1 + hour // 24:02}T{hour % 24:02}:00:00Z,"
                        f"{300 + 37 * (hour % 7)},{700 - 11 * (hour % 13)},"
                        f"{50 + hour % 5}.25")
        self.check(self.write("trace.csv", "\n".join(rows) + "\n"))

    @unittest.skipUnless("FEDCARBON_TEST_DATA" in os.environ,
                         "no $FEDCARBON_TEST_DATA with hourly traces")
    def test_a_real_trace(self):
        self.check(pathlib.Path(os.environ["FEDCARBON_TEST_DATA"])
                   / "b_em_hourly_ci_lca_2022_123zones.csv.gz")


if __name__ == "__main__":
    unittest.main()
