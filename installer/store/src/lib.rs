//! Journal, leases and sealed secrets on SQLite.
