#!/usr/bin/env python3
"""Rules for the source tree that a compiler cannot see.

    tools/checksource.py [ROOT]        every rule over the tree at ROOT
    tools/checksource.py --rules       what the rules are

A finding is one line, path:line: RULE: text; any finding that is not a
warning makes the exit status 1. Where a rule is wrong for one line, the line
(or the line above it) says so and why:

    /* check: allow RULE: reason */

A waiver that names no rule or no reason, or that nothing needs, is a finding
itself. Rules about a whole file may be waived anywhere in the file.
"""

import argparse
import fnmatch
import pathlib
import re
import subprocess
import sys

from ctext import Source, is_mutable, split_at_depth_0

# Bottom to top. A folder includes itself and what stands on lower lines;
# folders on one line are siblings and never include each other.
LAYERS = [
    ("base",),
    ("nn", "carbon", "comms"),
    ("scenarios", "results"),
    ("coordinator", "client"),
    ("cli",),
]
RANK = {folder: i for i, row in enumerate(LAYERS) for folder in row}

# Third-party headers and the folders that may know them, with what is below.
FOREIGN = {
    "zmq*.h": ("comms",),
    "protobuf-c/*": ("comms", "results/exports"),
    "*.pb-c.h": ("comms", "results/exports"),  # what it generates
    "cblas.h": ("nn",),
    "openblas*.h": ("nn",),
    "lapack*.h": ("nn",),
    "sqlite3.h": ("results",),
    "jansson.h": ("nn", "results", "cli"),
    "hwloc*": ("base",),
    "libfyaml.h": ("base",),
    "sodium*": ("base", "comms"),
    "zlib.h": ("base", "results"),
    "Random123/*": ("base",),
    "microhttpd.h": ("cli",),
}

PARSE = "use base/parse.h: whole token, locale-proof, range-checked"
CLOCK = "the wall clock is read in base/clock.c only"
RANDOM = "use a struct fl_rng stream (base/rng.h)"
SLEEP = "wait for an event, never for time to pass"
MAIN = ("*main*.c", "tests/*")

# name: (files that may call it, what to do instead)
BANNED = {}
for _name in "sprintf vsprintf".split():
    BANNED[_name] = ((), "use snprintf and test for truncation")
for _name in "strcpy strcat strncpy strncat stpcpy".split():
    BANNED[_name] = ((), "use snprintf or memcpy with a known size")
BANNED["gets"] = ((), "use base/file.h")
for _name in "strtok strtok_r".split():
    BANNED[_name] = ((), "it writes its input; use strcspn and strspn")
for _name in ("atoi atol atoll atof strtol strtoul strtoll strtoull strtoimax "
              "strtoumax strtod strtof strtold scanf fscanf sscanf vsscanf"
              ).split():
    BANNED[_name] = ((), PARSE)
for _name in ("rand srand rand_r random srandom drand48 lrand48 mrand48 "
              "srand48 getrandom").split():
    BANNED[_name] = ((), RANDOM)
for _name in ("time clock clock_gettime gettimeofday timespec_get "
              "localtime localtime_r ftime").split():
    BANNED[_name] = (("base/clock.c",), CLOCK)
for _name in "sleep usleep clock_nanosleep".split():
    BANNED[_name] = ((), SLEEP)
# Tests kill processes at any moment, which is a matter of time.
BANNED["nanosleep"] = (("tests/*",), SLEEP)
BANNED["system"] = ((), "start programs with posix_spawn and an argument list")
BANNED["alloca"] = ((), "take room from an arena (base/arena.h)")
for _name in "getenv secure_getenv setenv putenv unsetenv".split():
    BANNED[_name] = (("cli/*main*.c", "tests/*", "bench/*"),
                     "the environment is read in cli/*main*.c and handed down")
for _name in "exit abort quick_exit _exit _Exit".split():
    BANNED[_name] = (MAIN, "return an error (base/status.h)")

RAW_ALLOCATION = frozenset(
    "malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf "
    "aligned_alloc posix_memalign memalign valloc mmap munmap".split())

UNITS = ("s wall_s cpu_s j w wh kwh j_per_kwh bytes bps hz flop flop_per_s "
         "gco2e kgco2e gco2e_per_kwh j_per_byte w_per_byte bytes_per_s years "
         "volt farad mm2 nm kwh_per_cm2 gco2e_per_cm2 "
         "ratio").split()
