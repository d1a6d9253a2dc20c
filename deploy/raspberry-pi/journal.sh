# shellcheck shell=bash disable=SC2154 # its variables are those of setup
# The journal of setup, which sources this: what was there before a file was changed, kept first, so that it can be given back to
# the byte (/var/lib/bangtin-setup: steps, saved/, made/, undone).
#
# Used from there: root, boot, work (a directory for what is being written), action, checking, changes, step. Its own: journal,
# recorded (by path: file, absent, dir).

declare -A recorded=()

journal_open() {
    journal=$root/var/lib/bangtin-setup
    rm -rf "$journal.gone"
    [[ -f $journal/steps ]] || return 0
    local kind path
    # A power cut may have left half a line; what it was to say had not begun.
    while IFS=$'\t' read -r _ kind path; do
        [[ -z $path || -z $kind ]] || recorded[$path]=$kind
    done <"$journal/steps"
    [[ -z $(tail -c 1 "$journal/steps") ]] || echo >>"$journal/steps"
}

# The journal holds copies of what only root may read.
journal_begin() { [[ -d $journal ]] || mkdir -m 0700 "$journal"; }

record() {
    journal_begin
    printf '%s\t%s\t%s\n' "$step" "$1" "$2" >>"$journal/steps"
    recorded[$2]=$1
    sync "$journal/steps"
}

remember_parents() {
    local path=$1 missing=()
    while [[ ! -d $root$path ]]; do
        missing=("$path" "${missing[@]}")
        path=${path%/*}
    done
    for path in "${missing[@]}"; do
        [[ -v recorded[$path] ]] || record dir "$path"
        mkdir "$root$path"
    done
}

# What is there now, before the first change.
remember() {
    [[ ! -v recorded[$1] ]] || return 0
    if [[ -e $root$1 || -L $root$1 ]]; then
        mkdir -p "$journal/saved${1%/*}"
        cp -a "$root$1" "$journal/saved$1~"
        # Its bytes before its name: what is recorded below outlives a power cut, and must not be of an empty file.
        [[ -L $journal/saved$1~ ]] || sync "$journal/saved$1~"
        mv -T "$journal/saved$1~" "$journal/saved$1"
        record file "$1"
    else
        record absent "$1"
    fi
}

would_change() {
    changes=$((changes + 1))
    [[ $action != dry ]] || say "    $1"
    $checking
}

# put MODE PATH <text, put MODE PATH FILE   an existing file keeps its own mode and owner
put() {
    local text
    if [[ -n ${3-} ]]; then
        cp "$3" "$work/new"
    else
        IFS= read -r -d '' text || true
        printf %s "$text" >"$work/new"
    fi
    [[ -L $root$2 || ! -f $root$2 ]] || ! cmp -s "$work/new" "$root$2" || return 0
    ! would_change "$2" || return 0
    remember_parents "${2%/*}"
    remember "$2"
    mkdir -p "$journal/made${2%/*}"
    cp "$work/new" "$journal/made$2~"
    if [[ -f $root$2 ]]; then
        cp -a "$root$2" "$root$2.bangtin~"
        cat "$work/new" >"$root$2.bangtin~"
    else
        install -m "$1" "$work/new" "$root$2.bangtin~"
    fi
    sync "$root$2.bangtin~"
    mv -T "$root$2.bangtin~" "$root$2"
    # FAT keeps no order: what the firmware reads must not wait for the last step.
    [[ $2 != "$boot"/* ]] || sync -f "$root$boot"
    mv -T "$journal/made$2~" "$journal/made$2"
}

link() {
    [[ ! -L $root$2 || $(readlink "$root$2") != "$1" ]] || return 0
    ! would_change "$2" || return 0
    remember_parents "${2%/*}"
    remember "$2"
    ln -sfn "$1" "$root$2.bangtin~"
    mv -T "$root$2.bangtin~" "$root$2"
}

unmask() {
    [[ -L $root$1 && $(readlink "$root$1") == /dev/null ]] || return 0
    would_change "$1" || { remember "$1" && rm "$root$1"; }
}

# Unlocking the root takes that word away while the journal cannot be written.
without_lock() { sed 's/ *overlayroot=[^ ]*//' "$1"; }

# Somebody changed by hand what we had written: that is not lost, it is kept beside.
keep_by_hand() {
    local ours
    [[ -f $root$1 && ! -L $root$1 ]] || return 0
    for ours in "$journal/made$1" "$journal/made$1~" "$journal/saved$1"; do
        [[ ! -f $ours ]] || ! cmp -s <(without_lock "$root$1") <(without_lock "$ours") || return 0
    done
    [[ -d $journal.kept ]] || mkdir -m 0700 "$journal.kept"
    cp -a "$root$1" "$journal.kept/$(basename "$1")"
    say "    $1: có người đã sửa; bản sửa ở / was changed by hand, kept in /var/lib/bangtin-setup.kept"
}

give_back() {
    keep_by_hand "$2"
    rm -f "$root$2.bangtin~"
    case $1 in
    absent) rm -f "$root$2" ;;
    dir) rmdir "$root$2" 2>/dev/null || true ;;
    file)
        cp -a "$journal/saved$2" "$root$2.bangtin~"
        mv -T "$root$2.bangtin~" "$root$2"
        ;;
    esac
}

files_undo() {
    local name kind path
    [[ -f $journal/steps ]] || return 0
    tac "$journal/steps" | while IFS=$'\t' read -r name kind path; do
        [[ $name != "$1" || -z $path ]] || give_back "$kind" "$path"
    done
}

# A folder of one step may have held what another one, undone later, had put there.
folders_undo() {
    local kind path
    [[ -f $journal/steps ]] || return 0
    tac "$journal/steps" | while IFS=$'\t' read -r _ kind path; do
        [[ $kind != dir || -z $path ]] || give_back dir "$path"
    done
}
