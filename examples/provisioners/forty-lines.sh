#!/bin/sh
# A whole provisioner, as docs/provisioners.md tells how to write one: machines are processes
# of this host, each in a folder of its own below `config`. Needs jq and util-linux.
set -u; umask 077
request=$(cat)
ask() { printf %s "$request" | jq -r "$1"; }
say() { jq -c '{contract: "headcount/v1"} + .'; }
fail() { jq -n --arg k "$2" --arg m "$3" '{error: {kind: $k, message: $m}}' | say; exit "$1"; }
[ "$(ask .contract)" = headcount/v1 ] || fail 14 invalid "this speaks headcount/v1 alone"
home=$(ask '(.config // "/var/tmp/machines") + "/" + .owner'); mkdir -p "$home"
name=$(ask '.machine.name // empty'); box=$home/$name
alive() { grep -qzx "HEADCOUNT_MACHINE_DIR=$1" "/proc/$(cat "$1/pid")/environ" 2>/dev/null; }
show() { # a machine: its marks, as they were given, and how it stands
  if alive "$1" 2>/dev/null; then status=running; elif [ -s "$1/pid" ]; then status=ended; else status=starting; fi
  jq -c --arg s "$status" '. + {id: .name, status: $s}' "$1/machine.json" 2>/dev/null
}
exec 9>"$home/.lock"
case "${1-}" in
create)
  flock 9; mkdir -p "$box"
  ask .machine >"$box/new" && mv "$box/new" "$box/machine.json"
  ask .startUp.script >"$box/start"; chmod 700 "$box/start"
  if [ ! -s "$box/pid" ]; then # out of our process group, or it would end with us
    HEADCOUNT_MACHINE_DIR=$box setsid flock -nF "$box/one" sh -c 'echo $$ >"$0/pid"; exec "$0/start"' "$box" \
      </dev/null >"$box/log" 2>&1 9>&- &
  fi
  until [ -s "$box/pid" ]; do sleep 0.01; done
  show "$box" | jq '{machine: .}' | say ;;
list)
  for it in "$home"/*/; do show "${it%/}"; done | jq -s --arg p "$(ask '.pool // empty')" \
    '{complete: true, machines: map(select($p == "" or .pool == $p))}' | say ;;
status) [ -e "$box/machine.json" ] || fail 15 not-found "no machine $name"; show "$box" | jq '{machine: .}' | say ;;
destroy)
  flock 9; tries=$(ask '.graceSeconds * 20')
  if [ -s "$box/pid" ] && alive "$box"; then kill "$(cat "$box/pid")"; fi
  while [ "$tries" -gt 0 ] && [ -s "$box/pid" ] && alive "$box"; do sleep 0.05; tries=$((tries - 1)); done
  while they=$(grep -lzx "HEADCOUNT_MACHINE_DIR=$box" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3); [ -n "$they" ]; do kill -9 $they; done
  rm -rf "$box"; echo '{}' | say ;;
*) fail 14 invalid "no verb ${1-}" ;;
esac
