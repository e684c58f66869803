#!/bin/sh
# Build the project's own Python environment, or do nothing when it is there.
#
# .venv is a link to .venv-<key>. The key is the hash of pyproject.toml, constraints.txt, the Python that is
# used and the place of the checkout (an environment cannot be moved). A folder .venv-<key> without its stamp
# is a leftover of a run that was killed, and is removed; .venv is switched only when all is installed.
#
# usage: scripts/environment.sh [PYTHON]      from the top of the checkout
set -eu

die() { printf '%s\n' "$*" >&2; exit 1; }

wanted=${1:-}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
has_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

python=
without_venv=
if [ -n "$wanted" ]; then
    command -v "$wanted" >/dev/null 2>&1 || die "PYTHON=$wanted cannot be found: give the path of a Python >= 3.11."
    new_enough "$wanted" || die "PYTHON=$wanted is older than 3.11: give a newer one."
    has_venv "$wanted" || die "PYTHON=$wanted has no venv module: install it (Debian, Ubuntu: apt-get install python3-venv)."
    python=$wanted
else
    for candidate in python3.13 python3.12 python3.11 python3; do
        command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate" || continue
        if has_venv "$candidate"; then
            python=$candidate
            break
        fi
        without_venv=${without_venv:-$candidate}
    done
fi
if [ -z "$python" ]; then
    [ -z "$without_venv" ] ||
        die "$without_venv has no venv module: install it (Debian, Ubuntu: apt-get install python3-venv)."
    die "No Python >= 3.11 was found: install one (Debian 12, Ubuntu 24.04: apt-get install python3 python3-venv) or give PYTHON=/path/to/python."
fi

key=$("$python" - <<'PY'
import hashlib
import os
import sys

digest = hashlib.sha256()
for name in ("pyproject.toml", "constraints.txt"):
    with open(name, "rb") as stream:
        digest.update(stream.read())
digest.update("\0".join((sys.version, os.path.realpath(sys.executable), os.getcwd())).encode())
print(digest.hexdigest()[:12])
PY
)
folder=.venv-$key

if [ ! -f "$folder/.complete" ]; then
    printf 'Building the environment %s with %s ...\n' "$folder" "$("$python" --version 2>&1)"
    rm -rf "$folder"
    "$python" -m venv "$folder"
    # the user's configuration holds, but not an install outside of this environment
    export PIP_USER=0
    pip() { "$folder/bin/python" -m pip "$@" </dev/null; }
    # the build back end comes from the constraints too: pip would fetch its newest release into isolation
    pip install -qq --disable-pip-version-check -c constraints.txt hatchling editables
    pip install -qq --disable-pip-version-check -c constraints.txt --no-build-isolation -e ".[dev]"
    : > "$folder/.complete"
fi

if [ "$(readlink .venv 2>/dev/null || true)" != "$folder" ]; then
    [ -L .venv ] || [ ! -e .venv ] || die ".venv is not a link made by this project: move it away first."
    rm -f .venv.next
    ln -s "$folder" .venv.next
    # python renames over the old link in one step on every system; mv would go into the folder
    "$python" -c 'import os; os.replace(".venv.next", ".venv")'
    for other in .venv-*; do
        [ "$other" = "$folder" ] || rm -rf "$other"
    done
fi
