#!/usr/bin/env bash
# Installs what the tests need beside Go, and says nothing if all of it is there:
#   gcc        the race detector links with it
#   ffmpeg     encoder, players and judge of most tests
#   pebble     the certificate authority that ACME is tested with
#   rtmpdump   a player that is not ffmpeg: librtmp
#   chromium   a viewer's browser, if RESTREAMD_BROWSER is set
#   node       with hls-parser, the strict reader of playlists
#   GStreamer  the encoders that are not ffmpeg: rtmpsink and rtmp2sink, fed by x264enc and flvmux
set -euo pipefail

missing=()
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
if ! command -v ffmpeg >/dev/null || ! command -v ffprobe >/dev/null; then
    missing+=(ffmpeg)
fi

# Each element with the package that brings it.
elements="
    videotestsrc:gstreamer1.0-plugins-base
    audiotestsrc:gstreamer1.0-plugins-base
    flvmux:gstreamer1.0-plugins-good
    rtmpsink:gstreamer1.0-plugins-bad
    rtmp2sink:gstreamer1.0-plugins-bad
    voaacenc:gstreamer1.0-plugins-bad
    x264enc:gstreamer1.0-plugins-ugly
"
command -v gst-launch-1.0 >/dev/null || missing+=(gstreamer1.0-tools)
for entry in $elements; do
    gst-inspect-1.0 --exists "${entry%%:*}" 2>/dev/null || missing+=("${entry##*:}")
done

if [ ${#missing[@]} -gt 0 ]; then
    "$(dirname "$0")/install-packages.sh" "${missing[@]}"
fi

# Not every distribution has these; the tests that need them are skipped without. A browser is large: it is for who asks.
for program in pebble rtmpdump ${RESTREAMD_BROWSER:+chromium}; do
    command -v "$program" >/dev/null || "$(dirname "$0")/install-packages.sh" "$program" ||
        echo "No $program here: its tests are skipped" >&2
done

# Playlists are read by a parser that is not ours, into .bin beside other tools.
hls_parser=0.16.1
cd "$(dirname "$0")/.."
command -v node >/dev/null && command -v npm >/dev/null || ./scripts/install-packages.sh nodejs npm ||
    echo "No node here: playlists are read by our own tests alone" >&2
if command -v npm >/dev/null && ! grep -qs "\"version\": \"$hls_parser\"" .bin/hls/node_modules/hls-parser/package.json; then
    npm install --silent --no-audit --no-fund --prefix .bin/hls "hls-parser@$hls_parser" >/dev/null ||
        echo "No hls-parser here: playlists are read by our own tests alone" >&2
fi
