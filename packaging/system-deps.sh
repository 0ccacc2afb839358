#!/usr/bin/env bash
# Installs the system packages that Scribe needs. Idempotent: what is there is left alone.
#
#   packaging/system-deps.sh run     to record: sound, window, tray, keyring
#   packaging/system-deps.sh test    the same, and what the tests use as real parts
#   packaging/system-deps.sh bench   to record, and what the benchmarks compare with
set -euo pipefail

RUN="python3-venv libportaudio2 libasound2-plugins libpulse0
 libgl1 libegl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libglib2.0-0 fonts-dejavu-core
 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0"
TEST="git pulseaudio pulseaudio-utils xvfb openbox tint2 scrot xdotool x11-utils x11-xserver-utils
 dbus dbus-bin gnome-keyring espeak-ng ffmpeg procps chromium
 swift-proxy swift-account swift-container swift-object memcached
 strace xfsprogs e2fsprogs util-linux mount iproute2 gcc libc6-dev"
BENCH="postgresql opus-tools ffmpeg espeak-ng procps"

case "${1:-}" in
  run) packages=$RUN ;;
  test) packages="$RUN $TEST" ;;
  bench) packages="$RUN $BENCH" ;;
  *) sed -n '2,7p' "$0"; exit 2 ;;
esac

missing_from_dpkg() {
  local package
  for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_with_apt() {
  # A Python or Node that is not Debian's own brings what these packages would.
  if python3 -c 'import ensurepip' 2>/dev/null; then packages=${packages/python3-venv/}; fi
  if [ "$1" != run ] && ! command -v npm >/dev/null; then packages="$packages nodejs npm"; fi
  local missing
  missing=$(missing_from_dpkg)
  [ -n "$missing" ] || return 0
  echo "Installing system packages:" $missing
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -q
  # shellcheck disable=SC2086 # one word per package
  as_root apt-get install -y -q --no-install-recommends $missing
}

tell() {
  echo "Please install the system packages yourself, then run this again:" >&2
  echo "  $1" >&2
}

if command -v apt-get >/dev/null; then
  install_with_apt "$1"
elif command -v dnf >/dev/null; then
  tell "sudo dnf install python3 portaudio alsa-plugins-pulseaudio pulseaudio-libs mesa-libGL mesa-libEGL libxkbcommon-x11 xcb-util-cursor xcb-util-keysyms xcb-util-wm dejavu-sans-fonts"
elif command -v pacman >/dev/null; then
  tell "sudo pacman -S python portaudio alsa-plugins libpulse mesa libxkbcommon-x11 xcb-util-cursor xcb-util-keysyms xcb-util-wm ttf-dejavu"
elif command -v brew >/dev/null; then
  tell "brew install python portaudio"
else
  tell "PortAudio, the ALSA plugins for PulseAudio, OpenGL and xkbcommon, with your system's package manager"
fi
