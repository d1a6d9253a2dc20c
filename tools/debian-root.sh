# shellcheck shell=bash
# Debian roots to build, install and test in. To be sourced; needs root, for debootstrap and chroot.

# What qemu calls the machines that Debian calls so.
declare -rA root_machines=([amd64]=x86_64 [arm64]=aarch64)

# root_emulate ARCH   the kernel starts programs of ARCH through qemu-user (binfmt_misc), or it is said what is missing. Where
# systemd did not start this machine, nobody has told the kernel, though the package brought what to say.
root_emulate() {
    local handlers=/proc/sys/fs/binfmt_misc name=qemu-${root_machines[$1]}
    local rule=/usr/lib/binfmt.d/$name.conf
    [[ $1 != "$(dpkg --print-architecture)" ]] || return 0
    [[ -e $handlers/status ]] || mount -t binfmt_misc binfmt_misc "$handlers" || true
    # This rule alone: without a name all others would be forgotten first, under those who use them.
    [[ -e $handlers/$name || ! -f $rule ]] || /usr/lib/systemd/systemd-binfmt "$rule" || true
    [[ $(cat "$handlers/$name" 2>/dev/null) != enabled* ]] || return 0
    echo "This machine does not start programs for $1: $handlers/$name is not there or not enabled." >&2
    echo "Install what brings $rule (deploy/install-deps --package); in a container, do so on its host." >&2
    return 1
}

# root_make SUITE ARCH DIR   once; the system is in DIR/system, and DIR/made says that it is whole
root_make() {
    local suite=$1 arch=$2 root=$3 qemu=()
    root_emulate "$arch"
    [[ ! -f $root/made ]] || return 0
    rm -rf "$root"
    mkdir -p "$root"
    [[ $arch == "$(dpkg --print-architecture)" ]] || qemu=(--foreign)
    debootstrap --variant=minbase --include=ca-certificates --arch="$arch" "${qemu[@]}" \
        "$suite" "$root/system" "${BT_DEBIAN_MIRROR:-http://deb.debian.org/debian}"
    if [[ ${#qemu[@]} != 0 ]]; then
        # The kernel runs foreign programs through this one where it was not told to keep it open.
        cp "/usr/bin/qemu-${root_machines[$arch]}-static" "$root/system/usr/bin/"
        root_run "$root" /debootstrap/debootstrap --second-stage
    fi
    # apt asks the same way here as outside, through the same proxy if there is one.
    cp /etc/resolv.conf "$root/system/etc/resolv.conf"
    cp /etc/apt/apt.conf.d/*proxy* "$root/system/etc/apt/apt.conf.d/" 2>/dev/null || true
    # Nothing that is installed here is started, nor keeps what it fetched.
    printf '#!/bin/sh\nexit 101\n' >"$root/system/usr/sbin/policy-rc.d"
    chmod 755 "$root/system/usr/sbin/policy-rc.d"
    touch "$root/made"
}

# root_copy_tree DIR PLACE   the tree as git sees it, without what is ignored; PLACE is inside
root_copy_tree() {
    mkdir -p "$1/system$2"
    git ls-files --cached --others --exclude-standard | sort -u |
        while read -r file; do [[ ! -f $file ]] || echo "$file"; done |
        tar --create --no-recursion --files-from=- |
        tar --extract --directory="$1/system$2"
}

# root_run DIR COMMAND…   in /src of the root, where there is one, else in its /. The mounts live in
# a namespace of their own and vanish with it, whatever happens in between. With BT_ROOT_LAYER=LAYER
# everything that is written goes to LAYER/upper, and the root stays as it is.
root_run() {
    local root=$1/system layer=${BT_ROOT_LAYER-}
    shift
    # shellcheck disable=SC2016 # the inner shell expands them
    unshare --mount --pid --fork bash -c '
        set -e
        root=$1 layer=$2 && shift 2
        mount --make-rprivate /
        if [ -n "$layer" ]; then
            mkdir -p "$layer/upper" "$layer/work" "$layer/merged"
            mount -t overlay overlay "$layer/merged" \
                -o "lowerdir=$root,upperdir=$layer/upper,workdir=$layer/work"
            root=$layer/merged
        fi
        mount -t proc proc "$root/proc"
        mount -t tmpfs tmpfs "$root/dev" && mkdir "$root/dev/shm" "$root/dev/pts"
        mount -t tmpfs tmpfs "$root/dev/shm"
        for device in null zero full random urandom tty; do
            touch "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device"
        done
        ln -s /proc/self/fd "$root/dev/fd"
        # Not chroot: who is in one may make no namespaces, and uploads are looked at in some.
        mountpoint --quiet "$root" || mount --rbind "$root" "$root"
        exec python3 - "$root" "$@"
    ' bash "$root" "$layer" "$@" 3<&0 <<'TEXT'
import ctypes, os, subprocess, sys
# The programs inside may be another machine's, whose umount does not work in the emulator.
libc = ctypes.CDLL(None, use_errno=True)
root, *command = sys.argv[1:]
os.mkdir(root + "/dev/outside")
os.chdir(root)
subprocess.run(["pivot_root", ".", "dev/outside"], check=True)
os.chdir("/")
if libc.umount2(b"/dev/outside", 2) != 0:  # MNT_DETACH
    sys.exit("umount of what is outside: " + os.strerror(ctypes.get_errno()))
os.rmdir("/dev/outside")
os.dup2(3, 0)
os.close(3)
os.chdir("/src" if os.path.isdir("/src") else "/")
environment = {"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
environment.update({name: os.environ[name] for name in ("http_proxy", "https_proxy") if name in os.environ})
os.execvpe(command[0], command, environment)
TEXT
}
