"""What is installed and what is handed to others: an abi3 wheel with its bill of materials, and sources that build one."""

import importlib.metadata
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

from material import ROOT


class Package(unittest.TestCase):
    def test_the_installed_wheel(self):
        files = importlib.metadata.files("counterfoil")
        names = [str(file) for file in files]
        (wheel,) = (file for file in files if file.name == "WHEEL")
        self.assertIn("Tag: cp310-abi3-", wheel.read_text())
        self.assertTrue([name for name in names if "sboms/" in name and name.endswith(".cyclonedx.json")], names)
        for wanted in ("counterfoil/py.typed", "counterfoil/_counterfoil.pyi"):
            self.assertIn(wanted, names)

    def test_the_sources_build(self):
        with tempfile.TemporaryDirectory() as folder:
            def run(*command):
                done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, timeout=600, cwd=ROOT)
                self.assertEqual(done.returncode, 0, done.stderr)

            run("maturin", "sdist", "--manifest-path", "bindings-python/Cargo.toml", "--out", folder)
            (sources,) = pathlib.Path(folder).glob("*.tar.gz")
            run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(sources))
            (wheel,) = pathlib.Path(folder).glob("*.whl")
            self.assertIn("-cp310-abi3-", wheel.name)
            with zipfile.ZipFile(wheel) as packed:
                packed.extractall(pathlib.Path(folder) / "there")
            script = "import counterfoil; print(counterfoil.__file__, counterfoil.jwk_thumbprint.__name__)"
            there = {**os.environ, "PYTHONPATH": str(pathlib.Path(folder) / "there")}
            done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60, env=there)
            self.assertTrue(done.stdout.startswith(folder), done.stdout)


if __name__ == "__main__":
    unittest.main()