# Quantities without a unit. A name passes when it is one of these or ends
# with "_" and one of these.
DIMENSIONLESS = {
    "accuracy": "correct answers / answers",
    "copies": "copies kept of the same data",
    "count": "machines side by side",
    "requests": "that a served model answers",
    "replicas": "servers kept ready",
    "machines": "of one kind that an activity keeps",
    "scale": "how many times over",
    "low": "of a spread: the unit of what it describes",
    "high": "of a spread: the unit of what it describes",
    "mode": "of a spread: the unit of what it describes",
    "mean": "of a spread: the unit of what it describes",
    "median": "of a spread: the unit of what it describes",
    "sd": "of a spread: the unit of what it describes",
    "p5": "of a spread: the unit of what it describes",
    "p50": "of a spread: the unit of what it describes",
    "p95": "of a spread: the unit of what it describes",
    "nominal": "of a spread: the unit of what it describes",
    "gsd": "geometric standard deviation, a factor",
    "first": "first-order share of a variance",
    "total": "total-order share of a variance",
    "loss": "mean cross-entropy, nats",
    "loss_sum": "cross-entropy summed over samples, nats",
    "pue": "facility energy / IT energy",
    "value": "member of a fact: the unit is in the name of its holder",
    "fact": "parameter that is any fact, given beside its unit",
    "lr": "step size of SGD",
    "momentum": "of SGD",
    "weight_decay": "of SGD",
    "mu": "FedProx's proximal weight",
    "alpha": "concentration of a Dirichlet distribution",
    "share": "0..1 of a whole",
    "weight": "of a mean",
    "se": "of a mean: the unit of what it describes",
    "x": "of a dot in a chart: the unit of its axis",
    "y": "of a dot in a chart: the unit of its axis",
}

C_WARN_LINES, C_MAX_LINES, H_MAX_LINES = 600, 1000, 300
FUNCTION_WARN_LINES = 60

FILE_RULES = {"LONGFILE", "UNIQUENAME", "GUARD"}
RULES = {
    "LAYER": "includes point down; siblings and private headers stay apart; "
             "third-party headers stay in their layer",
    "BANNEDFUNC": "functions (and errno) that have a safer or testable "
                  "counterpart in base/",
    "RAWALLOC": "heap and mappings only through base/",
    "NOUNIT": "doubles and facts in public headers of carbon/, results/ and "
              "scenarios/ name their unit",
    "LONGFILE": f".c over {C_MAX_LINES} lines (warning over {C_WARN_LINES}), "
                f".h over {H_MAX_LINES}",
    "LONGFUNC": f"warning: a function over {FUNCTION_WARN_LINES} lines",
    "HEADERBLOCK": "a header opens with a comment; public prototypes carry one "
                   "(accessors of a const object, _destroy and _fini may not)",
    "STATICSTATE": "no mutable variable with static storage",
    "UNIQUENAME": "no two .c or two .h files of one name",
    "LOCALPATH": "no path of one person's or one machine's folders",
    "GUARD": "an include guard PATH_NAME_H",
    "WAIVER": "waivers name a rule and a reason, and are needed",
}


class Finding:
    def __init__(self, path, line, rule, text, is_warning=False):
        self.path = path
        self.line = line
        self.rule = rule
        self.text = text
        self.is_warning = is_warning

    def __str__(self):
        kind = "warning: " if self.is_warning else ""
        return f"{self.path}:{self.line}: {kind}{self.rule}: {self.text}"


def folder_of(path):
    """The layer that a file belongs to, or whose tests it belongs to."""
    parts = path.split("/")
    if parts[0] == "tests" and len(parts) > 2:
        return parts[1]
    return parts[0]


def is_test(path):
    return path.split("/")[0] in ("tests", "bench", "examples")


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, p) for p in patterns)


def is_public_header(path):
    return (path.endswith(".h") and not path.endswith("_priv.h")
            and not is_test(path))


def check_layer(source, tree):
    folder = folder_of(source.path)
    rank = RANK.get(folder)
    for number, line in enumerate(source.lines, 1):
        code = source.code_lines[number - 1]
        if not re.match(r"\s*#\s*include\b", code):
            continue
        match = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
        if not match:
            continue
        quote, name = match.groups()
        problem = (foreign_problem(source.path, folder, name)
                   if quote == "<" or name.endswith(".pb-c.h") else None)
        if quote != "<" and not problem:
            problem = own_problem(source.path, folder, rank, name, tree)
        if problem:
            yield Finding(source.path, number, "LAYER", problem)


