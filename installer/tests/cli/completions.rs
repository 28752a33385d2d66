//! What is made from the command tree.

use crate::harness::Place;

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Place::new().sovereign(["completions", shell]).success().stdout;
        for command in ["destroy", "scan", "lab"] {
            assert!(script.contains(command), "{shell} does not know `{command}`");
        }
    }
}

#[test]
fn a_manual_page_for_every_command() {
    let place = Place::new();
    assert!(
        place
            .sovereign(["man"])
            .success()
            .stdout
            .contains(".TH sovereign 1")
    );
    place.sovereign(["man", "pages"]).success();
    for page in [
        "sovereign.1",
        "sovereign-up.1",
        "sovereign-lab-fault-set.1",
        "sovereign-secret-list.1",
    ] {
        let text = std::fs::read_to_string(place.path().join("pages").join(page)).expect("the page is there");
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
}
