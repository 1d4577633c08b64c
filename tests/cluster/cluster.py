"""Virtual hosts and a real Slurm on one machine, for tests (standard library
only; needs root, network namespaces and the packages of mark [cluster]).

    with Cluster(nodes=4) as cluster:
        cluster.call("srun", "-N4", "hostname")
        cluster.kill_node(3)

Each host is a set of namespaces: network, host name, processes, mounts. The
host `ctl`, where people log in and slurmctld runs, also holds the bridge that
joins them. All of it hangs on processes that this one started: when they end,
and they end with this one, the kernel takes namespaces, links and mounts away.
So nothing is left behind, and since no name and no address is seen outside,
any number of clusters run side by side.

`cluster.shared` is a folder that every host sees; at `cluster.own` each host
sees one of its own.
"""

import contextlib
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from support import end_on_signals, start  # noqa: E402

PROGRAMS = ("slurmctld", "slurmd", "srun", "salloc", "sbatch", "munged",
            "unshare", "nsenter", "ip", "tc", "iptables", "mount")
START_WALL_S = 60.0
CONF = """\
ClusterName=virtual
SlurmctldHost=ctl(10.77.0.254)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={dir}/munge.socket,cred_expire=5
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool.%n
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd.%n.pid
SlurmctldLogFile={dir}/slurmctld.log
SlurmdLogFile={dir}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,bf_interval=1,batch_sched_delay=0
SlurmdParameters=config_overrides
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=10
TCPTimeout=2
MessageTimeout=5
InactiveLimit=0
KillWait=2
NodeName=node[1-{nodes}] NodeAddr=10.77.0.[1-{nodes}] CPUs=8 RealMemory=2000
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP LLN=YES
"""


def why_not():
    """Why there can be no cluster here, or None."""
    if os.geteuid() != 0:
        return "virtual hosts need root"
    missing = [p for p in PROGRAMS if not shutil.which(p)]
    if missing:
        return ("not installed: " + ", ".join(missing)
                + " (tools/cluster installs them)")
    tried = subprocess.run(
        ["unshare", "--net", "--uts", "--mount", "--pid", "--fork",
         "--mount-proc", "ip", "link", "add", "name", "br0", "type", "bridge"],
        capture_output=True, text=True)
    if tried.returncode != 0:
        return "no namespaces: " + tried.stderr.strip()
    return None


def child_of(pid):
    """The only child of a process; waits for it."""
    end_wall_s = time.monotonic() + START_WALL_S
    while time.monotonic() < end_wall_s:
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                stat = (entry / "stat").read_text()
                if int(stat.rpartition(")")[2].split()[1]) == pid:
                    return int(entry.name)
    raise AssertionError(f"process {pid} has no child")


class Host:
    """Namespaces that live as long as the process that holds them."""

    def __init__(self, name, command, has_pids):
        flags = ["--net", "--uts", "--mount"]
        if has_pids:
            flags += ["--pid", "--fork", "--kill-child", "--mount-proc"]
        self.name = name
        # Says when it is there, then waits for a line: its network is made
        # from outside meanwhile.
        script = (f"hostname {name} && mount --make-rprivate / && echo there "
                  f"&& read -r go && {command}")
        self.log = tempfile.TemporaryFile()
        self.outer = start(
            ["unshare", *flags, "sh", "-c", script], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.log)
        try:
            self.await_word("there")
        except BaseException:
            self.kill()
            raise
        self.pid = child_of(self.outer.pid) if has_pids else self.outer.pid

    def await_word(self, word):
        if not select.select([self.outer.stdout], [], [], START_WALL_S)[0]:
            raise AssertionError(f"{self.name}: no word in {START_WALL_S} s")
        said = self.outer.stdout.readline().decode().strip()
        if said != word:
            raise AssertionError(f"{self.name}: {said!r}, {self.said()}")

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def go(self):
        self.outer.stdin.write(b"go\n")
        self.outer.stdin.flush()

    def enter(self, *namespaces):
        return ["nsenter", *(f"--{n}=/proc/{self.pid}/ns/{n if n != 'mount' else 'mnt'}"
                             for n in namespaces)]

    def kill(self):
        """As if somebody pulled the plug: every process at once."""
        self.outer.kill()
        self.outer.wait()
        self.outer.stdin.close()
        self.outer.stdout.close()
        self.log.close()


