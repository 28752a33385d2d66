//! Every command explains itself in 100 columns.

use crate::harness::Place;

const COMMANDS: &[&[&str]] = &[
    &[],
    &["plan"],
    &["up"],
    &["status"],
    &["logs"],
    &["list"],
    &["report"],
    &["kubeconfig"],
    &["scan"],
    &["destroy"],
    &["doctor"],
    &["schema"],
    &["secret"],
    &["secret", "set"],
    &["secret", "list"],
    &["secret", "delete"],
    &["kit"],
    &["kit", "show"],
    &["kit", "lint"],
    &["kit", "render"],
    &["kit", "diff"],
    &["kit", "schema"],
    &["kit", "pack"],
    &["dns"],
    &["dns", "check"],
    &["dns", "plan"],
    &["dns", "status"],
    &["dns", "rollback"],
    &["dns", "registrars"],
    &["pool"],
    &["pool", "list"],
    &["pool", "show"],
    &["pool", "release"],
    &["pool", "sweep"],
    &["zone"],
    &["zone", "check"],
    &["zone", "secondaries"],
    &["zone", "set-addresses"],
    &["zone", "roll-key"],
    &["zone", "health"],
    &["lab"],
    &["lab", "up"],
    &["lab", "env"],
    &["lab", "status"],
    &["lab", "stats"],
    &["lab", "fault"],
    &["lab", "fault", "set"],
    &["lab", "fault", "clear"],
    &["lab", "fault", "list"],
    &["lab", "fault", "sold-out"],
    &["lab", "fault", "bucket"],
    &["lab", "host"],
    &["lab", "host", "show"],
    &["lab", "host", "reboot"],
    &["lab", "host", "kill"],
    &["lab", "host", "cut"],
    &["lab", "host", "fill"],
    &["lab", "host", "misroute"],
    &["lab", "host", "heal"],
    &["lab", "host", "exec"],
    &["lab", "host", "console"],
    &["lab", "registrar"],
    &["lab", "registrar", "show"],
    &["lab", "registrar", "set"],
    &["lab", "registrar", "lock"],
    &["lab", "registrar", "unlock"],
    &["lab", "registrar", "fault"],
    &["lab", "registrar", "heal"],
    &["lab", "registrar", "revoke"],
    &["lab", "shorten"],
    &["lab", "inside"],
    &["lab", "down"],
    &["completions"],
    &["man"],
];

#[test]
fn fits_100_columns_and_says_something_about_everything() {
    let place = Place::new();
    for command in COMMANDS {
        for flag in ["-h", "--help"] {
            let args = command.iter().chain(std::iter::once(&flag));
            let help = place.sovereign(args).success().stdout;
            for line in help.lines() {
                assert!(line.chars().count() <= 100, "`{command:?} {flag}`: {line}");
            }
            assert!(
                !help.lines().next().unwrap_or_default().is_empty(),
                "`{command:?}` says nothing about itself"
            );
        }
    }
}

#[test]
fn the_list_above_is_the_whole_tree() {
    let place = Place::new();
    for command in COMMANDS {
        let help = place
            .sovereign(command.iter().chain(std::iter::once(&"--help")))
            .success()
            .stdout;
        for inner in inner_commands(&help) {
            let mut path: Vec<&str> = command.to_vec();
            path.push(&inner);
            assert!(COMMANDS.contains(&path.as_slice()), "{path:?} is not tested");
        }
    }
}

fn inner_commands(help: &str) -> Vec<String> {
    let lines = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let entries = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = entries.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn exit_codes_are_the_documented_ones() {
    let help = Place::new().sovereign(["--help"]).success().stdout;
    let documented = include_str!("../../../docs/reference/exit-codes.md");
    let codes = help
        .lines()
        .skip_while(|line| *line != "Exit codes:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let mut number = 0;
    for line in codes {
        let (code, meaning) = line.trim().split_once("  ").expect("a code and its meaning");
        assert!(
            documented.contains(&format!("| {code} |")),
            "exit code {code} is not documented"
        );
        assert!(
            documented.contains(meaning),
            "exit code {code} is documented in other words than `{meaning}`"
        );
        number += 1;
    }
    assert_eq!(number, 11);
}

/// `UPDATE_EXPECT=1 cargo test -p sovereign --test cli` writes the page anew.
#[test]
fn the_reference_is_what_help_says() {
    let place = Place::new();
    let mut page = String::from("# Commands\n\nWhat `--help` says, of every command.\n");
    for command in COMMANDS {
        let help = place
            .sovereign(command.iter().chain(std::iter::once(&"--help")))
            .success()
            .stdout;
        // Every command has the same ones; the first entry shows them.
        let own = if command.is_empty() {
            help.as_str()
        } else {
            help.split("Global options:").next().unwrap_or(&help)
        };
        let name = ["sovereign"]
            .iter()
            .chain(*command)
            .copied()
            .collect::<Vec<_>>()
            .join(" ");
        let lines: Vec<&str> = own.trim_end().lines().map(str::trim_end).collect();
        page.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", lines.join("\n")));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/cli.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &page).expect("the page is written");
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap_or_default(),
        page,
        "docs/reference/cli.md is behind"
    );
}
