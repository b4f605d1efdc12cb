#!/usr/bin/env bash
# Installs what the tests need beside Go, and says nothing if all of it is there:
#   gcc        the race detector links with it
#   ffmpeg     encoder, players and judge of most tests
#   pebble     the certificate authority that ACME is tested with
#   rtmpdump   a player that is not ffmpeg: librtmp
#   versitygw  the S3 server that recordings are uploaded to, built into .bin: a minute on two cores, once
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

# Pinned, as the linter is.
versitygw=v1.8.0
bin="$(cd "$(dirname "$0")/.." && pwd)/.bin"
if ! go version -m "$bin/versitygw" 2>/dev/null | grep -qw "$versitygw"; then
    GOBIN="$bin" go install "github.com/versity/versitygw/cmd/versitygw@$versitygw" ||
        echo "No versitygw here: the tests of uploads are skipped" >&2
fi

# Playlists are read by a parser that is not ours, into .bin beside other tools. It needs nothing but node.
hls_parser=0.16.1
parser="$bin/hls/node_modules/hls-parser"
command -v node >/dev/null || "$(dirname "$0")/install-packages.sh" nodejs ||
    echo "No node here: playlists are read by our own tests alone" >&2
if command -v node >/dev/null && ! grep -qs "\"version\": \"$hls_parser\"" "$parser/package.json"; then
    command -v curl >/dev/null || "$(dirname "$0")/install-packages.sh" curl ca-certificates || true
    mkdir -p "$parser"
    curl -fsSL "https://registry.npmjs.org/hls-parser/-/hls-parser-$hls_parser.tgz" | tar xz -C "$parser" --strip-components 1 ||
        echo "No hls-parser here: playlists are read by our own tests alone" >&2
fi
