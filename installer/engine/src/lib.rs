//! Plan, step, journal trait and executor. Knows no cloud and no DNS.