def foreign_problem(path, folder, name):
    for pattern, folders in FOREIGN.items():
        if fnmatch.fnmatchcase(name, pattern) and not any(
                path.startswith(f + "/") for f in folders):
            if is_test(path):  # what a test needs to make its input
                return None
            return (f"<{name}> in {folder}/, allowed in "
                    + ", ".join(f + "/" for f in folders))
    return None


def own_problem(path, folder, rank, name, tree):
    target = name.split("/")[0]
    if "/" not in name:
        if is_test(path):  # a fixture beside its tests
            return None
        beside = path.rsplit("/", 1)[0] + "/" + name
        return (f'"{name}", allowed "{beside}" (paths are from the root)'
                if beside in tree else None)
    if target not in RANK:
        if target == "support" and path.startswith("tests/"):
            return None
        return None if is_test(path) else (
            f'"{name}" is not in a layer')
    if name.endswith("_priv.h") and target != folder \
            and not path.startswith(("tests/fuzz/", "tests/chaos/")):
        return (f'"{name}" is private to {target}/ and its tests')
    if is_test(path) or target == folder:
        return None
    if rank is None:
        return f"{folder}/ is not a layer"
    if RANK[target] == rank:
        return f'"{name}": {folder}/ and {target}/ are siblings'
    if RANK[target] > rank:
        return f'"{name}": {folder}/ is below {target}/'
    return None


def calls(source):
    """(name, offset) of every call by plain name, not of members."""
    for match in re.finditer(r"\b([A-Za-z_]\w*)\s*\(", source.code):
        before = source.code[:match.start()].rstrip()[-2:]
        if before.endswith(".") or before == "->":
            continue
        yield match.group(1), match.start()


def check_banned(source, _tree):
    for name, offset in calls(source):
        allowed, instead = BANNED.get(name, ((), None))
        if instead and not matches(source.path, allowed):
            yield Finding(source.path, source.line_of(offset), "BANNEDFUNC",
                          f"{name}: {instead}")
    if folder_of(source.path) in ("base", "cli") or is_test(source.path):
        return  # cli/ starts and watches processes: EINTR and the like
    for match in re.finditer(r"\berrno\b", source.plain):
        yield Finding(source.path, source.line_of(match.start()), "BANNEDFUNC",
                      "errno: base/ reads it (fl_fail_errno)")


def check_raw_allocation(source, _tree):
    if folder_of(source.path) == "base":
        return
    for name, offset in calls(source):
        if name in RAW_ALLOCATION:
            yield Finding(source.path, source.line_of(offset), "RAWALLOC",
                          f"{name}: use base/alloc.h, base/arena.h or "
                          "base/file.h")


def has_unit(name):
    return (any(name == u or name.endswith("_" + u) for u in UNITS)
            or any(name == d or name.endswith("_" + d) for d in DIMENSIONLESS))


def check_unit(source, _tree):
    if folder_of(source.path) not in ("carbon", "results", "scenarios") \
            or not is_public_header(source.path):
        return
    declarator = r"(?:\**\s*(?:const\s+)?)*([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*"
    types = re.compile(r"\b(?:double|float|struct\s+(?:carbon|fl)_fact)\b\s*")
    for match in types.finditer(source.plain):
        at = match.end()
        while True:
            name = re.compile(declarator + r"(?=[,;)=(:])").match(
                source.plain, at)
            if not name:
                break
            if not has_unit(name.group(1)):
                yield Finding(
                    source.path, source.line_of(name.start(1)), "NOUNIT",
                    f"{name.group(1)}: no unit in the name, allowed endings: "
                    + " ".join("_" + u for u in UNITS)
                    + "; without unit: " + " ".join(DIMENSIONLESS))
            if source.plain[name.end()] != ",":
                break
            at = re.compile(r",\s*").match(source.plain, name.end()).end()


def check_length(source, _tree):
    count = source.text.count("\n")
    if source.path.endswith(".h"):
        if count > H_MAX_LINES:
            yield Finding(source.path, 1, "LONGFILE",
                          f"{count} lines, allowed {H_MAX_LINES}")
    elif count > C_MAX_LINES:
        yield Finding(source.path, 1, "LONGFILE",
                      f"{count} lines, allowed {C_MAX_LINES}")
    elif count > C_WARN_LINES:
        yield Finding(source.path, 1, "LONGFILE",
                      f"{count} lines, aim for {C_WARN_LINES} at most", True)


