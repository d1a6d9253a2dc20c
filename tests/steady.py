"""What keeps a test steady on a machine that does much else."""

import socket

PATIENCE_S = 180  # for a fact that must come; a quiet machine needs a moment
CONFIRMED = {("takedown", "now"), ("emergency", "start"), ("emergency", "renew"), ("emergency", "end")}


def hold_port(port=0):
    """Bound all the time, so that nobody else is given its port of 127.0.0.1; who says SO_REUSEADDR may listen there."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", port))
    return holder


def own_port(case):
    """A port on which one of the test's servers may listen after the other."""
    holder = hold_port()
    case.addCleanup(holder.close)
    return holder.getsockname()[1]


def patiently(arguments):
    """Arguments of `bangtin`: where it waits for a screen's answer, longer than people would."""
    asks = arguments[0] == "command" or tuple(arguments[:2]) in CONFIRMED
    return (*arguments, "--wait", str(PATIENCE_S)) if asks and "--wait" not in arguments else arguments
