"""Tasks of every kind that would like to survive. Each says `up-KIND` when all of it runs."""

KINDS = ("deaf", "session", "orphan", "stopped", "printing", "sleeping", "grandchildren", "tree")

SCRIPT = """#!/bin/sh
# $1: kind, $2: the directory where to say that all of it runs
up() { touch "$2/up-$1"; }
case $1 in
  deaf) trap '' TERM INT HUP; up "$@"; while :; do sleep 1; done ;;
  session) setsid sleep 86401 & sleep 0.1; up "$@"; wait ;;
  orphan) (cd / && setsid env -i sh -c 'sleep 86402 &' &); sleep 0.3; up "$@"; sleep 86403 ;;
  stopped) sleep 86404 & kill -STOP $!; up "$@"; kill -STOP $$ ;;
  printing) up "$@"; yes ;;
  sleeping) up "$@"; exec sleep 86405 ;;
  grandchildren) sh -c 'trap "" TERM; sh -c "sleep 86406; true" & sleep 86407; true' & sleep 0.1; up "$@"; wait ;;
  tree)
    grow() { [ "$1" = 0 ] || { (grow $(($1 - 1))) & (grow $(($1 - 1))) & }; sleep 86408; }
    grow 3 & sleep 0.3; up "$@"; wait ;;
esac
"""


def prepare(test):
    """Puts the script into the working directory; returns the command of a task, to which the kind is appended."""
    return [test.file("nasty.sh", SCRIPT, 0o755), "{}", test.work]


def wait_until_up(test, kinds=KINDS):
    for kind in kinds:
        test.wait_for_file(f"up-{kind}", 20)
