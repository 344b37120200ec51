"""Environment variables that keep libraries from spreading over all cores, and from chatter."""

ONE_THREAD = {
    name: "1"
    for name in (
        "POLARS_MAX_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "ARROW_IO_THREADS",
    )
}
"""Each slot has a Python worker of its own: libraries that spread over all cores would fight."""

QUIET = {"RUST_BACKTRACE": "0"}
"""A malformed message makes polars print one line, not a backtrace of sixty."""
