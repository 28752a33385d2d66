//! The command line as its users meet it: the real binary, its own state directory, whole texts.

mod completions;
mod harness;
mod help;
