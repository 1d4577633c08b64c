"""tools/checksource.py: each rule sees its violation, a clean tree passes."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import checksource  # noqa: E402

CLEAN_H = """\
/* Things that are weighed, for the tests of the checker. */
#ifndef {guard}
#define {guard}

#include "base/status.h"

struct thing {{
    double mass_j, age_s;
    double accuracy;
    struct carbon_fact idle_w;
    double row_ratio[4];
    double (*weigh_j)(double height_s, void *arg);
}};

extern const struct thing things[];

/* Weighs a thing. */
enum fl_status thing_weigh(const struct thing *thing,
                           double height_s,
                           double *ret_j) FL_NODISCARD;
void thing_destroy(struct thing *thing);

int thing_count(const struct thing *thing);

#endif
"""

CLEAN_C = """\
#include "{header}"

#include <string.h>

static const char *const names[] = {{"time(", "a /* b */ exit("}};
static int forward(const char *text);
static const struct row {{
    int first;
}} rows[] = {{{{1}}, {{2}}}};
enum colour {{ RED = 1, GREEN }};

/* malloc(1) in a comment is no call; neither is sprintf(). */
static int forward(const char *text)
{{
    static const int table[] = {{1, 2}};
    struct vtable v = {{0}};
    v.free(text);
    text->exit(0);
    return table[0] + rows[0].first + (int)strlen(names[GREEN]);
}}
"""


def finding_keys(findings):
    return [(f.path, f.line, f.rule) for f in findings]


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.write("base/status.h",
                   "/* Status codes. */\n#ifndef BASE_STATUS_H\n"
                   "#define BASE_STATUS_H\nenum fl_status { FL_OK = 0 };\n"
                   "#endif\n")
        for folder in ("carbon", "nn", "results", "coordinator", "cli"):
            guard = f"{folder}_{folder}_thing_h".upper()
            self.write(f"{folder}/{folder}_thing.h",
                       CLEAN_H.format(guard=guard))
            self.write(f"{folder}/{folder}_thing.c",
                       CLEAN_C.format(header=f"{folder}/{folder}_thing.h"))

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def check(self):
        return checksource.check_tree(self.root)

    def assert_found(self, path, line, rule, word=""):
        findings = self.check()
        self.assertIn((path, line, rule), finding_keys(findings))
        said = [f.text for f in findings if f.rule == rule]
        self.assertTrue(any(word in text for text in said), said)
        others = [str(f) for f in findings if f.rule != rule]
        self.assertEqual(others, [], "one violation, one rule")

    def assert_clean(self):
        self.assertEqual([str(f) for f in self.check()], [])

    # -- the clean tree ----------------------------------------------------

    def test_a_clean_tree_passes(self):
        self.assert_clean()

    def test_the_command_says_how_many_and_exits_0_or_1(self):
        script = str(ROOT / "tools" / "checksource.py")
        clean = subprocess.run([sys.executable, script, self.folder.name],
                               capture_output=True, text=True)
        self.assertEqual(clean.returncode, 0, clean.stdout)
        self.write("nn/bad.c", "int f(void)\n{\n    return atoi(\"1\");\n}\n")
        bad = subprocess.run([sys.executable, script, self.folder.name],
                             capture_output=True, text=True)
        self.assertEqual(bad.returncode, 1)
        self.assertIn("nn/bad.c:3: BANNEDFUNC: atoi", bad.stdout)
        self.assertIn("1 findings", bad.stdout)

    # -- LAYER ---------------------------------------------------------------

    def test_layer_refuses_an_arrow_up(self):
        self.write("nn/up.c", '#include "coordinator/coordinator_thing.h"\n')
        self.assert_found("nn/up.c", 1, "LAYER", "below")

    def test_layer_refuses_a_sibling(self):
        self.write("nn/side.c", '\n#include "carbon/carbon_thing.h"\n')
        self.assert_found("nn/side.c", 2, "LAYER", "siblings")

    def test_layer_allows_an_arrow_down_and_tests_of_anything(self):
        self.write("cli/down.c", '#include "carbon/carbon_thing.h"\n')
        self.write("tests/nn/test_a.c", '#include "results/results_thing.h"\n'
                   '#include "support/near.h"\n')
        self.assert_clean()

    def test_layer_refuses_the_private_header_of_another_folder(self):
        self.write("nn/inner_priv.h", "/* Inside of nn/. */\n"
                   "#ifndef NN_INNER_PRIV_H\n#define NN_INNER_PRIV_H\n#endif\n")
        self.write("nn/own.c", '#include "nn/inner_priv.h"\n')
        self.write("tests/nn/test_inner.c", '#include "nn/inner_priv.h"\n')
        self.assert_clean()
        self.write("cli/peek.c", '#include "nn/inner_priv.h"\n')
        self.assert_found("cli/peek.c", 1, "LAYER", "private")

    def test_layer_refuses_the_private_header_in_tests_of_another_folder(self):
        self.write("tests/cli/test_peek.c", '#include "nn/inner_priv.h"\n')
        self.assert_found("tests/cli/test_peek.c", 1, "LAYER", "private")

    def test_layer_refuses_a_library_outside_its_folder(self):
        self.write("comms/hub.c", "#include <zmq.h>\n")
        self.assert_clean()
        self.write("carbon/hub2.c", "#include <zmq.h>\n")
        self.assert_found("carbon/hub2.c", 1, "LAYER", "comms/")

    def test_layer_knows_folders_below_a_layer_and_what_is_generated(self):
        use = '#include "results/trees/event.pb-c.h"\n'
        self.write("results/exports/as_board.c", use)
        self.assert_clean()
        self.write("results/board.c", use)
        self.assert_found("results/board.c", 1, "LAYER", "results/exports/")

    def test_layer_refuses_a_path_that_is_not_from_the_root(self):
        self.write("nn/near.c", '#include "nn_thing.h"\n')
        self.assert_found("nn/near.c", 1, "LAYER", "nn/nn_thing.h")

    # -- BANNEDFUNC ----------------------------------------------------------

    def test_banned_functions_are_found_one_by_one(self):
        for name in checksource.BANNED:
            with self.subTest(name=name):
                self.write("nn/bad.c", f"int f(int x)\n{{\n"
                           f"    return {name}(x);\n}}\n")
                self.assert_found("nn/bad.c", 3, "BANNEDFUNC", name)

    def test_banned_functions_are_allowed_in_their_place(self):
        self.write("base/clock.c", "void f(void)\n{\n    clock_gettime(0, 0);"
                   "\n}\n")
        self.write("cli/fedcarbon_main.c", "int main(void)\n{\n    getenv(0);\n"
                   "    exit(1);\n}\n")
        self.write("client/client_main.c", "int main(void)\n{\n    exit(1);\n"
                   "}\n")
        self.assert_clean()
        self.write("client/client_main.c", "int main(void)\n{\n    getenv(0);\n"
                   "}\n")
        self.assert_found("client/client_main.c", 3, "BANNEDFUNC", "getenv")

    def test_errno_is_banned_outside_base(self):
        self.write("base/io.c", "int f(void)\n{\n    return errno;\n}\n")
        self.assert_clean()
        self.write("comms/io.c", "int f(void)\n{\n    return errno;\n}\n")
        findings = finding_keys(self.check())
        self.assertIn(("comms/io.c", 3, "BANNEDFUNC"), findings)

    # -- RAWALLOC ------------------------------------------------------------

    def test_raw_allocation_is_found_outside_base_only(self):
        for name in sorted(checksource.RAW_ALLOCATION):
            with self.subTest(name=name):
                text = f"void f(void *p)\n{{\n    {name}(p);\n}}\n"
                self.write("base/memory.c", text)
                self.write("comms/memory2.c", "")
                self.assert_clean()
                self.write("comms/memory2.c", text)
                self.assert_found("comms/memory2.c", 3, "RAWALLOC", name)

    # -- NOUNIT --------------------------------------------------------------

    def header(self, folder, name, body):
        guard = f"{folder}_{name}_h".upper()
        self.write(f"{folder}/{name}.h",
                   f"/* A header of the tests. */\n#ifndef {guard}\n"
                   f"#define {guard}\n{body}\n#endif\n")

    def test_a_double_member_needs_a_unit(self):
        self.header("carbon", "gauge", "struct gauge {\n    double power;\n};")
        self.assert_found("carbon/gauge.h", 5, "NOUNIT", "power")

    def test_each_name_of_a_list_needs_a_unit(self):
        self.header("carbon", "gauge", "struct gauge {\n    double t0_s, t1;\n};")
        self.assert_found("carbon/gauge.h", 5, "NOUNIT", "t1")

    def test_a_double_parameter_needs_a_unit(self):
        self.header("results", "gauge", "/* Adds. */\nvoid gauge_add(int n,\n"
                    "               double energy,\n               int m);")
        self.assert_found("results/gauge.h", 6, "NOUNIT", "energy")

    def test_an_output_and_a_result_need_a_unit(self):
        self.header("results", "gauge", "/* Reads. */\n"
                    "void gauge_read(double *ret_energy);")
        self.assert_found("results/gauge.h", 5, "NOUNIT", "ret_energy")
        self.header("results", "gauge", "/* Reads. */\ndouble gauge_read(int n);")
        self.assert_found("results/gauge.h", 5, "NOUNIT", "gauge_read")

    def test_a_fact_needs_a_unit(self):
        self.header("scenarios", "gauge",
                    "struct gauge {\n    struct carbon_fact idle;\n};")
        self.assert_found("scenarios/gauge.h", 5, "NOUNIT", "idle")

    def test_units_are_not_asked_of_other_folders_and_private_headers(self):
        self.header("nn", "gauge", "struct gauge {\n    double power;\n};")
        self.header("carbon", "gauge_priv",
                    "struct gauge {\n    double power;\n};")
        self.assert_clean()

    # -- LONGFILE, LONGFUNC --------------------------------------------------

    def test_a_long_c_file_is_warned_of_then_refused(self):
        self.write("nn/long.c", "/* a */\n" * 601)
        findings = self.check()
        self.assertEqual(finding_keys(findings), [("nn/long.c", 1, "LONGFILE")])
        self.assertTrue(findings[0].is_warning)
        self.write("nn/long.c", "/* a */\n" * 1001)
        findings = self.check()
        self.assertEqual(finding_keys(findings), [("nn/long.c", 1, "LONGFILE")])
        self.assertFalse(findings[0].is_warning)

    def test_a_long_header_is_refused(self):
        self.header("nn", "long", "/* a */\n" * 300)
        self.assert_found("nn/long.h", 1, "LONGFILE")

    def test_a_long_function_is_warned_of(self):
        self.write("nn/long.c", "int f(void)\n{\n" + "    g();\n" * 60 + "}\n")
        findings = self.check()
        self.assertEqual(finding_keys(findings), [("nn/long.c", 1, "LONGFUNC")])
        self.assertTrue(findings[0].is_warning)

    # -- HEADERBLOCK ---------------------------------------------------------

    def test_a_header_opens_with_a_comment(self):
        self.write("nn/bare.h",
                   "#ifndef NN_BARE_H\n#define NN_BARE_H\n#endif\n")
        self.assert_found("nn/bare.h", 1, "HEADERBLOCK", "open")

    def test_a_public_prototype_carries_a_comment(self):
        self.header("nn", "bare", "\nenum fl_status bare_make(int n);\n")
        self.assert_found("nn/bare.h", 5, "HEADERBLOCK", "bare_make")
        self.header("nn", "bare", "\nvoid bare_make(int n); /* makes n */\n")
        self.assert_clean()

    def test_an_accessor_and_a_destroy_explain_themselves(self):
        self.header("nn", "bare", "\nint bare_n(const struct bare *bare);\n\n"
                    "void bare_destroy(struct bare *bare);\n")
        self.assert_clean()

    # -- STATICSTATE ---------------------------------------------------------

    def test_mutable_variables_at_file_scope_are_found(self):
        for line in ("static int count;", "int count = 1;",
                     "static const char *name = \"a\";",
                     "static struct pool pool;", "_Thread_local int x;",
                     "static void (*hook)(int);",
                     "static struct { int a; } last = {1};",
                     "static double table[4];"):
            with self.subTest(line=line):
                self.write("nn/state.c", f"\n{line}\n")
                self.assert_found("nn/state.c", 2, "STATICSTATE")

    def test_mutable_statics_in_functions_are_found(self):
        self.write("nn/state.c", "int f(void)\n{\n    static int n = 0;\n"
                   "    return n++;\n}\n")
        self.assert_found("nn/state.c", 3, "STATICSTATE")

    def test_constants_and_declarations_are_no_state(self):
        self.write("nn/state.c",
                   "extern int elsewhere;\nstruct x;\ntypedef int y;\n"
                   "static const int a = 1, b = 2;\n"
                   "static const char *const names[] = {\"a\", \"b\"};\n"
                   "static int f(int (*g)(void));\n"
                   "typedef const double knots[4];\nstatic knots oval = {1};\n"
                   "struct sum s_of(const struct l *l, bool (*k)(int));\n"
                   "static void (*const hook)(int) = 0;\n"
                   "_Static_assert(sizeof(int) == 4, \"int\");\n"
                   "enum { A = 1, B };\nstruct p { int q; };\n")
        self.assert_clean()

    # -- UNIQUENAME, LOCALPATH, GUARD ----------------------------------------

    def test_two_files_of_one_name_are_found(self):
        self.write("carbon/registry.c", "")
        self.write("nn/registry.c", "")
        self.assert_found("nn/registry.c", 1, "UNIQUENAME", "carbon/registry.c")

    def test_paths_of_one_machine_are_found_in_any_text_file(self):
        for folder in ("work", "home", "root"):
            with self.subTest(folder=folder):
                self.write("docs/how.md", f"one\n\nsee /{folder}/me/x\n")
                self.assert_found("docs/how.md", 3, "LOCALPATH")
        self.write("docs/how.md", "see https://a.org/home/x and a/work/b\n")
        self.assert_clean()

    def test_the_guard_is_the_path(self):
        self.write("nn/odd.h", "/* Odd. */\n#ifndef ODD_H\n#define ODD_H\n"
                   "#endif\n")
        self.assert_found("nn/odd.h", 1, "GUARD", "NN_ODD_H")
        self.write("nn/odd.h", "/* Odd. */\nstruct x;\n")
        self.assert_found("nn/odd.h", 1, "GUARD", "NN_ODD_H")

    def test_the_guard_of_a_fixture_may_be_its_name(self):
        for guard in ("SIDE_FIXTURE_H", "NN_SIDE_FIXTURE_H"):
            self.write("tests/nn/side_fixture.h", f"/* Shared. */\n#ifndef "
                       f"{guard}\n#define {guard}\n#endif\n")
            self.write("tests/nn/test_side.c", '#include "side_fixture.h"\n')
            self.assert_clean()

    # -- waivers -------------------------------------------------------------

    def test_a_waiver_on_the_line_or_above_it_is_obeyed(self):
        self.write("nn/state.c", "static int n; /* check: allow STATICSTATE: "
                   "the tests count */\n")
        self.assert_clean()
        self.write("nn/state.c", "/* check: allow STATICSTATE: the tests\n"
                   " * count */\nstatic int n;\n")
        self.assert_clean()

    def test_a_waiver_is_for_one_rule_and_one_line(self):
        self.write("nn/state.c", "/* check: allow STATICSTATE: counted */\n"
                   "static int n;\nstatic int m;\n")
        self.assert_found("nn/state.c", 3, "STATICSTATE")
        self.write("nn/state.c", "/* check: allow RAWALLOC: wrong rule */\n"
                   "static int n;\n")
        self.assertEqual(finding_keys(self.check()),
                         [("nn/state.c", 1, "WAIVER"),
                          ("nn/state.c", 2, "STATICSTATE")])

    def test_a_waiver_without_need_reason_or_rule_is_found(self):
        for text, word in (("check: allow STATICSTATE: no need", "nothing"),
                           ("check: allow STATICSTATE", "reason"),
                           ("check: allow NOSUCHRULE: x", "NOSUCHRULE")):
            with self.subTest(text=text):
                self.write("nn/ok.c", f"int f(void);\n/* {text} */\n")
                self.assert_found("nn/ok.c", 2, "WAIVER", word)

    def test_a_rule_about_a_file_is_waived_anywhere_in_it(self):
        self.write("nn/long.c", "/* a */\n" * 1001
                   + "/* check: allow LONGFILE: one table */\n")
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
