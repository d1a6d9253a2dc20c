#!/usr/bin/python3
"""Makes man pages and bash completion of what the programs themselves say with --help.

Usage: tools/manual.py --out DIR PROGRAM…

DIR gets NAME.1 and NAME.bash-completion for each program; both know each command and each option,
because there is no other list of them.
"""

import argparse
import os
import re
import subprocess
import sys

FILES = {
    "bangtin-server": [
        ("/etc/bangtin/server.env", "tùy chọn của dịch vụ / the service's options"),
        ("/var/lib/bangtin-server", "dữ liệu của dịch vụ / the service's data"),
    ],
    "bangtin-player": [
        ("/etc/bangtin/player.env", "tùy chọn của dịch vụ / the service's options"),
        ("/var/lib/bangtin-player", "dữ liệu của dịch vụ / the service's data"),
    ],
    "bangtin-update": [
        ("/etc/bangtin/update.env", "BANGTIN_UPDATE_OPTIONS, tùy chọn thêm / further options"),
        ("/usr/lib/bangtin/player-build.env", "nền và bản của gói đã cài / the installed package's platform and version"),
        ("/var/lib/bangtin-update", "các bản, và sổ của chúng / the versions and their record"),
    ],
    "bangtin": [
        ("~/.config/bangtin", "máy chủ và phiên đăng nhập / the server and the session"),
        ("/usr/share/bangtin/approve.html", "trang duyệt và ký / the page that reviews and signs"),
        ("/usr/share/bangtin/cards.html", "trang làm thẻ cho máy phát / the page of enrolment cards"),
    ],
}
OTHERS = ["bangtin", "bangtin-player", "bangtin-server", "bangtin-update"]


class Command:
    """`bangtin plays export`: how it is called, what it does, its options."""

    def __init__(self, words, usage):
        self.words = words  # without the program: ["plays", "export"]
        self.usage = usage
        self.about = []
        self.options = []  # (name, value or "", about)


def ask(program, *words):
    """What the program says; messages of loaders and sanitizers are not part of it."""
    done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout:
        sys.exit(f"{program} {' '.join(words)} --help: status {done.returncode}\n{done.stderr}")
    return done.stdout


def read_option(line):
    """'    --name VALUE   about'; a flag has two spaces behind its name."""
    flag = re.match(r"^    --(\S+)  +(.*)$", line)
    if flag:
        return flag.group(1), "", flag.group(2)
    with_value = re.match(r"^    --(\S+) (\S+) +(.*)$", line)
    return with_value.groups() if with_value else None


def read_commands(name, text):
    """The commands that a help explains: a line of usage, then lines that stand further in."""
    commands = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line.startswith(f"  {name}") and following.startswith("    "):
            words = []
            for word in line.split()[1:]:
                if not re.fullmatch(r"[a-z][a-z-]*", word):
                    break
                words.append(word)
            commands.append(Command(words, line.strip()))
        elif line.startswith("    ") and commands and not line.startswith(f"    {name}"):
            option = read_option(line)
            if option:
                commands[-1].options.append(option)
            else:
                commands[-1].about.append(line.strip())
        elif line.startswith("Ví dụ"):
            break
    return commands


def read_example(text):
    """The lines to copy, with what stands between them."""
    _, found, example = text.partition("Ví dụ / example:\n")
    return example.rstrip("\n").splitlines() if found else []


class Program:
    """A program's groups of commands, in the order and under the headings of its own help."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        self.text = ask(path)
        self.summary = self.text.splitlines()[0].split(" — ", 1)[1]
        self.version = re.match(rf"{self.name} (\S+) ", self.text).group(1)
        self.groups = []  # (name or "", summary, commands, example)
        listed = re.findall(r"^  ([a-z]+) {2,}(\S.*)$", self.text, re.MULTILINE)
        if not listed:
            self.groups.append(("", self.summary, read_commands(self.name, self.text), read_example(self.text)))
            further = re.search(rf"{self.name} ([a-z]+(?:\|[a-z]+)+) --help", self.text)
            listed = [(word, word) for word in further.group(1).split("|")] if further else []
        for group, summary in listed:
            text = ask(path, group)
            self.groups.append((group, summary, read_commands(self.name, text), read_example(text)))
        for group, _, commands, _ in self.groups:
            if not commands:
                sys.exit(f"{self.name} {group} --help: no command found in it")


def troff(text):
    """Text as troff takes it: nothing of it is a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")
    text = text.replace("`", "\\(ga").replace("'", "\\(aq")
    return "\\&" + text if text[:1] in (".", "'") else text


