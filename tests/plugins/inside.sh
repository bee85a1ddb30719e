#!/bin/sh
# Runs a program inside a chroot made by chroots.sh, as an ordinary user, on this machine's files:
#   tests/plugins/inside.sh ROOT FOLDER... -- PROGRAM [ARGUMENT...]
# The FOLDERs are seen at their own paths. As root Wireshark 4.4 and later load no personal plug-ins:
# so root is mapped to an ordinary uid, which may still read what root may. Nothing stays mounted.
set -eu

if [ "${LEGSHARK_INSIDE:-}" != yes ]; then
    LEGSHARK_INSIDE=yes exec unshare --mount --propagation private -- "$0" "$@"
fi

root=$1
shift
for each in /proc /dev /sys; do
    mount --rbind "$each" "$root$each"
done
while [ "$1" != -- ]; do
    mkdir -p "$root$1"
    mount --rbind "$1" "$root$1"
    shift
done
shift
exec unshare --user --map-user=1 --map-group=1 --root="$root" --wd="$PWD" -- "$@"
