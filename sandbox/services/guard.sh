# Runs a program that cannot outlive the process that started this guard, not even after `kill -9`.
#   sh guard.sh <signal> <seconds> <pid file or ""> <program> [arguments…]
# Descriptor 3 is a pipe that only the starting process holds, and the program does not get. When it closes,
# the program gets the signal, and KILL after the seconds. The exit code is the program's, 128 + signal when
# it was killed.

signal=$1 seconds=$2 pidfile=$3
shift 3

"$@" 3<&- &
child=$!
if [ -n "$pidfile" ]; then echo "$child" >"$pidfile"; fi

# The watcher. It ignores what is sent to the group: it must outlast the program, or the guard's own death.
(
  trap '' TERM INT HUP
  read -r _ <&3
  kill -"$signal" "$child" 2>/dev/null
  tenths=$((seconds * 10))
  while [ "$tenths" -gt 0 ] && kill -0 "$child" 2>/dev/null; do
    sleep 0.1
    tenths=$((tenths - 1))
  done
  kill -KILL "$child" 2>/dev/null
) >/dev/null 2>&1 &
watcher=$!
exec 3<&-

trap '' INT HUP
trap 'kill -"$signal" "$child" 2>/dev/null' TERM
while :; do
  wait "$child"
  code=$?
  # A signal to the guard ends `wait` early.
  kill -0 "$child" 2>/dev/null || break
done
kill -KILL "$watcher" 2>/dev/null
if [ "$code" -gt 128 ]; then
  # The program was killed: what it had started itself is still in this process group.
  trap '' TERM
  kill -TERM 0 2>/dev/null
fi
exit "$code"
