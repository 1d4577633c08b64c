"""What may go wrong, and how a seed chooses from it.

A plan is what is done to one sitting of a run. Three kinds:
  message  something happens while a certain message is on its way: to it, to a
           connection, or to a process, which is stopped or killed
  store    a certain system call of the coordinator on the run's files does not
           come back: it kills, or it fails, once or from then on
  disk     the run's file system is full, or read-only
"""

import dataclasses
import random

# Messages of a run, by direction; nth beyond what comes hits nothing.
POINTS = [("up", "HELLO"), ("down", "WELCOME"), ("down", "MODEL"),
          ("down", "TRAIN"), ("up", "TRAIN"), ("down", "COLLECT"),
          ("up", "COLLECT"), ("down", "SCORE"), ("up", "SCORE"),
          ("down", "CENTRAL"), ("up", "CENTRAL"), ("down", "LOCAL"),
          ("up", "LOCAL"), ("up", "HEARTBEAT"), ("down", "HEARTBEAT"),
          ("down", "BYE")]
# What happens then.
ACTS = ["kill client", "kill coordinator", "stop client", "stop coordinator",
        "kill launcher", "interrupt launcher", "drop", "twice", "swap",
        "delay", "flip header", "flip metadata", "flip tensor", "cut",
        "reset", "deaf"]
# System calls on the files of a run, and what becomes of them.
CALLS = ["pwrite64", "fdatasync", "ftruncate", "unlink", "openat", "rename",
         "fsync"]
# Also of files whose names are not known before.
EVERYWHERE = ["rename", "fsync"]
ERRORS = ["ENOSPC", "EIO", "EROFS"]


@dataclasses.dataclass
class Event:
    """At the nth message of this kind, counted over all peers."""
    direction: str
    what: str
    nth: int
    act: str
    amount: int  # milliseconds, or which byte

    def __str__(self):
        return f"{self.act} at {self.direction} {self.what} {self.nth}"


@dataclasses.dataclass
class Plan:
    kind: str = "peace"
    events: list = dataclasses.field(default_factory=list)
    inject: str = ""  # for strace
    disk_bytes: int = 0  # of the run's file system; 0: enough
    is_read_only: bool = False
    processes: int = 2

    def __str__(self):
        what = [str(event) for event in self.events]
        if self.inject:
            what.append(self.inject)
        if self.disk_bytes:
            what.append(f"a disk of {self.disk_bytes} bytes")
        if self.is_read_only:
            what.append("a disk that is read-only")
        return f"{self.processes} processes, {', '.join(what) or 'no fault'}"


def draw_event(rng, point=None, act=None):
    direction, what = point or rng.choice(POINTS)
    most = {"HELLO": 2, "WELCOME": 2, "BYE": 2, "CENTRAL": 2, "LOCAL": 6,
            "HEARTBEAT": 2, "MODEL": 6, "COLLECT": 6}
    act = act or rng.choice(ACTS)
    amount = rng.randrange(1 << 20)
    if act == "deaf":
        amount = rng.choice([100, 700, 4000])
    elif act == "delay":
        amount = rng.choice([1, 10, 100, 500])
    elif act.startswith("stop"):
        amount = rng.choice([20, 500, 4000])
    return Event(direction, what, rng.randint(1, most.get(what, 8)), act,
                 amount)


def draw_messages(rng, number):
    """Every act at every point comes up once in len(POINTS) * len(ACTS)."""
    which = number * 37 % (len(POINTS) * len(ACTS))  # coprime: all of them
    first = draw_event(rng, POINTS[which % len(POINTS)],
                       ACTS[which // len(POINTS)])
    more = [draw_event(rng) for _ in range(rng.choice([0, 0, 1, 3]))]
    return Plan("message", [first, *more], processes=rng.choice([1, 2, 2, 3]))


def draw_store(rng):
    call = rng.choice(CALLS + ["pwrite64"] * 6 + ["fdatasync"])
    most = {"pwrite64": 160, "fdatasync": 12, "openat": 8, "rename": 6,
            "fsync": 6, "ftruncate": 2}.get(call, 3)
    nth = rng.randint(1, most)
    if rng.random() < 0.5:
        inject = f"{call}:signal=SIGKILL:when={nth}"
    else:
        again = rng.choice(["", "+"])
        inject = f"{call}:error={rng.choice(ERRORS)}:when={nth}{again}"
    return Plan("store", inject=inject)


def draw_disk(rng):
    """Full at the first sitting, or after some of it read-only."""
    if rng.random() < 0.7:
        return [Plan("disk", disk_bytes=4096 * rng.randint(1, 130))]
    stopped = draw_event(rng, ("up", "TRAIN"), "interrupt launcher")
    return [Plan("disk", events=[stopped], disk_bytes=1 << 26),
            Plan("disk", is_read_only=True)]


def draw(seed):
    """The plans of the sittings of a schedule."""
    rng = random.Random(seed)
    slot = seed % 8
    if slot == 6:
        first = draw_store(rng)
    elif slot == 7 and seed % 16 == 7:
        return draw_disk(rng)
    elif slot == 7:
        first = draw_store(rng)
    else:
        first = draw_messages(rng, seed // 8 * 6 + slot)
    if rng.random() < 0.3:  # hurt again after it was resumed
        return [first, draw_messages(rng, rng.randrange(1000))]
    return [first]
