//! The operator's way in, sealed on the node to the operator's own keys: nobody on the way can read it.

use std::io::Write as _;

use age::Recipient;
use age::armor::{ArmoredWriter, Format};
use sovereign_core::hand_off::HandOffOrder;

use crate::cluster::KUBECONFIG;
use crate::fault::{Fault, OrFault as _};
use crate::root::Root;

/// Where k3s' own kubeconfig finds the API.
const LOCAL: &str = "https://127.0.0.1:6443";
const REMEDY: &str = "name at least one `ssh-ed25519` or `ssh-rsa` key in `access.sshKeys`";

/// What only its recipients open.
#[derive(Debug)]
pub(super) struct Sealed {
    /// In age's armor.
    pub(super) text: String,
    /// How many recipients open it.
    pub(super) recipients: usize,
}

/// The administrator's kubeconfig with the address that the operator reaches.
pub(super) fn sealed(root: &Root, order: &HandOffOrder) -> Result<Sealed, Fault> {
    let text = root.read(KUBECONFIG).or_fault("reading", KUBECONFIG)?;
    let text =
        text.ok_or_else(|| Fault::new(format!("there is no `{KUBECONFIG}`"), "see whether k3s runs"))?;
    seal(&text.replace(LOCAL, &order.api), &order.recipients)
}

/// Seals to those of the recipients that age knows.
fn seal(text: &str, recipients: &[String]) -> Result<Sealed, Fault> {
    let unsealed = |error: &dyn std::fmt::Display| {
        Fault::new(format!("the kubeconfig cannot be sealed: {error}"), REMEDY)
    };
    let recipients: Vec<Box<dyn Recipient>> = recipients.iter().filter_map(|one| recipient(one)).collect();
    let all = recipients
        .iter()
        .map(AsRef::as_ref as fn(&Box<dyn Recipient>) -> &dyn Recipient);
    let encryptor = age::Encryptor::with_recipients(all).map_err(|error| unsealed(&error))?;
    let mut out = Vec::new();
    let armor = ArmoredWriter::wrap_output(&mut out, Format::AsciiArmor).map_err(|error| unsealed(&error))?;
    let mut writer = encryptor.wrap_output(armor).map_err(|error| unsealed(&error))?;
    writer
        .write_all(text.as_bytes())
        .and_then(|()| writer.finish())
        .and_then(ArmoredWriter::finish)
        .map_err(|error| unsealed(&error))?;
    Ok(Sealed {
        text: String::from_utf8(out).map_err(|error| unsealed(&error))?,
        recipients: recipients.len(),
    })
}

/// Whom it can be sealed to: keys of age, and those of SSH that age knows.
fn recipient(text: &str) -> Option<Box<dyn Recipient>> {
    if let Ok(own) = text.parse::<age::x25519::Recipient>() {
        return Some(Box::new(own));
    }
    let ssh = text.parse::<age::ssh::Recipient>().ok()?;
    Some(Box::new(ssh))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use sovereign_core::hand_off::can_be_sealed_to;

    use super::*;

    #[test]
    fn only_the_operator_reads_it() {
        let operator = age::x25519::Identity::generate();
        let sealed = seal("canary: yes", &[operator.to_public().to_string()])
            .unwrap()
            .text;
        assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
        assert!(!sealed.contains("canary"));
        let armored = age::armor::ArmoredReader::new(sealed.as_bytes());
        let decryptor = age::Decryptor::new(armored).unwrap();
        let mut text = String::new();
        let mut opened = decryptor
            .decrypt(std::iter::once(&operator as &dyn age::Identity))
            .unwrap();
        opened.read_to_string(&mut text).unwrap();
        assert_eq!(text, "canary: yes");
        let other = age::x25519::Identity::generate();
        let armored = age::armor::ArmoredReader::new(sealed.as_bytes());
        let refused = age::Decryptor::new(armored)
            .unwrap()
            .decrypt(std::iter::once(&other as &dyn age::Identity));
        assert!(refused.is_err());
    }

    /// Made by `ssh-keygen`; nobody has the private halves.
    const KEYS: [(&str, bool); 3] = [
        (
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmk5PLuiaUeGBW+aYDlhWk1dW69oKz8fGatTyMWCyw6 operator",
            true,
        ),
        (
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQCUP+6XiCpA7yowzifjUXxTaa4QWzVLgxbqS9ObAhGvSbcVtZUVJeyvSrlK0X7tS/nJzYf1BLGw9wFy/17CBbD5x9gXgJWdZrbcmJ5yv+sdJf4dvUEaM10C4tQRUQ+B+OYXbiTWMmN8BsgwfxmkAy3uGWPz1s95tH269Zzxi7uLCltyBOSJ47o17BE+y0z2fmfC7RAjYWSWQaZ4h4uQ4QgmdXYCNq+AdlKELgW4+oAVxl54JL1bN8V9rg38NuavJfKBZf7il8RAnAJT6orFVz5X0koK8D8TDKZyCOr6x9T8bjQaLKc1opvc2Vzb/VXiDTillY20xFhqwvrlUPSNt6cczpJfHDLQqTfyYsFijFIz9kt37E007eYsVe0pMhJs2YM2Kpt13hGzf786GEtw6Q+PXn+ctNByiLIRN7Uepwhs+Kk//5QYdp/Qi3jBt9MRy+K933fTJjUk9n2Xe9EmlR4RfqiKwBt8D8R0a65ItqdGdxaKF7sGJTo5rgxDw5Q7Pzk= operator",
            true,
        ),
        (
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOTSESIJq6mUs27ROJEdb1GrJmR/lDWMsYcj+/HOeL6YS8JTZNzyQPSCLqVRK9yzTdiaLBHn8chnSnHShJiK66g= operator",
            false,
        ),
    ];

    #[test]
    fn it_counts_those_whom_it_was_sealed_to_and_the_planner_knows_them() {
        let all: Vec<String> = KEYS.iter().map(|(key, _)| (*key).to_owned()).collect();
        assert_eq!(seal("canary", &all).unwrap().recipients, 2);
        for (key, takes) in KEYS {
            assert_eq!(recipient(key).is_some(), takes, "{key}");
            assert_eq!(can_be_sealed_to(key), takes, "{key}");
        }
    }

    #[test]
    fn without_anybody_to_seal_it_to_it_is_refused() {
        let fault = seal("canary", &["ecdsa-sha2-nistp256 AAAA".to_owned()]).unwrap_err();
        assert!(fault.remedy.contains("ssh-ed25519"), "{fault}");
    }
}
