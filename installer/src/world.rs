//! Where names and registrars are asked: the public DNS and the vendors' own addresses, or a world of one's own.

use sovereign_core::registrar::RegistrarKind;
use sovereign_dns::delegation::Rdap;
use sovereign_dns::probe::{ProbeConfig, TrustAnchor};
use sovereign_dns::registrar::Endpoint;

use crate::cli::World;
use crate::errors::CliError;

impl World {
    /// Where delegations are looked at.
    pub(crate) fn probe(&self) -> Result<ProbeConfig, CliError> {
        let anchor = match &self.dns_anchor {
            Some(path) => Some(TrustAnchor::read(path).map_err(|source| CliError::TrustAnchor {
                path: path.clone(),
                source,
            })?),
            None if self.dns_root.is_empty() => Some(TrustAnchor::iana()),
            None => None,
        };
        let probe = if self.dns_root.is_empty() {
            ProbeConfig {
                anchor,
                ..ProbeConfig::default()
            }
        } else {
            ProbeConfig::private(self.dns_root.clone(), anchor)
        };
        let rdap = self.rdap_server.as_ref();
        Ok(ProbeConfig {
            port: self.dns_port,
            rdap: rdap.map_or_else(|| probe.rdap.clone(), |url| Rdap::Server(url.to_string())),
            ..probe
        })
    }

    /// Where a registrar answers. Plain HTTP is for simulators, which have no limits to keep.
    pub(crate) fn registrar(&self, kind: RegistrarKind) -> Endpoint {
        let of_kind = |wanted| self.registrar_endpoint.iter().find(|it| it.kind == wanted);
        match of_kind(Some(kind)).or_else(|| of_kind(None)) {
            Some(other) => Endpoint::Other {
                url: other.url.clone(),
                paced: other.url.starts_with("https:"),
            },
            None => Endpoint::Own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World {
            dns_root: Vec::new(),
            dns_anchor: None,
            dns_port: 53,
            rdap_server: None,
            registrar_endpoint: Vec::new(),
        }
    }

    #[test]
    fn the_public_dns_has_its_anchor_and_registry_and_ones_own_has_neither() {
        let public = world().probe().unwrap();
        assert!(public.anchor.is_some() && public.rdap == Rdap::Iana);
        let own = World {
            dns_root: vec![[127, 0, 0, 1].into()],
            dns_port: 5300,
            ..world()
        };
        let own = own.probe().unwrap();
        assert!(own.anchor.is_none() && own.rdap == Rdap::Nowhere && own.port == 5300);
    }

    #[test]
    fn an_endpoint_of_ones_own_goes_before_that_of_all() {
        let world = World {
            registrar_endpoint: ["http://127.0.0.1:1", "ovh=https://proxy.example/ovh"]
                .map(|text| text.parse().unwrap())
                .into(),
            ..world()
        };
        let other = |url: &str, paced| Endpoint::Other {
            url: url.to_owned(),
            paced,
        };
        assert_eq!(
            world.registrar(RegistrarKind::Gandi),
            other("http://127.0.0.1:1", false)
        );
        assert_eq!(
            world.registrar(RegistrarKind::Ovh),
            other("https://proxy.example/ovh", true)
        );
        assert_eq!(
            World {
                registrar_endpoint: Vec::new(),
                ..world
            }
            .registrar(RegistrarKind::Ovh),
            Endpoint::Own
        );
    }
}