def check_function_length(source, _tree):
    for offset, text in split_at_depth_0(source.plain):
        if not text.endswith("}"):
            continue
        lead = len(text) - len(text.lstrip())
        count = text.count("\n", lead) + 1
        if count > FUNCTION_WARN_LINES:
            yield Finding(source.path, source.line_of(offset + lead),
                          "LONGFUNC", f"a function of {count} lines, aim for "
                          f"{FUNCTION_WARN_LINES} at most", True)


def check_header_block(source, _tree):
    if not source.path.endswith(".h"):
        return
    if not source.text.lstrip().startswith("/*"):
        yield Finding(source.path, 1, "HEADERBLOCK",
                      "the header does not open with a comment")
    if not is_public_header(source.path):
        return
    commented = set()
    for comment in source.comments:
        commented.update(range(comment.first, comment.last + 1))
    for offset, text in split_at_depth_0(source.plain):
        if "(" not in text or "{" in text or re.match(
                r"\s*(typedef|_Static_assert)\b", text):
            continue
        lead = len(text) - len(text.lstrip())
        first = source.line_of(offset + lead)
        last = source.line_of(offset + len(text) - 1)
        if is_self_explaining(text):
            continue
        above = first
        while above > 1 and source.lines[above - 2].strip():
            above -= 1
        if not commented.intersection(range(above, last + 1)):
            name = re.search(r"(\w+)\s*\(", text).group(1)
            yield Finding(source.path, first, "HEADERBLOCK",
                          f"{name}: no comment above it")


def is_self_explaining(prototype):
    """An accessor of a const object, or the end of an object's life."""
    name, first = re.search(r"(\w+)\s*\(\s*([^,)]*)", prototype).groups()
    if name.endswith(("_destroy", "_fini")):
        return True
    return (not re.match(r"\s*enum\s+fl_status\b", prototype)
            and re.match(r"const\s+struct\b", first) is not None)


def check_static_state(source, _tree):
    if is_test(source.path):
        return
    # `typedef const double row[3]` makes constants of its name.
    const_types = set(re.findall(
        r"\btypedef\s+const\b[^;{*]*?(\w+)\s*(?:\[[^\]]*\]\s*)*;",
        source.plain))
    for offset, text in split_at_depth_0(source.plain):
        lead = len(text) - len(text.lstrip())
        words = re.findall(r"\w+", declaration_of(text))
        if is_variable(text) and is_mutable(declaration_of(text)) \
                and not const_types.intersection(words[:-1]):
            yield Finding(source.path, source.line_of(offset + lead),
                          "STATICSTATE",
                          "mutable variable at file scope: "
                          + " ".join(declaration_of(text).split()))
        if not text.endswith("}"):
            continue
        body = text.find("{")
        for match in re.finditer(r"\b(static|_Thread_local)\b[^;={]*",
                                 text[body:]):
            if is_mutable(match.group()):
                yield Finding(source.path,
                              source.line_of(offset + body + match.start()),
                              "STATICSTATE", "mutable static variable: "
                              + " ".join(match.group().split()))


def declaration_of(text):
    """Type and name, without members and value."""
    while "{" in text:
        shorter = re.sub(r"\{[^{}]*\}", " ", text)
        if shorter == text:
            break
        text = shorter
    return text.split("=")[0].rstrip(" \n;")


def is_variable(text):
    """Whether a declaration at file scope defines an object."""
    text = text.strip()
    if text.endswith("}") or re.match(
            r"(typedef|extern|_Static_assert)\b", text):
        return False
    head = declaration_of(text)
    if "(" in head:  # a prototype, or a pointer to a function
        first = head[head.index("("):]
        return bool(re.match(r"\(\s*\*[\s\w]*(\[[^\]]*\]\s*)*\)", first))
    if re.match(r"(static\s+|const\s+)*(struct|union|enum)\b", head):
        head = re.sub(r"\b(struct|union|enum)\s+(\w+\s*)?", "type ", head,
                      count=1)
    return len(re.findall(r"\w+", re.sub(r"\[[^\]]*\]", " ", head))) > 1