class Cluster:
    def __init__(self, nodes=4, delay=None):
        self.n_nodes = nodes
        self.delay_program = delay  # of tests/cluster/delay.c
        self.nodes = {}  # number: Host
        self._daemons = []
        self._lines = []
        self.dir = None
        self.ctl = None

    # -- life ----------------------------------------------------------------

    def __enter__(self):
        end_on_signals()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="fedcarbon-cluster-"))
        self.dir.chmod(0o711)
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_):
        self._stop()

    def _start(self):
        self.shared = self.dir / "shared"
        self.own = self.dir / "own"
        for folder in ("shared", "own", "state"):
            (self.dir / folder).mkdir()
        (self.dir / "slurm.conf").write_text(
            CONF.format(dir=self.dir, nodes=self.n_nodes))
        (self.dir / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        hosts = ["127.0.0.1 localhost", "10.77.0.254 ctl"]
        hosts += [f"10.77.0.{i} node{i}" for i in self._numbers()]
        (self.dir / "hosts").write_text("\n".join(hosts) + "\n")
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("SLURM_", "OPENBLAS_"))}
        self.env["SLURM_CONF"] = str(self.dir / "slurm.conf")
        self._start_munge()
        self._start_ctl()
        for i in self._numbers():
            self._start_node(i)
        self._await_nodes()

    def _numbers(self):
        return range(1, self.n_nodes + 1)

    def _daemon(self, command, **options):
        log = open(self.dir / f"{len(self._daemons)}.out", "wb")
        with log:
            daemon = start(command, stdin=subprocess.DEVNULL, stdout=log,
                           stderr=log, env=self.env, **options)
        self._daemons.append(daemon)
        return daemon

    def _start_munge(self):
        key = self.dir / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self._daemon(["munged", "--foreground", "--force",
                      f"--socket={self.dir}/munge.socket",
                      f"--key-file={key}", f"--pid-file={self.dir}/munge.pid",
                      f"--seed-file={self.dir}/munge.seed",
                      f"--log-file={self.dir}/munge.log", "--num-threads=2"])
        self._wait(lambda: (self.dir / "munge.socket").exists(), "munged")

    def _mounts(self):
        return (f"mount --bind {self.dir}/hosts /etc/hosts && "
                f"mount -t tmpfs tmpfs {self.own}")

    def _start_ctl(self):
        # It holds the namespaces until its standard input ends.
        self.ctl = Host("ctl", f"{self._mounts()} && echo up && exec cat",
                        has_pids=False)
        for words in ("link set lo up", "link add br0 type bridge",
                      "addr add 10.77.0.254/24 dev br0", "link set br0 up"):
            self._run(*self.ctl.enter("net"), "ip", *words.split())
        self.ctl.go()
        self.ctl.await_word("up")
        self._daemon(self.at_ctl("slurmctld", "-D", "-f",
                                 self.dir / "slurm.conf"))

    def _start_node(self, i):
        (self.dir / f"spool.node{i}").mkdir(exist_ok=True)
        host = Host(f"node{i}", f"{self._mounts()} && export SLURM_CONF="
                    f"{self.dir}/slurm.conf && "
                    f"exec slurmd -D -N node{i} -f {self.dir}/slurm.conf",
                    has_pids=True)
        self.nodes[i] = host
        ctl = self.ctl.enter("net")
        self._run(*ctl, "ip", "link", "add", f"host{i}", "type", "veth",
                  "peer", "name", "eth0", "netns", str(host.pid))
        self._run(*ctl, "ip", "link", "set", f"host{i}", "master", "br0", "up")
        node = host.enter("net")
        for words in ("link set lo up", f"addr add 10.77.0.{i}/24 dev eth0",
                      "link set eth0 up"):
            self._run(*node, "ip", *words.split())
        host.go()

    def _await_nodes(self):
        def all_idle():
            said = self.call("sinfo", "-h", "-N", "-t", "idle", "-o", "%N",
                             check=False)
            return len(said.stdout.split()) == self.n_nodes
        self._wait(all_idle, "all nodes to be idle")

    def _stop(self):
        for process in self._lines + self._daemons:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
        for host in [*self.nodes.values(), self.ctl]:
            if host:
                host.kill()
        self.nodes = {}
        shutil.rmtree(self.dir, ignore_errors=True)

    def _wait(self, happened, what):
        end_wall_s = time.monotonic() + START_WALL_S
        while not happened():
            if time.monotonic() > end_wall_s:
                raise AssertionError(f"waited {START_WALL_S} s for {what}\n"
                                     + self.logs())
            time.sleep(0.02)

    def logs(self):
        """What the daemons said, for a failed test."""
        text = ""
        for path in sorted(self.dir.glob("*.log")) + sorted(
                self.dir.glob("*.out")):
            lines = path.read_text(errors="replace").splitlines()
            text += f"-- {path.name}\n" + "\n".join(lines[-40:]) + "\n"
        return text

    def _run(self, *command):
        done = subprocess.run(list(map(str, command)), capture_output=True,
                              text=True, env=getattr(self, "env", None))
        if done.returncode != 0:
            raise AssertionError(f"{command}: {done.stderr}")
        return done.stdout

    # -- programs ------------------------------------------------------------

    def at_ctl(self, *command):
        """The command, run on the host where people log in."""
        return [*self.ctl.enter("net", "uts", "mount"), *map(str, command)]

    def at_node(self, i, *command):
        """The command, run on a node, past Slurm."""
        return [*self.nodes[i].enter("net", "uts", "mount"),
                *map(str, command)]

    def call(self, *command, check=True):
        """A Slurm command, run to its end."""
        done = subprocess.run(self.at_ctl(*command), capture_output=True,
                              text=True, env=self.env, timeout=START_WALL_S)
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}\n{self.logs()}")
        return done

    # -- accidents -----------------------------------------------------------

    def kill_node(self, i):
        self.nodes.pop(i).kill()

    def unplug(self, i, is_plugged=False):
        """Takes a node's cable out, or puts it back."""
        self._run(*self.ctl.enter("net"), "ip", "link", "set", f"host{i}",
                  "up" if is_plugged else "down")

    def slow_down(self, i, rate, delay_ms, jitter_ms, loss_ratio):
        """A wide-area link for node i: half of the delay and all of the loss
        and the rate in either direction."""
        node, ctl = self.nodes[i].enter("net"), self.ctl.enter("net")
        shape = ["root", "tbf", "rate", rate, "burst", "64kb", "latency",
                 "300ms"]
        self._run(*node, "tc", "qdisc", "add", "dev", "eth0", *shape)
        self._run(*ctl, "tc", "qdisc", "add", "dev", f"host{i}", *shape)
        for queue, chain, device in ((1, "POSTROUTING", "-o"),
                                     (2, "INPUT", "-i")):
            line = start([*node, self.delay_program, queue, delay_ms / 2,
                          jitter_ms / 2], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
            self._lines.append(line)
            if line.stdout.readline() != b"ready\n":
                raise AssertionError("delay does not start")
            rule = [*node, "iptables", "-t", "mangle", "-A", chain, device,
                    "eth0"]
            if loss_ratio > 0:
                self._run(*rule, "-m", "statistic", "--mode", "random",
                          "--probability", str(loss_ratio), "-j", "DROP")
            self._run(*rule, "-j", "NFQUEUE", "--queue-num", str(queue))


if __name__ == "__main__":  # by hand: a shell on the cluster
    if why_not():
        sys.exit(why_not())
    with Cluster(delay=os.environ.get("FEDCARBON_DELAY")) as by_hand:
        print(f"folders: {by_hand.shared} (all hosts), {by_hand.own} (each "
              "its own); leave with ^D")
        subprocess.run(by_hand.at_ctl(*(sys.argv[1:] or ["bash"])),
                       env=by_hand.env)
