"""C source as text: comments and literals blanked out, waivers collected.

Used by checksource.py. No parser: the rules need tokens at known lines and
the depth of braces, nothing more.
"""

import re

WAIVER = re.compile(r"check:\s*allow\s+([A-Z]+)\s*(?::\s*(\S.*))?", re.S)
TOKENS = re.compile(
    r"""(?P<comment>/\*.*?(?:\*/|\Z)|//[^\n]*)
      | (?P<literal>"(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*')""",
    re.S | re.X)


class Comment:
    def __init__(self, text, first, last, stands_alone):
        self.text = text
        self.first = first  # line numbers, 1-based
        self.last = last
        self.stands_alone = stands_alone  # nothing else on its lines


class Waiver:
    def __init__(self, rule, reason, line, covers):
        self.rule = rule
        self.reason = reason
        self.line = line
        self.covers = covers  # the line that it speaks of
        self.is_used = False


def blank(text):
    """Spaces instead of text, line breaks kept."""
    return re.sub(r"[^\n]", " ", text)


class Source:
    """One .c or .h file.

    text   as written
    code   the same length and lines, without comments and literals
    plain  code without preprocessor lines
    """

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        self.comments = []
        self.code = TOKENS.sub(self._strip, text)
        self.code_lines = self.code.split("\n")
        self.plain = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*",
                            lambda m: blank(m.group()), self.code, flags=re.M)
        self.waivers = [w for w in map(self._waiver, self.comments) if w]

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def _strip(self, match):
        if match.group("literal"):
            quote = match.group()[0]
            return quote + blank(match.group()[1:-1]) + quote
        first = self.line_of(match.start())
        last = first + match.group().count("\n")
        before = self.text[self.text.rfind("\n", 0, match.start()) + 1:
                           match.start()]
        end = self.text.find("\n", match.end())
        after = self.text[match.end():end if end >= 0 else None]
        self.comments.append(
            Comment(match.group(), first, last,
                    not before.strip() and not after.strip()))
        return blank(match.group())

    def _waiver(self, comment):
        text = re.sub(r"\s*\*/\s*$", "", comment.text)
        text = re.sub(r"\n\s*\*?\s*", " ", text)
        match = WAIVER.search(text)
        if not match:
            return None
        covers = comment.last
        if comment.stands_alone:
            covers += 1
        return Waiver(match.group(1), match.group(2), comment.first, covers)


def split_at_depth_0(plain):
    """(offset, text) of the declarations at file scope, in order.

    A function's body ends its declaration; an initializer or the members of
    a struct belong to it.
    """
    depth = 0
    start = 0
    for match in re.finditer(r"[{};]", plain):
        token = match.group()
        if token == "{":
            depth += 1
        elif token == "}":
            depth = max(0, depth - 1)
            head = plain[start:match.end()]
            if depth == 0 and re.search(r"\)[^={;]*\{", head) \
                    and "=" not in head.split("{")[0]:
                yield start, head
                start = match.end()
        elif depth == 0:
            yield start, plain[start:match.end()]
            start = match.end()


def is_mutable(declaration):
    """Whether the object that the text declares (type and name, no value) can
    be written: `const char *p` can, `const char *const p` cannot."""
    declaration = re.sub(r"\[[^\]]*\]", " ", declaration)
    last_star = declaration.rfind("*")
    return not re.search(r"\bconst\b", declaration[last_star + 1:])
