//! The kit is embedded as a folder: a file that is new in it is a change, too.

fn main() {
    println!("cargo:rerun-if-changed=kit");
}
