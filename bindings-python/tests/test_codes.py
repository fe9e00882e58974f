"""`counterfoil/_codes.py` is what the engine's list of errors says; `UPDATE=1` writes it again."""

import os
import pathlib
import re
import unittest

from counterfoil import _counterfoil

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "bindings-python/python/counterfoil/_codes.py"
HEAD = '''"""Every reason to refuse: code, family, HTTP status, section of the specification, sentence. Made from the engine by tests/test_codes.py."""

CODES: dict[int, tuple[str, str, int, str | None, str]] = {
'''


def sentences():
    """What the engine's source says of each number."""
    said, lines = {}, []
    for line in (ROOT / "core/src/error.rs").read_text().splitlines():
        line = line.strip()
        if line.startswith("/// "):
            lines.append(line[4:])
        elif found := re.fullmatch(r"\w+ = (\d+),", line):
            said[int(found[1])] = " ".join(lines).replace("`", "").rstrip(".")
            lines = []
        else:
            lines = []
    return said


def made():
    said, rows = sentences(), []
    for number, slug, family, status in _counterfoil.errors():
        section = re.search(r"\((RFC \d+(?: section [\d.]+)?|JARM section [\d.]+)[^()]*\)", said[number])
        rows.append(f"    {number}: {(slug, family, status, section and section[1], said[number])!r},\n")
    return HEAD + "".join(rows) + "}\n"


class Codes(unittest.TestCase):
    def test_the_table_is_the_engines(self):
        if os.environ.get("UPDATE") == "1":
            FILE.write_text(made())
        self.assertEqual(FILE.read_text(), made(), "stale: UPDATE=1 python -m unittest bindings-python/tests/test_codes.py")

    def test_codes_name_their_specification(self):
        named = sum("'RFC " in row for row in made().splitlines())
        self.assertGreater(named, 40)


if __name__ == "__main__":
    unittest.main()
