"""Cases that mostly wait for clocks and networks, run beside each other: each class in a process of its own."""

import concurrent.futures
import subprocess
import sys
import unittest

AT_ONCE = 3


def run(case):
    return subprocess.run([sys.executable, sys.argv[0], case], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)


def main(module):
    """With words on the command line, those tests as unittest does; without, all of them."""
    if len(sys.argv) > 1:
        unittest.main(module, argv=[sys.argv[0], "-v"] + sys.argv[1:])
    cases = [name for name, value in vars(module).items() if isinstance(value, type) and value.__module__ == "__main__"
             and issubclass(value, unittest.TestCase) and any(test.startswith("test_") for test in dir(value))]
    failed = False
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for done in pool.map(run, cases):
            print(done.stdout, flush=True)
            failed = failed or done.returncode != 0
    sys.exit(1 if failed or not cases else 0)
