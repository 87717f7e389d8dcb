#!/usr/bin/env bash
# Fills .venv/ with the project and all it is developed with, at the versions of constraints.txt, and installs the
# system packages that are missing. Quick when nothing is to be done; a second one at the same time waits.
# setup.sh EXTRA adds one of the extras of pyproject.toml, such as the open tools for bitstreams, or what the file
# scripts/EXTRA.txt lists, as it stands there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=.venv
STAMP=$VENV/.setup-done
INPUTS=(pyproject.toml constraints.txt scripts/setup.sh)
LEAST_PYTHON="3, 11"
DATA_SET=/usr/share/datasets/fashion-mnist
TRIES=3

say() { echo "setup: $*"; }
die() { echo "setup: error: $*" >&2; exit 1; }

# The first Python that is new enough; one named in PYTHON goes first.
find_python() {
    local name
    for name in ${PYTHON:-} python3.11 python3 python3.12 python3.13 /usr/bin/python3.11 /usr/bin/python3; do
        if "$name" -c "import sys; sys.exit(sys.version_info < ($LEAST_PYTHON))" 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    die "no Python 3.11 or newer; install one (apt-get install python3.11), or name it: make setup PYTHON=/path/to/python3"
}

# Debian's name for the package that brings the venv module of an interpreter.
venv_package() {
    "$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
}

missing_packages() {
    local python=$1
    command -v g++ >/dev/null || echo g++ # Verilator builds its models with it
    command -v iverilog >/dev/null || echo iverilog
    command -v yosys >/dev/null || echo yosys
    command -v tclsh >/dev/null || echo tcl # runs the scripts for Vivado under test
    [ -d "$DATA_SET" ] || echo dataset-fashion-mnist
    "$python" -c "import ensurepip, venv" 2>/dev/null || venv_package "$python"
    libpython_there "$python" || "$python" -c 'import sys; print("libpython%d.%d" % sys.version_info[:2])'
}

# The simulators load Python as a shared library, which Debian has in a package of its own.
libpython_there() {
    "$1" -c '
import ctypes, sys, sysconfig
name = sysconfig.get_config_var("INSTSONAME") or ""
folder = sysconfig.get_config_var("LIBDIR") or ""
for path in (f"{folder}/{name}", name):
    try:
        ctypes.CDLL(path)
        sys.exit(0)
    except OSError:
        pass
sys.exit(1)' 2>/dev/null
}

install_packages() {
    local packages=("$@") root=()
    command -v apt-get >/dev/null || die "no apt-get here; install these in your system's way: ${packages[*]}"
    if [ "$(id -u)" != 0 ]; then
        root=(sudo)
        if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            die "these packages are missing and you are not root; ask for: apt-get install ${packages[*]}"
        fi
    fi
    say "installing ${packages[*]}"
    local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
    "${apt[@]}" update || say "apt-get update failed; going on with the package lists there are"
    "${apt[@]}" install -y --no-install-recommends "${packages[@]}" ||
        die "could not install ${packages[*]}; run: apt-get install ${packages[*]}"
}

# pip retries a single download; this retries what it gave up on.
pip_install() {
    local try
    for try in $(seq "$TRIES"); do
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --retries 10 \
            --constraint constraints.txt "$@" && return
        [ "$try" = "$TRIES" ] || { say "pip failed (try $try of $TRIES); again in $((5 * try)) s"; sleep $((5 * try)); }
    done
    die "pip could not install $*; its own words are above"
}

wanted_stamp() {
    { pwd && cat "${INPUTS[@]}"; } | sha256sum
}

venv_works() {
    "$VENV/bin/python" -c "import pip" 2>/dev/null
}

main() {
    local python packages
    exec 9<scripts/setup.sh
    flock 9

    if venv_works; then python=$VENV/bin/python; else python=$(find_python); fi
    mapfile -t packages < <(missing_packages "$python")
    [ ${#packages[@]} = 0 ] || install_packages "${packages[@]}"

    [ "$(venv_works && cat "$STAMP" 2>/dev/null)" = "$(wanted_stamp)" ] || fill_venv "$python"
    [ $# = 0 ] || add_extra "$1"
}

fill_venv() {
    local python=$1
    rm -f "$STAMP"*
    if ! venv_works; then
        say "making $VENV with $python"
        "$python" -m venv --clear "$VENV"
    fi
    say "installing Python packages into $VENV; the first time takes some minutes"
    pip_install hatchling editables
    pip_install --no-build-isolation --editable '.[dev]'
    wanted_stamp >"$STAMP"
    say "done"
}

add_extra() {
    [ "$(cat "$STAMP-$1" 2>/dev/null)" != "$(wanted_stamp)" ] || return 0
    say "installing the extra $1 into $VENV"
    if [ -f "scripts/$1.txt" ]; then
        pip_install --no-deps --requirement "scripts/$1.txt"
    else
        pip_install --no-build-isolation --editable ".[$1]"
    fi
    wanted_stamp >"$STAMP-$1"
}

main "$@"
