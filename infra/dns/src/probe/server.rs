//! One server of a zone at one address is asked for everything that it has to be able to say.

use hickory_proto::rr::{Record, RecordType};

use super::atlas::Zone;
use super::exchange::{Run, Via};
use super::failure::Failure;
use super::reading::{self, Meaning};
use super::seen::{NsSet, ServerAt, SoaSeen, ZoneServer};

impl Run<'_> {
    /// Start of authority and name servers over UDP, keys over TCP: three questions that prove all there is to prove.
    pub(super) async fn ask_server(&self, zone: &Zone, server: ServerAt) -> ZoneServer {
        let name = &zone.name;
        let mut records = Vec::new();
        let (soa, millis) = self.ask_soa(zone, &server, Via::Datagram, &mut records).await;
        let refused = matches!(
            soa,
            Err(Failure::SpecialAddress | Failure::NoRoute | Failure::Spent { .. })
        );
        let mut only_without_edns = false;
        if soa.as_ref().err().is_some_and(may_be_edns) {
            let mut ignored = Vec::new();
            let plain = self
                .ask_soa(zone, &server, Via::PlainDatagram, &mut ignored)
                .await;
            only_without_edns = plain.0.is_ok();
        }
        let ns = match &soa {
            Ok(_) => self.ask_ns(zone, &server, &mut records).await,
            Err(failure) => Err(failure.clone()),
        };
        let keys = match &soa {
            Err(failure) if refused => Err(failure.clone()),
            _ => self.ask(&server, name, RecordType::DNSKEY, Via::Stream).await,
        };
        let tcp = keys.as_ref().map(|_| ()).map_err(Clone::clone);
        let keys = match keys {
            Err(_) if soa.is_ok() => self.ask(&server, name, RecordType::DNSKEY, Via::Datagram).await,
            keys => keys,
        };
        let keys = keys.and_then(|asked| {
            match reading::meaning(&asked.reply, name, name, RecordType::DNSKEY) {
                Meaning::Lame(failure) => return Err(failure),
                Meaning::Answer | Meaning::NoData => {}
                _ => return Err(Failure::Empty),
            }
            records.extend_from_slice(asked.reply.answers());
            Ok(reading::keys(asked.reply.answers(), name))
        });
        ZoneServer {
            server,
            soa: soa.into(),
            ns: ns.into(),
            keys: keys.into(),
            tcp: tcp.into(),
            only_without_edns,
            millis,
            records,
        }
    }

    async fn ask_soa(
        &self,
        zone: &Zone,
        server: &ServerAt,
        via: Via,
        records: &mut Vec<Record>,
    ) -> (Result<SoaSeen, Failure>, u64) {
        let asked = match self.ask(server, &zone.name, RecordType::SOA, via).await {
            Ok(asked) => asked,
            Err(failure) => return (Err(failure), 0),
        };
        let soa = match reading::meaning(&asked.reply, &zone.name, &zone.name, RecordType::SOA) {
            Meaning::Answer => reading::soa(&asked.reply, &zone.name).ok_or(Failure::Empty),
            Meaning::Lame(failure) => Err(failure),
            Meaning::NoName => Err(Failure::Code {
                code: "NXDOMAIN".to_owned(),
            }),
            _ => Err(Failure::Empty),
        };
        records.extend_from_slice(asked.reply.answers());
        (soa, asked.millis)
    }

    async fn ask_ns(
        &self,
        zone: &Zone,
        server: &ServerAt,
        records: &mut Vec<Record>,
    ) -> Result<NsSet, Failure> {
        let name = &zone.name;
        let asked = self.ask(server, name, RecordType::NS, Via::Datagram).await?;
        match reading::meaning(&asked.reply, name, name, RecordType::NS) {
            Meaning::Answer => {
                records.extend_from_slice(asked.reply.answers());
                Ok(reading::ns(&asked.reply, asked.reply.answers(), name, name))
            }
            Meaning::Lame(failure) => Err(failure),
            _ => Err(Failure::Empty),
        }
    }
}

/// Whether a failure may be due to EDNS: software that does not know it, or a firewall that drops it.
fn may_be_edns(failure: &Failure) -> bool {
    match failure {
        Failure::TimedOut { .. } | Failure::Garbage { .. } => true,
        Failure::Code { code } => ["FORMERR", "NOTIMP", "SERVFAIL", "BADVERS"].contains(&code.as_str()),
        _ => false,
    }
}
