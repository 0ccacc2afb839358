#!/usr/bin/env bash
# What `make run` does: the window where there is a display, the same job headless where there is none.
#
#   packaging/try-scribe.sh sample|mic
#
# Everything is kept below ./run (or $SCRIBE_HOME), apart from a person's own recordings.
set -euo pipefail
input=${1:-sample}
export SCRIBE_HOME=${SCRIBE_HOME:-$PWD/run}
python=$(command -v python3)
sample=resources/sample-speech.flac

say() { printf '\n== %s\n' "$*"; }

if [ "$input" != sample ] && [ "$input" != mic ]; then
  echo "INPUT is 'sample' or 'mic', not '$input'." >&2
  exit 2
fi

if [ "$input" = sample ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  say "Opening the window. Everything is kept in $SCRIBE_HOME"
  exec scribe gui
fi

if [ "$input" = mic ]; then
  say "Recording 30 seconds from the microphone"
  record=(--input mic --for 30 --title "Microphone test")
else
  say "There is no display, so Scribe does the same job without a window: it records $sample (a minute and a half of speech) as fast as it can"
  record=(--input "$sample" --speed max --title "Sample meeting")
fi
result=$(scribe record "${record[@]}" --wait --timeout 120 --json | tail -n 1)
echo "$result"
session=$("$python" -c 'import json, sys; print(json.loads(sys.argv[1])["sessionId"])' "$result")

say "Recordings"
scribe sessions

say "Checking the recording against the server's signed receipt"
scribe verify "$session"

mkdir -p "$SCRIBE_HOME/exports"
for format in webm flac; do
  say "Exporting to $format"
  scribe export "$session" --format "$format" --output "$SCRIBE_HOME/exports/$session.$format"
done

say "Where everything lies"
echo "  spool (what this computer keeps)  $SCRIBE_HOME/data/spool"
echo "  built-in server                   $SCRIBE_HOME/data/server"
echo "  exports                           $SCRIBE_HOME/exports"
echo "  logs                              $SCRIBE_HOME/logs"
