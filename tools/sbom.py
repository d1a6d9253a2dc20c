#!/usr/bin/python3
"""Writes what a package's programs link to as a CycloneDX document (a bill of materials).

Usage: tools/sbom.py PACKAGE VERSION DIR

DIR is the package's tree; the document becomes DIR/usr/share/doc/PACKAGE/bom.cdx.json. Libraries are named by the
Debian packages they come from, which is how Debian's security notices name them. Needs dpkg and objdump.
"""

import datetime
import json
import os
import re
import subprocess
import sys
import uuid


def run(*command):
    """Standard output of what must succeed."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def programs_of(tree):
    """Every ELF file in the package."""
    for directory, _, names in sorted(os.walk(tree)):
        for name in sorted(names):
            path = os.path.join(directory, name)
            if os.path.islink(path):
                continue
            with open(path, "rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def libraries_of(program):
    """The names the loader will look for."""
    objdump = run("dpkg-architecture", "-qDEB_HOST_GNU_TYPE").strip() + "-objdump"
    return re.findall(r"^ +NEEDED +(\S+)$", run(objdump, "-p", program), re.MULTILINE)


def package_of(library):
    """(name, version, source) of the Debian package that has the library."""
    triplet = run("dpkg-architecture", "-qDEB_HOST_MULTIARCH").strip()
    architecture = run("dpkg-architecture", "-qDEB_HOST_ARCH").strip()
    for place in (f"/usr/lib/{triplet}", f"/lib/{triplet}"):
        found = subprocess.run(["dpkg-query", "--search", f"{place}/{library}"], capture_output=True, text=True,
                               check=False).stdout
        if found:
            name = found.split(":", 1)[0]
            shown = run("dpkg-query", "--show", "--showformat=${Package}\t${Version}\t${source:Package}",
                        f"{name}:{architecture}")
            return tuple(shown.split("\t"))
    sys.exit(f"no package has {library}")


def component(package, version, source):
    """One library's package."""
    suite = {key: value.strip('"') for key, value in
             (line.split("=", 1) for line in open("/etc/os-release", encoding="utf-8").read().splitlines() if "=" in line)}
    reference = f"pkg:deb/debian/{package}@{version}?distro=debian-{suite.get('VERSION_ID', 'sid')}&upstream={source}"
    return {"type": "library", "bom-ref": reference, "name": package, "version": version, "purl": reference}


def main():
    """See the top of this file."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    package, version, tree = sys.argv[1:]
    made = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    found = {package_of(library) for program in programs_of(tree) for library in libraries_of(program)}
    components = [component(*one) for one in sorted(found)]
    own = {"type": "application", "bom-ref": f"pkg:deb/{package}@{version}", "name": package, "version": version,
           "licenses": [{"license": {"id": "MIT"}}]}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        # The same contents have the same name, so that two builds are alike.
        "serialNumber": "urn:uuid:" + str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([own, components]))),
        "version": 1,
        "metadata": {"timestamp": made.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": own},
        "components": components,
        "dependencies": [{"ref": own["bom-ref"], "dependsOn": [one["bom-ref"] for one in components]}],
    }
    place = os.path.join(tree, "usr/share/doc", package)
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, "bom.cdx.json"), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