def page_of_command(command):
    """One command's part of the page."""
    out = [".TP", f".B {troff(command.usage)}"]
    for line in command.about:
        out += [troff(line), ".br"]
    for name, value, about in command.options:
        value = f" \\fI{troff(value)}\\fR" if value else ""
        out += [".RS", ".TP", f"\\fB\\-\\-{troff(name)}\\fR{value}", troff(about), ".RE"]
    return out


def page(program):
    """The man page."""
    out = [f".TH {program.name.upper()} 1 \"\" \"{program.name} {program.version}\"",
           ".nh", ".ad l", ".SH NAME", f"{troff(program.name)} \\- {troff(program.summary)}", ".SH SYNOPSIS"]
    if program.groups[0][0] == "":
        out += [f".B {troff(program.groups[0][2][0].usage)}", ".RI [ options ]"]
    else:
        out += [f".B {troff(program.name)}", ".I COMMAND", ".RI [ options ]"]
    out += [".SH COMMANDS"]
    for name, summary, commands, example in program.groups:
        if name and summary != name:
            out += [f".SS {troff(name)}: {troff(summary)}"]
        for command in commands:
            out += page_of_command(command)
        if example:
            out += [".PP", ".nf", *(troff(line) for line in example), ".fi"]
    out += [".SH EXIT STATUS", "0: xong / done; 1: không được, dòng cuối nói vì sao / failed, the last line says why;",
            "2: dòng lệnh sai / wrong command line."]
    out += [".SH FILES"]
    for path, about in FILES.get(program.name, []):
        out += [".TP", f".I {troff(path)}", troff(about)]
    out += [".SH SEE ALSO", ", ".join(f"\\fB{troff(other)}\\fR(1)" for other in OTHERS if other != program.name)]
    return "\n".join(out) + "\n"


COMPLETION = """# bash completion for {name}; made by tools/manual.py of its --help
_{function}()
{{
    local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} called={name} word
    local -A commands=({commands}
    )
    local -A options=({options}
    )
    local -A values=({values}
    )
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [[ $word != -* && " ${{commands[$called]-}} " == *" $word "* ]] || break
        called+=" $word"
    done
    COMPREPLY=()
    case ${{values[$called $before]-}} in
    '') ;;
    file) COMPREPLY=($(compgen -f -- "$current")) && return ;;
    *) return ;;
    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "${{options[$called]-}} --help" -- "$current"))
    elif [[ -n ${{commands[$called]-}} ]]; then
        COMPREPLY=($(compgen -W "${{commands[$called]}}" -- "$current"))
    else
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}}
complete -o filenames -F _{function} {name}
"""


def table(entries):
    """Entries of a bash array."""
    return "".join(f"\n        ['{key}']='{value}'" for key, value in entries)


def completion(program):
    """What the shell offers after each word."""
    names, options, values = {}, {}, {}
    for group, _, commands, _ in program.groups:
        for command in commands:
            words = [program.name, *command.words]
            for length in range(1, len(words)):
                names.setdefault(" ".join(words[:length]), []).append(words[length])
            called = " ".join(words)
            options[called] = " ".join(f"--{name}" for name, _, _ in command.options)
            for name, value, _ in command.options:
                if value:
                    is_file = re.match(r"(FILE|DIR|PATH|DB)\b", value)
                    values[f"{called} --{name}"] = "file" if is_file else "other"
    found = [(key, " ".join(dict.fromkeys(words))) for key, words in names.items()]
    return COMPLETION.format(name=program.name, function=program.name.replace("-", "_"), commands=table(found),
                             options=table(options.items()), values=table(values.items()))


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("programs", nargs="+")
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    for path in arguments.programs:
        program = Program(path)
        for suffix, text in ((".1", page(program)), (".bash-completion", completion(program))):
            with open(os.path.join(arguments.out, program.name + suffix), "w", encoding="utf-8") as file:
                file.write(text)


if __name__ == "__main__":
    main()
