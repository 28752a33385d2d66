//! Commands as a shell on the host reads them.

/// A text as one word of a POSIX shell.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A command for `/bin/sh` as root, whoever is logged in with whatever shell. `-n`: a password is never asked for.
pub(super) fn as_root(user: &str, command: &str) -> String {
    let root = if user == "root" { "" } else { "sudo -n -- " };
    format!("{root}/bin/sh -c {}", quoted(command))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        for text in ["", "a b", "it's", "$(id) `id` \"x\" \\ \n;&|<>*?~#!", "''"] {
            let script = format!("printf %s {}", quoted(text));
            let said = Command::new("/bin/sh")
                .args(["-c", &script])
                .output()
                .unwrap()
                .stdout;
            assert_eq!(String::from_utf8(said).unwrap(), text);
        }
    }

    #[test]
    fn only_others_than_root_need_sudo() {
        assert_eq!(as_root("root", "echo 'a'"), r"/bin/sh -c 'echo '\''a'\'''");
        assert_eq!(as_root("admin", "id"), "sudo -n -- /bin/sh -c 'id'");
    }
}
