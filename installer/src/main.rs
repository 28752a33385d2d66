//! The installer.

fn main() {}