def check_guard(source, _tree):
    if not source.path.endswith(".h"):
        return
    path = source.path
    if is_test(path):  # not seen by other folders: the name is enough
        path = path.rsplit("/", 1)[-1]
    wanted = re.sub(r"\W", "_", path).upper()
    match = re.match(r"\s*#\s*ifndef\s+(\w+)\s*\n\s*#\s*define\s+(\w+)\s*\n",
                     source.code)
    if not match or match.group(1) != match.group(2):
        yield Finding(source.path, 1, "GUARD",
                      f"no include guard, expected {wanted}")
    elif match.group(1) != wanted and not (
            is_test(source.path) and match.group(1).endswith("_" + wanted)):
        yield Finding(source.path, 1, "GUARD",
                      f"guard {match.group(1)}, expected {wanted}")


C_RULES = [check_layer, check_banned, check_raw_allocation, check_unit,
           check_length, check_function_length, check_header_block,
           check_static_state, check_guard]


def check_unique_names(paths):
    first = {}
    for path in paths:
        name = path.rsplit("/", 1)[-1]
        if name in first:
            yield Finding(path, 1, "UNIQUENAME",
                          f"{name} is also {first[name]}")
        first.setdefault(name, path)


LOCAL_PATH = re.compile(r"(?<![\w.~}/\-])/(?:work|home|root|Users)/[\w.]")


def check_local_paths(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        match = LOCAL_PATH.search(line)
        if match:
            yield Finding(path, number, "LOCALPATH",
                          f"a path of one machine: {line[match.start():][:40]}")


def apply_waivers(source, findings):
    """Findings that no waiver covers, then what is wrong with the waivers."""
    for finding in findings:
        covering = [w for w in source.waivers
                    if w.rule == finding.rule and w.reason
                    and (w.covers == finding.line or w.rule in FILE_RULES)]
        for waiver in covering:
            waiver.is_used = True
        if not covering:
            yield finding
    for waiver in source.waivers:
        if waiver.rule not in RULES or waiver.rule == "WAIVER":
            text = f"no rule {waiver.rule}, allowed: {' '.join(RULES)}"
        elif not waiver.reason:
            text = f"{waiver.rule} waived without a reason"
        elif not waiver.is_used:
            text = f"{waiver.rule} is waived, but nothing here breaks it"
        else:
            continue
        yield Finding(source.path, waiver.line, "WAIVER", text)


def git_files(root, *options):
    """Paths that git lists, or None where there is no git or no repository."""
    if not (root / ".git").exists():
        return None
    try:
        listing = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", *options],
            capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    names = sorted(set(listing.decode().split("\0")) - {""})
    return [n for n in names if (root / n).is_file()]


def walked_files(root):
    skipped = {"build", "runs", "data"}
    found = []
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if parts[0] in skipped or parts[0].startswith("build-") \
                or ".git" in parts or "__pycache__" in parts:
            continue
        if path.is_file() and not path.is_symlink():
            found.append("/".join(parts))
    return found


def check_tree(root):
    """All findings of the tree, by path and line."""
    root = pathlib.Path(root)
    tracked = git_files(root)
    paths = (walked_files(root) if tracked is None
             else git_files(root, "-c", "-o", "--exclude-standard"))
    c_paths = [p for p in paths if p.endswith((".c", ".h"))]
    extra = {}  # findings of rules that look at more than one file, or at text
    for finding in check_unique_names(c_paths):
        extra.setdefault(finding.path, []).append(finding)
    found = []
    for path in paths if tracked is None else tracked:
        text = (root / path).read_bytes()
        if b"\0" not in text[:8000]:
            for finding in check_local_paths(path, text.decode(
                    errors="replace")):
                extra.setdefault(path, []).append(finding)
    for path in c_paths:
        source = Source(path, (root / path).read_text(errors="replace"))
        mine = extra.pop(path, [])
        for rule in C_RULES:
            mine.extend(rule(source, set(paths)))
        found.extend(apply_waivers(source, mine))
    for rest in extra.values():
        found.extend(rest)
    return sorted(found, key=lambda f: (f.path, f.line, f.rule))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?",
                        default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--rules", action="store_true",
                        help="print the rules and stop")
    options = parser.parse_args()
    if options.rules:
        for name, text in RULES.items():
            print(f"{name:<12} {text}")
        for name, text in DIMENSIONLESS.items():
            print(f"  without unit: {name:<13} {text}")
        return 0
    findings = check_tree(options.root)
    for finding in findings:
        print(finding)
    errors = sum(not f.is_warning for f in findings)
    print(f"checksource: {errors} findings, {len(findings) - errors} warnings")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
