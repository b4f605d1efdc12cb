#!/usr/bin/env bash
# Installs the named Debian packages. Elsewhere it says what is missing and how to get it.
set -euo pipefail

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "Missing: $packages. Install them as root: apt-get install $packages" >&2
        exit 1
    fi
}

packages="$*"
if command -v apt-get >/dev/null; then
    echo "Installing $packages"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
    exit 0
fi

echo "Missing (Debian's names): $packages. They can be installed here only by hand:" >&2
if command -v dnf >/dev/null; then
    echo "  sudo dnf install ffmpeg     # the one from rpmfusion.org: Fedora's own ffmpeg-free has no H.264 encoder" >&2
elif command -v brew >/dev/null; then
    echo "  brew install ffmpeg" >&2
else
    echo "  get ffmpeg 5.1 or newer, with libx264, from your distribution or https://ffmpeg.org/download.html" >&2
fi
exit 1
