#!/bin/sh
# forty-lines.sh with leases: each owner has one moment in a file, which `renew` writes, and
# `others` shows what other owners have. Needs jq and util-linux.
set -u; umask 077
request=$(cat)
ask() { printf %s "$request" | jq "$@"; }
fail() { jq -nc --arg k "$2" --arg m "$3" '{contract: "headcount/v1", error: {kind: $k, message: $m}}'; exit "$1"; }
eval "$(ask -r '@sh "contract=\(.contract) owner=\(.owner) pool=\(.pool // "") name=\(.machine.name // "")
  grace=\(.graceSeconds // 0) others=\(.others // false) until=\(.leaseUntil // "") root=\(.config // "/var/tmp/machines")"')"
[ "$contract" = headcount/v1 ] || fail 14 invalid "this speaks headcount/v1 alone"
home=$root/$owner; box=$home/$name; mkdir -p "$home"
alive() { [ -s "$1/pid" ] && grep -qzx "HEADCOUNT_MACHINE_DIR=$1" "/proc/$(cat "$1/pid")/environ" 2>/dev/null; }
show() { # a machine: its marks, as they were given or renewed, and how it stands
  lease=$(cat "${1%/*}/lease" 2>/dev/null)
  if alive "$1"; then status=running; elif [ -s "$1/pid" ]; then status=ended; else status=starting; fi
  jq -c --arg s "$status" --arg u "$lease" '. + {id: .name, status: $s}
    | if .leaseSeconds and $u != "" then .leaseUntil = $u else . end' "$1/machine.json" 2>/dev/null
}
one() { show "$box" | jq -c '{contract: "headcount/v1", machine: .}'; }
exec 9>"$home/.lock"
case "${1-}" in
create)
  flock 9; mkdir -p "$box"
  ask .machine >"$box/new" && mv "$box/new" "$box/machine.json"
  ask -r .startUp.script >"$box/start"; chmod 700 "$box/start"
  if [ ! -s "$box/pid" ]; then # out of our process group, or it would end with us
    HEADCOUNT_MACHINE_DIR=$box setsid flock -nF "$box/one" sh -c 'echo $$ >"$0/pid"; exec "$0/start"' "$box" \
      </dev/null >"$box/log" 2>&1 9>&- &
  fi
  until [ -s "$box/pid" ]; do sleep 0.01; done
  one ;;
list)
  for it in "$root"/*/*/; do
    it=${it%/}
    if [ "$others" = true ]; then [ "${it%/*}" != "$home" ]; else [ "${it%/*}" = "$home" ]; fi && show "$it"
  done | jq -sc --arg p "$pool" \
    '{contract: "headcount/v1", complete: true, machines: map(select($p == "" or .pool == $p))}' ;;
renew) # whole at once, for whoever reads it meanwhile
  printf '%s\n' "$until" >"$home/.lease.new" && mv "$home/.lease.new" "$home/lease"
  echo '{"contract": "headcount/v1"}' ;;
status) [ -e "$box/machine.json" ] || fail 15 not-found "no machine $name"; one ;;
destroy)
  flock 9; tries=$((grace * 20)); alive "$box" && kill "$(cat "$box/pid")"
  while [ "$tries" -gt 0 ] && alive "$box"; do sleep 0.05; tries=$((tries - 1)); done
  while they=$(grep -lzx "HEADCOUNT_MACHINE_DIR=$box" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3); [ -n "$they" ]; do kill -9 $they; done
  rm -rf "$box"; echo '{"contract": "headcount/v1"}' ;;
*) fail 14 invalid "no verb ${1-}" ;;
esac
