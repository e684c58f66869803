#!/usr/bin/env bash
# Prove on a bare Debian 12 that python3, python3-venv and make are enough: `make demo` and `make test`.
#
# A chroot below TMPDIR is filled by debootstrap; the committed state (git HEAD) goes to a path with a space
# and is run by an ordinary user, with this machine's network and pip configuration. All mounts live in a
# namespace of their own and vanish with it, also when the run is killed, before the chroot is removed.
# MIRROR=URL names a Debian mirror; by default the one of this machine's apt is taken.
set -euo pipefail

suite=bookworm
packages=python3,python3-venv,make,ca-certificates
die() { printf '%s\n' "$*" >&2; exit 1; }

find_mirror() {
    {
        sed -n 's/^URIs:[[:space:]]*//p' /etc/apt/sources.list.d/*.sources 2>/dev/null || true
        sed -n 's/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}//p' /etc/apt/sources.list \
            /etc/apt/sources.list.d/*.list 2>/dev/null || true
    } | grep -oE '^https?://[^[:space:]]+' | grep debian | grep -v security | head -n 1
}

# Files of pip's configuration that exist, one a line (an environment's own are left out).
pip_files() { "$python" -m pip config debug | sed -n '/^site:/,/^[a-z]/d; s/^  \(.*\), exists: True$/\1/p'; }

# Absolute paths that pip's configuration or the variables passed on name, one a line.
named_paths() {
    {
        "$python" -m pip config list | sed "s/^[^=]*=//; s/'//g"
        passed | sed 's/^[^=]*=//'
    } | tr ' \n' '\n\n' | sed -n 's#^file://##; /^\//p' | sort -u
}

# NAME=value of every variable that decides how pip reaches its packages.
passed() {
    env | grep -E '^(PIP_[A-Z_]*|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|[A-Za-z]*_(proxy|PROXY))=' || true
}

copy_in() {
    mkdir -p "$root$(dirname "$2")"
    cp -L "$1" "$root$2"
    chmod a+r "$root$2"
}

share_path() {
    if [ -d "$1" ]; then
        mkdir -p "$root$1"
        mount --bind "$1" "$root$1"
        mount -o remount,bind,ro "$root$1"
    elif [ -f "$1" ]; then
        copy_in "$1" "$1"
    fi
}

inside() {
    root=$1 python=$2 mirror=$3 home=/home/tester
    debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
        { tail -n 20 "$root.log" >&2; die "debootstrap failed: is the mirror reachable (MIRROR=URL)?"; }
    mount -t proc proc "$root/proc"
    mkdir -p "$root/dev/shm"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    rm -rf "$root/etc/ssl/certs"
    cp -rL /etc/ssl/certs "$root/etc/ssl/certs"
    chroot "$root" useradd --create-home tester

    pip_files | while read -r file; do
        case $file in
            "$HOME"/*) copy_in "$file" "$home/${file#"$HOME"/}" ;;
            *) copy_in "$file" "$file" ;;
        esac
    done
    named_paths | while read -r path; do
        case $path in
            /etc/ssl/*) ;;
            # the pages of a local index link to files beside its folder
            */simple) share_path "${path%/simple}" ;;
            *) share_path "$path" ;;
        esac
    done

    mkdir "$root$home/a checkout"
    git archive HEAD | tar -x -C "$root$home/a checkout"
    chroot "$root" chown -R tester:tester "$home"
    mapfile -t variables < <(passed)
    chroot --userspec=tester:tester "$root" /usr/bin/env -i \
        HOME="$home" USER=tester LANG=C.UTF-8 PATH=/usr/bin:/bin ${variables[@]+"${variables[@]}"} \
        sh -ec "cd '$home/a checkout'; make demo; make test" </dev/null
}

if [ "${1:-}" = --inside ]; then
    shift
    inside "$@"
    exit
fi

cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ "$(id -u)" -eq 0 ] || die "make fresh needs root: sudo make fresh."
for tool in debootstrap unshare git; do
    command -v "$tool" >/dev/null 2>&1 || die "$tool is not installed: apt-get install debootstrap util-linux git."
done
mirror=${MIRROR:-$(find_mirror || true)}
[ -n "$mirror" ] || die "No Debian mirror was found in this machine's apt sources: give MIRROR=URL."
[ -z "$(git status --porcelain)" ] || echo "Changes that are not committed are left out of the fresh run."
work=$(mktemp -d "${TMPDIR:-/tmp}/yaotan-fresh.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
unshare --mount --propagation private --pid --fork --kill-child \
    bash scripts/fresh.sh --inside "$work/root" "$PWD/.venv/bin/python" "$mirror"
