"""The examples run, are those of the README to the letter, and satisfy mypy; so do the stubs, against the module."""

import pathlib
import re
import subprocess
import sys
import unittest

from material import ROOT

HERE = ROOT / "bindings-python"


def run(*command):
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=300, cwd=HERE)


class Examples(unittest.TestCase):
    def test_the_quick_start(self):
        done = run("examples/quick_start.py", ROOT / "core/tests/data/paved")
        self.assertEqual((done.returncode, done.stdout[:10]), (0, "4711 True "), done.stderr)

    def test_the_readme_has_them(self):
        blocks = re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)
        for file in sorted((HERE / "examples").glob("*.py")):
            self.assertIn(file.read_text().split('"""\n\n', 1)[1].strip(), [block.strip() for block in blocks], file.name)

    def test_the_readmes_small_pieces_run(self):
        pieces = re.findall(r"```pycon\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)
        self.assertGreaterEqual(len(pieces), 2)
        import doctest
        import os

        os.chdir(ROOT / "core/tests/data/paved")
        for number, piece in enumerate(pieces):
            test = doctest.DocTestParser().get_doctest(piece, {}, f"README {number}", "README.md", 0)
            result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
            self.assertEqual(result.failed, 0)

    def test_types(self):
        done = run("-m", "mypy", "--strict", *map(str, sorted((HERE / "examples").glob("*.py"))))
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_stubs(self):
        done = run("-m", "mypy.stubtest", "counterfoil", "--ignore-missing-stub", "--allowlist", "tests/stubtest.txt")
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
