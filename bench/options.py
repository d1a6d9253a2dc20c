"""The command lines of measurements with many players: numbers, each with what it is when nobody says, and switches."""

import argparse


def read_options(about, numbers, switches):
    """`numbers`: {name: number}, a float where it is one. `switches`: {name: its help or None}."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in numbers.items():
        parser.add_argument(f"--{name}", type=type(number), default=number)
    for name, about_it in switches.items():
        parser.add_argument(f"--{name}", action="store_true", help=about_it)
    return parser.parse_args()
