#!/bin/sh
# Cargo calls this instead of rustc for the crates of this workspace, as
# `rustc-workspace.sh rustc ARGS`. It links the binary `headcount` without shared
# libraries, so that it runs inside any image (docs/decisions/0006), and the benchmarks,
# whose binary is a job in an image with nothing else. A flag for one binary can be given in
# no other way that leaves tests, macros and dependencies as they are.
set -eu
case " $* " in
    *" --test "*) ;;
    *" --crate-name headcount "*" --crate-type bin "* | \
        *" --crate-name headcount_bench "*" --crate-type bin "*)
        exec "$@" -C target-feature=+crt-static ;;
esac
exec "$@"
