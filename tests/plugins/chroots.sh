#!/bin/sh
# Newer Wiresharks beside the system's own: a Debian of its own each, in a folder, for the tests.
#   tests/plugins/chroots.sh [FOLDER]      makes FOLDER/trixie (Wireshark 4.4) and FOLDER/sid (4.6)
# Needs root and debootstrap. Archive, keyring and proxy are those of this system's apt; what is
# there already stays. FOLDER is ~/.cache/legshark/chroots if not given.
# tests/plugins/inside.sh runs a program in one of them.
set -eu

folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/legshark/chroots}
packages="tshark wireshark fonts-dejavu-core"

stop() {
    echo "chroots: $*" >&2
    exit 1
}

# Prints the archive that this system's apt takes Debian from.
archive() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1
}

keyring() {
    for ring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
        if [ -r "$ring" ]; then
            echo "$ring"
            return
        fi
    done
}

# How to reach the archive: names, proxy, authorities.
take_over_network() {
    cp -L /etc/resolv.conf /etc/hosts "$1/etc/" 2>/dev/null || true
    apt-config dump | grep -i -E '^Acquire::(https?|ftp|proxy)' >"$1/etc/apt/apt.conf.d/90host" || true
    if [ -r /etc/ssl/certs/ca-certificates.crt ]; then
        mkdir -p "$1/etc/ssl/certs"
        cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
    fi
}

inside() {
    chroot "$root" env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

make() {
    suite=$1 root=$folder/$1
    # sid may be read from a mirror, or a snapshot, that stands still: its date does not count.
    rm -rf "$root" &&
        debootstrap --variant=minbase ${ring:+--keyring="$ring"} "$suite" "$root" "$mirror" &&
        take_over_network "$root" &&
        inside apt-get -q -o Acquire::Check-Valid-Until=false update &&
        inside apt-get -q -y -o Dpkg::Options::=--force-unsafe-io install --no-install-recommends $packages &&
        inside apt-get clean &&
        mkdir -p "$root/tmp/.X11-unix" &&
        touch "$root/.ready"
}

[ "$(id -u)" -eq 0 ] || stop "root is needed to make them"
command -v debootstrap >/dev/null || stop "debootstrap is missing: apt-get install debootstrap"
command -v apt-get >/dev/null || stop "not a Debian system"
mirror=$(archive)
[ -n "$mirror" ] || { apt-get -qq update && mirror=$(archive); }
[ -n "$mirror" ] || stop "apt is not configured for a Debian archive"
ring=$(keyring)
mkdir -p "$folder"
for each in trixie sid; do
    [ -e "$folder/$each/.ready" ] && continue
    echo "chroots: making $folder/$each" >&2
    make "$each" >"$folder/$each.log" 2>&1 || stop "could not make $each, see $folder/$each.log"
done
