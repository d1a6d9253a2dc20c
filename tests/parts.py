"""Files that take long, in pieces that run beside each other: tests/meson.build says how many ('parts')."""

import sys
import unittest

OPTION = "--part="


def each(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        else:
            yield test


def part_of(tests):
    """With --part=K/N on the command line, which is taken off it, the Kth of N pieces; else all. Each test is in one piece,
    and neighbours stay together: they share what their class or file begins with."""
    said = [word for word in sys.argv if word.startswith(OPTION)]
    if not said:
        return tests
    sys.argv.remove(said[0])
    number, count = map(int, said[0].removeprefix(OPTION).split("/"))
    found = tests[len(tests) * (number - 1) // count:len(tests) * number // count]
    if not found:
        sys.exit(f"{said[0]}: nothing is in this piece of {len(tests)} tests")
    return found


def main():
    """unittest.main, for a piece."""
    if not any(word.startswith(OPTION) for word in sys.argv):
        unittest.main(verbosity=2)
    tests = part_of(list(each(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))))
    result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(tests))
    sys.exit(0 if result.wasSuccessful() else 1)
