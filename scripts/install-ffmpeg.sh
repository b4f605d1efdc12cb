#!/usr/bin/env bash
# Installs ffmpeg if it is missing, and says nothing if it is there.
set -euo pipefail

if command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null; then
    exit 0
fi
exec "$(dirname "$0")/install-packages.sh" ffmpeg
