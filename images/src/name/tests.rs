use proptest::prelude::*;

use super::*;

#[test]
fn names_are_those_of_the_specification() {
    for good in [
        "a",
        "kit",
        "ghcr.io/fluxcd/source-controller",
        "a__b",
        "a--b/c.d",
        "localhost_5000/x",
    ] {
        assert!(good.parse::<Repository>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "A",
        "a/",
        "/a",
        "a//b",
        "a..b",
        "a_-b",
        "-a",
        "a-",
        "a___b",
        "a:b",
        "../a",
        "ü",
        &"a".repeat(256),
    ] {
        assert!(bad.parse::<Repository>().is_err(), "{bad}");
    }
    for good in ["1.2.3", "_x", "sha256-00.sig", &"a".repeat(128)] {
        assert!(good.parse::<Tag>().is_ok(), "{good}");
    }
    for bad in ["", ".a", "-a", "a b", "a/b", "a:b", "1+2", &"a".repeat(129)] {
        assert!(bad.parse::<Tag>().is_err(), "{bad}");
    }
    assert_eq!(Tag::of_version("1.2.3+k3s1").unwrap().as_str(), "1.2.3_k3s1");
}

proptest! {
    #[test]
    fn a_name_is_read_as_it_is_written(
        repository in "[a-z0-9]{1,8}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,8}){0,3}",
        tag in "[A-Za-z0-9_][A-Za-z0-9._-]{0,20}",
        content in any::<[u8; 4]>(),
    ) {
        let repository: Repository = repository.parse().unwrap();
        for version in [Version::Tag(tag.parse().unwrap()), Version::Digest(Digest::of(&content))] {
            let target = Target { repository: repository.clone(), version };
            prop_assert_eq!(&target.to_string().parse::<Target>().unwrap(), &target);
        }
    }

    #[test]
    fn whatever_is_taken_is_no_path_to_elsewhere(text in "[a-z0-9./_:@-]{0,24}") {
        if let Ok(repository) = text.parse::<Repository>() {
            prop_assert!(repository.as_str().split('/').all(|part| !matches!(part, "" | "." | "..")));
        }
        if let Ok(target) = text.parse::<Target>() {
            prop_assert_eq!(target.to_string(), text);
        }
    }
}
