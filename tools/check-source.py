#!/usr/bin/python3
"""Source checks that compilers and formatters do not make.

Layers of the rooms, functions we replaced, lengths, names of headers, stray text. A line that must
break a rule says why:  code;  // allow: reason

Usage: tools/check-source.py [FILE...]     (default: every file git tracks or would add)
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Which rooms a room may include from: the floors of docs/architecture.md, lowest first.
FLOORS = [
    {"base"},
    {"trust", "playlists", "plays", "assets", "media"},
    {"render", "sync", "live", "update"},
    {"player", "server", "workshop", "cli"},
]
# Neighbours on one floor that may look sideways, with the reason.
SIDEWAYS = {
    ("sync", "update"): "what became of the versions that were handed over",
    ("media", "playlists"): "items say how a picture is fitted and a text is styled",
}
TOP = {"tests", "fuzz", "bench"}  # these may use every room

NUMBERS = "bt_parse_int: the whole text, in range, or an error"
COPIES = "bt_format, bt_copy_cut or bt_buf"
CALENDAR = "base/civil.h, which is pure and knows no locale"
MEMORY = "base/mem.h, or say why it is checked here: // allow: ..."
BANNED = {
    **dict.fromkeys(["strcpy", "stpcpy", "strncpy", "stpncpy", "strcat", "strncat", "sprintf",
                     "vsprintf", "gets"], COPIES),
    **dict.fromkeys(["strtok", "strtok_r", "strsep"], "a pointer and a length"),
    **dict.fromkeys(["atoi", "atol", "atoll", "atof", "strtol", "strtoul", "strtoll", "strtoull",
                     "strtod", "strtof", "sscanf", "vsscanf", "scanf", "fscanf"], NUMBERS),
    **dict.fromkeys(["localtime", "localtime_r", "gmtime", "gmtime_r", "ctime", "ctime_r",
                     "asctime", "mktime", "timegm", "strftime", "strptime"], CALENDAR),
    **dict.fromkeys(["time", "gettimeofday", "clock_gettime"], "a struct bt_clock"),
    **dict.fromkeys(["sleep", "usleep", "nanosleep", "SDL_Delay"], "bt_clock_sleep_until"),
    **dict.fromkeys(["rand", "srand", "random", "srandom", "drand48"], "getrandom"),
    **dict.fromkeys(["system", "popen"], "posix_spawn with an argument list"),
    **dict.fromkeys(["signal"], "sigaction"),
    **dict.fromkeys(["basename", "dirname"], "strrchr on '/'"),
    **dict.fromkeys(["strerror"], "bt_fail_errno, or %m in a line of the log"),
    **dict.fromkeys(["setenv", "putenv", "unsetenv"], "nothing: other threads call getenv"),
    **dict.fromkeys(["mktemp", "tmpnam", "tempnam", "tmpfile"], "mkostemp"),
    **dict.fromkeys(["alloca"], "an array of fixed size"),
    **dict.fromkeys(["syscall"], "what glibc has: units let few others through (deploy/systemd)"),
    **dict.fromkeys(["malloc", "calloc", "realloc", "reallocarray", "strdup", "strndup",
                     "asprintf", "vasprintf"], MEMORY),
    **dict.fromkeys(["exit", "_exit", "quick_exit"], "an error for the caller"),
}
# Files where a function is at home.
AT_HOME = {
    "base/str.c": {"strtoll", "vasprintf"},
    "base/mem.c": {"calloc", "reallocarray", "strdup"},
    "base/buf.c": {"realloc"},
    "base/clock.c": {"clock_gettime"},
    "player/speaker.c": {"_exit"},
    "sync/gentle.c": {"syscall"},  # ioprio_set, which the player's unit names
}
# Tests and measuring programs are their own main: they may end, and prepare their surroundings.
FREE_IN_PROGRAMS = {"exit", "_exit", "setenv", "unsetenv", "malloc", "calloc", "realloc", "strdup",
                    "strtok_r", "strerror", "sscanf", "system", "popen", "random", "srandom",
                    "clock_gettime", "syscall"}

WARN_LINES, MAX_LINES = 600, 900
MAX_FUNCTION_LINES = 60
TEXT_SUFFIXES = {".c", ".h", ".py", ".sh", ".md", ".json", ".build", ".txt", ".svg", ".html",
                 ".css", ".js", ".service", ".yml", ".toml", ""}
DATA = ("fuzz/corpus/", "tests/golden/", "tests/data/")  # inputs, kept byte for byte

STRINGS = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
ALLOW = re.compile(r"//\s*allow:\s*\S")
CALL = re.compile(r"(?<![\w.>])(" + "|".join(sorted(BANNED)) + r")\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z]+)/([^"]+)"')
# A writer that is still at it when its reader has enough dies of SIGPIPE, which pipefail reports: now and then.
IMPATIENT = re.compile(r"(?<!\|)\|\s*(head\b|grep\s+(?:-\S+\s+)*(?:-\w*[qm]|--quiet|--max-count))")
BASH = re.compile(r"#!.*\bbash\b|# shellcheck shell=bash")
LINK = re.compile(r"\]\(([^)#\s]+)")
STRAY = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")  # allow: the rule itself
MACHINE = re.compile(r"(?<![\w.~}])/(work|root|home)/")

findings = []
warnings = []


def report(path, line, text):
    findings.append(f"{path}:{line}: {text}")


def files_of_project():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, capture_output=True, text=True, check=True)
    names = sorted(set(listed.stdout.splitlines()))
    return [name for name in names if (ROOT / name).is_file()]


def code_lines(text):
    """Lines with comments and the insides of strings blanked, so that only code is left."""
    text = STRINGS.sub(lambda m: '"' * 2 if m[0][0] == '"' else "' '", text)
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
    return [line.split("//")[0] for line in text.split("\n")]


def room_of(path):
    return path.split("/")[0] if "/" in path else ""


def floor_of(room):
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    return None


def may_include(user, used):
    if user == used or user in TOP or (user, used) in SIDEWAYS:
        return True
    below, above = floor_of(used), floor_of(user)
    return below is not None and above is not None and below < above


def check_text(path, text):
    lines = text.split("\n")
    if text and not text.endswith("\n"):
        report(path, len(lines), "no line break at the end of the file")
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            report(path, number, "space at the end of the line")
        if re.match(r"(<{7}|>{7}) ", line):
            report(path, number, "a merge that is not finished")
        if "\t" in line:
            report(path, number, "tab; we indent with spaces")
        if ALLOW.search(line) or "# allow: " in line:
            continue
        if STRAY.search(line):
            report(path, number, "finish it, or write an issue")
        if MACHINE.search(line):
            report(path, number, "a path of somebody's machine")


def check_links(path, lines):
    """Of a document, to our own files."""
    for number, line in enumerate(lines, 1):
        for link in LINK.findall(line):
            if "://" not in link and not (ROOT / path).parent.joinpath(link).exists():
                report(path, number, f"a link to {link}, which is not there")


def check_pipes(path, lines):
    """Of a shell with pipefail."""
    for number, line in enumerate(lines, 1):
        found = IMPATIENT.search(line)
        if found and not line.lstrip().startswith("#"):
            report(path, number, f"{found[1]} ends before what writes to it; use a here string, a file or [[ ]]")


def check_includes(path, lines):
    user = room_of(path)
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        used, name = match.groups()
        if not (ROOT / used / name).is_file():
            report(path, number, f"there is no {used}/{name}")
        elif not may_include(user, used):
            report(path, number, f"{user}/ stands no higher than {used}/ and may not use it")


def is_for_tests(path):
    name = Path(path).name
    return name.endswith("_test.c") or name.startswith("test")


def check_calls(path, text, lines):
    program = is_for_tests(path) or room_of(path) in TOP
    home = AT_HOME.get(path, set()) | (FREE_IN_PROGRAMS if program else set())
    for number, (code, line) in enumerate(zip(code_lines(text), lines), 1):
        if ALLOW.search(line):
            continue
        for name in CALL.findall(code):
            if name not in home:
                report(path, number, f"{name}() is not used here; use {BANNED[name]}")
        if code.startswith("typedef") and "(" not in code:
            report(path, number, "typedef is for callbacks only; write struct or enum")
        if re.match(r"\s*extern\b(?!.*\bconst\b)", code):
            report(path, number, "extern of something that changes; pass it")


def check_opens(path, text):
    """A descriptor that survives exec ends up in programs we start."""
    code = "\n".join(code_lines(text))
    for match in re.finditer(r"(?<![\w.>])(open|openat|mkostemp|pipe2)\s*\(([^;]*);", code):
        if "O_CLOEXEC" not in match[2]:
            number = code.count("\n", 0, match.start()) + 1
            if not ALLOW.search(text.split("\n")[number - 1]):
                report(path, number, f"{match[1]} without O_CLOEXEC")


def check_header(path, lines):
    guard = "BT_" + re.sub(r"[^A-Za-z0-9]", "_", path).upper()
    code = [line for line in lines if line.startswith("#")]
    if code[:2] != [f"#ifndef {guard}", f"#define {guard}"]:
        report(path, 1, f"the guard of this header is {guard}")


def check_lengths(path, lines):
    count = len(lines) - 1
    if count > MAX_LINES:
        report(path, 1, f"{count} lines; give each noun its own file (limit {MAX_LINES})")
    elif count > WARN_LINES:
        warnings.append(f"{path}: {count} lines, near the limit of {MAX_LINES}")


def tags_of(paths):
    command = ["ctags", "--output-format=json", "--kinds-C=fvp", "--fields=+neK", "--sort=no",
               "-I", "BT_NODISCARD,BT_NORETURN,BT_UNUSED,BT_PRINTF+", "-f", "-", *paths]
    try:
        output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        warnings.append("universal-ctags is not installed: lengths and names are not checked")
        return []
    tags = (json.loads(line) for line in output.stdout.splitlines())
    return [tag for tag in tags if tag["_type"] == "tag"]


def declaration_at(lines, line):
    """A name may stand at the end of what it declares: } levels[] = {"""
    start = line - 1
    while start > 0 and lines[start][:1] in ("}", " "):
        start -= 1
    return "\n".join(lines[start:line])


def check_tags(paths):
    for tag in tags_of(paths):
        path, line, name = tag["path"], tag["line"], tag["name"]
        source = declaration_at((ROOT / path).read_text().split("\n"), line)
        if ALLOW.search(source):
            continue
        if tag["kind"] == "function":
            length = tag.get("end", line) - line + 1
            if length > MAX_FUNCTION_LINES:
                report(path, line, f"{name} has {length} lines (limit {MAX_FUNCTION_LINES})")
        if tag["kind"] == "prototype" and path.endswith(".h") and room_of(path) not in TOP:
            if not is_for_tests(path) and not (name.startswith("bt_") or name.isupper()):
                report(path, line, f"{name}: what other files call begins with bt_")
        if tag["kind"] == "variable" and "const" not in source and room_of(path) not in TOP:
            if not is_for_tests(path):
                report(path, line, f"{name}: a global that changes; pass it, or // allow: reason")


def check_file(path):
    if path.startswith(DATA) or Path(path).suffix not in TEXT_SUFFIXES:
        return
    content = (ROOT / path).read_bytes()
    if b"\0" in content:
        return
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        report(path, 1, f"not UTF-8: {error}")
        return
    lines = text.split("\n")
    check_text(path, text)
    if path.endswith(".md"):
        check_links(path, lines)
    if BASH.match(lines[0]):
        check_pipes(path, lines)
    if Path(path).suffix in (".c", ".h"):
        check_includes(path, lines)
        check_calls(path, text, lines)
        check_opens(path, text)
        check_lengths(path, lines)
    if path.endswith(".h"):
        check_header(path, lines)


def main():
    paths = sys.argv[1:] or files_of_project()
    for path in paths:
        check_file(path)
    sources = [path for path in paths if Path(path).suffix in (".c", ".h")]
    if sources:
        check_tags(sources)
    for line in warnings:
        print(f"note: {line}")
    for line in findings:
        print(line)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
