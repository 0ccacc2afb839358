#!/usr/bin/env bash
# Makes resources/sample-speech.flac: two voices that talk for about 95 s (espeak-ng, ffmpeg).
#
#   packaging/make-sample-speech.sh
set -euo pipefail
cd "$(dirname "$0")/.."

OUTPUT=resources/sample-speech.flac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

turn=0
: >"$work/list"
say() { # VOICE PITCH TEXT
  local file
  file=$(printf '%s/%02d.wav' "$work" "$turn")
  espeak-ng -v "$1" -p "$2" -s 187 -w "$file" "$3"
  echo "file '$file'" >>"$work/list"
  turn=$((turn + 1))
}
anna() { say en-us+f3 60 "$1"; }
ben() { say en-gb+m3 35 "$1"; }

anna "Good morning, Ben. Shall we start? I have switched the recorder on, so we can both listen."
ben "Good morning. Yes, let us start. Three things today: the new release, the visit from Leeds, and the budget."
anna "Then the release first. We fixed fourteen of the sixteen reports. Two are left, and both are small."
ben "Which two? I remember the one about the clock, when a laptop wakes up after the weekend."
anna "That one, and the wrong icon in dark mode. I think we can ship on Thursday without the second."
ben "I agree. Thursday it is. Please write it down: release on Thursday, the icon in the week after."
anna "Done. Now the visit. They arrive on Tuesday at a quarter past nine, five people, and they stay until four."
ben "Is the large room free? Last time we sat in the small one, and nobody could see the screen."
anna "I booked the large one. Lunch is at half past twelve. One of them eats no fish, and two are vegetarians."
ben "Good. I will show them how a recording survives when I pull out the network cable. They always like that."
anna "And then pull out the microphone too. Last time they did not believe that the length stays exact."
ben "To the sample. I will show them the receipt. Now the budget. We have spent sixty one percent, and it is August."
anna "So we are a little below the plan. Could we use that for a second server, in another building?"
ben "Ask for two offers. If it stays under four thousand a year, I will sign it before the end of the month."
anna "I will have the offers by Friday. That is all from me. Anything else on your side?"
ben "Only one thing: thank you for the night shift on Sunday. Nobody lost a single minute of sound."
anna "That is what it is for. Then I stop the recording here. See you on Thursday."

ffmpeg -v error -y -f concat -safe 0 -i "$work/list" -af "volume=-3dB" \
  -ac 1 -sample_fmt s16 -compression_level 12 -map_metadata -1 -fflags +bitexact "$OUTPUT"
ffprobe -v error -show_entries stream=sample_rate,channels:format=duration,size \
  -of default=noprint_wrappers=1 "$OUTPUT"
