//! A DHCP server with one client: the machine at the other end of a link.
//!
//! The cloud's leases are unlike a usual network's: the address stands alone (/32), the gateway is reached on-link, and
//! routes travel as option 121, which makes a client disregard option 3. General servers want a range to serve.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsRawFd as _, OwnedFd};

use dhcproto::v4::{DhcpOption, Flags, Message, MessageType, Opcode, OptionCode};
use dhcproto::{Decodable as _, Decoder, Encodable as _};
use ipnet::Ipv4Net;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, setsockopt, socket,
    sockopt::{BindToDevice, Broadcast, ReuseAddr},
};
use tokio_util::task::AbortOnDropHandle;

use super::driver::{PrivateNic, PublicNic};
use super::network::{METADATA, PRIVATE_MTU, PUBLIC_GATEWAY};
use super::{HostError, namespace};

/// Seconds a lease holds. Clients cannot renew at the gateway, which keeps no leases, and ask everyone instead.
const LEASE: u32 = 86_400;
const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
/// Greatest request that is read.
const MAX_REQUEST: usize = 1500;

/// What a client is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lease {
    mac: Vec<u8>,
    address: Ipv4Addr,
    /// Also what the server calls itself.
    gateway: Ipv4Addr,
    /// What is reached through the gateway.
    reach: Ipv4Net,
    mtu: Option<u16>,
    resolvers: Vec<Ipv4Addr>,
    /// A fault of the cloud's: its private networks' servers have offered a route for metadata, which leads nowhere.
    wrong_metadata_route: bool,
}

impl Lease {
    /// For a public NIC, with the resolvers to use; none where it has no IPv4 address.
    pub(crate) fn public(nic: &PublicNic, resolvers: &[Ipv4Addr]) -> Option<Self> {
        Some(Self {
            mac: hardware(&nic.mac),
            address: nic.ipv4?,
            gateway: PUBLIC_GATEWAY,
            reach: Ipv4Net::default(),
            mtu: None,
            resolvers: resolvers.to_vec(),
            wrong_metadata_route: false,
        })
    }

    /// For a private NIC.
    pub(crate) fn private(nic: &PrivateNic) -> Self {
        Self {
            mac: hardware(&nic.mac),
            address: nic.ipv4,
            gateway: nic.gateway,
            reach: nic.range,
            mtu: Some(PRIVATE_MTU),
            resolvers: Vec::new(),
            wrong_metadata_route: false,
        }
    }

    /// The same with a route for metadata to where there is none.
    pub(crate) fn with_wrong_metadata_route(mut self, wrong: bool) -> Self {
        self.wrong_metadata_route = wrong;
        self
    }

    /// The answer to a request, if it is for us to answer.
    fn answer(&self, request: &Message) -> Option<Message> {
        if request.opcode() != Opcode::BootRequest || request.chaddr() != self.mac {
            return None;
        }
        let asked = match request.opts().get(OptionCode::RequestedIpAddress) {
            Some(DhcpOption::RequestedIpAddress(ip)) => *ip,
            _ => request.ciaddr(),
        };
        let kind = match request.opts().msg_type()? {
            MessageType::Discover => MessageType::Offer,
            MessageType::Request if asked != self.address => MessageType::Nak,
            MessageType::Request | MessageType::Inform => MessageType::Ack,
            _ => return None,
        };
        let mut answer = Message::default();
        answer
            .set_opcode(Opcode::BootReply)
            .set_xid(request.xid())
            .set_flags(Flags::default().set_broadcast())
            .set_chaddr(&self.mac);
        let options = answer.opts_mut();
        options.insert(DhcpOption::MessageType(kind));
        options.insert(DhcpOption::ServerIdentifier(self.gateway));
        if kind != MessageType::Nak {
            for option in self.options() {
                options.insert(option);
            }
            answer.set_yiaddr(self.address);
        }
        Some(answer)
    }

    fn options(&self) -> Vec<DhcpOption> {
        let on_link = (Ipv4Net::from(self.gateway), Ipv4Addr::UNSPECIFIED);
        let mut routes = vec![on_link, (self.reach, self.gateway)];
        if self.wrong_metadata_route {
            routes.push((Ipv4Net::from(METADATA), self.gateway));
        }
        let mut options = vec![
            DhcpOption::AddressLeaseTime(LEASE),
            DhcpOption::SubnetMask(Ipv4Addr::BROADCAST),
            DhcpOption::ClasslessStaticRoute(routes),
        ];
        if self.reach.prefix_len() == 0 {
            options.push(DhcpOption::Router(vec![self.gateway]));
        }
        if !self.resolvers.is_empty() {
            options.push(DhcpOption::DomainNameServer(self.resolvers.clone()));
        }
        options.extend(self.mtu.map(DhcpOption::InterfaceMtu));
        options
    }
}

fn hardware(mac: &str) -> Vec<u8> {
    let octets = mac.split(':').map(|octet| u8::from_str_radix(octet, 16));
    octets.collect::<Result<_, _>>().unwrap_or_default()
}

/// A server at work; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Responder {
    _task: AbortOnDropHandle<()>,
}

impl Responder {
    /// Answers on a link of a namespace.
    pub(crate) async fn start(name: &str, link: &str, lease: Lease) -> Result<Self, HostError> {
        let link = link.to_owned();
        let socket = namespace::within(name, move || open(&link)).await?;
        let socket = tokio::net::UdpSocket::from_std(socket).map_err(HostError::system("serve DHCP"))?;
        let task = tokio::spawn(async move { serve(&socket, &lease).await });
        Ok(Self {
            _task: AbortOnDropHandle::new(task),
        })
    }
}

/// A socket that hears and speaks on one link only, before that has an address.
fn open(link: &str) -> io::Result<UdpSocket> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket: OwnedFd = socket(AddressFamily::Inet, SockType::Datagram, flags, None)?;
    setsockopt(&socket, BindToDevice, &link.into())?;
    setsockopt(&socket, ReuseAddr, &true)?;
    setsockopt(&socket, Broadcast, &true)?;
    let address = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, SERVER_PORT);
    bind(socket.as_raw_fd(), &SockaddrIn::from(address))?;
    Ok(socket.into())
}

async fn serve(socket: &tokio::net::UdpSocket, lease: &Lease) {
    let mut buffer = [0; MAX_REQUEST];
    loop {
        // An error here is an answer of the network to an earlier packet; the client asks again.
        let Ok((length, _)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        let request = Message::decode(&mut Decoder::new(&buffer[..length])).ok();
        let answer = request.and_then(|request| lease.answer(&request));
        if let Some(bytes) = answer.and_then(|answer| answer.to_vec().ok()) {
            let _ = socket.send_to(&bytes, (Ipv4Addr::BROADCAST, CLIENT_PORT)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        Lease::private(&PrivateNic {
            network: 1,
            mac: "86:00:00:00:00:0a".into(),
            ipv4: Ipv4Addr::new(10, 0, 1, 3),
            gateway: Ipv4Addr::new(10, 0, 0, 1),
            range: "10.0.0.0/16".parse().expect("a range"),
        })
    }

    fn request(kind: MessageType, asked: Option<Ipv4Addr>) -> Message {
        let mut request = Message::default();
        request.set_xid(77).set_chaddr(&[0x86, 0, 0, 0, 0, 0x0a]);
        request.opts_mut().insert(DhcpOption::MessageType(kind));
        let asked = asked.map(DhcpOption::RequestedIpAddress);
        asked.and_then(|option| request.opts_mut().insert(option));
        request
    }

    #[test]
    fn a_client_gets_its_address_and_the_way_out() {
        let offer = lease()
            .with_wrong_metadata_route(true)
            .answer(&request(MessageType::Discover, None))
            .expect("an offer");
        assert_eq!(offer.opts().msg_type(), Some(MessageType::Offer));
        assert_eq!((offer.xid(), offer.yiaddr()), (77, Ipv4Addr::new(10, 0, 1, 3)));
        let routes = offer.opts().get(OptionCode::ClasslessStaticRoute);
        let gateway = Ipv4Addr::new(10, 0, 0, 1);
        let expected = vec![
            ("10.0.0.1/32".parse().expect("a host"), Ipv4Addr::UNSPECIFIED),
            ("10.0.0.0/16".parse().expect("a range"), gateway),
            ("169.254.169.254/32".parse().expect("a host"), gateway),
        ];
        assert_eq!(routes, Some(&DhcpOption::ClasslessStaticRoute(expected)));
        assert_eq!(
            offer.opts().get(OptionCode::InterfaceMtu),
            Some(&DhcpOption::InterfaceMtu(1450))
        );
        assert!(
            offer.opts().get(OptionCode::Router).is_none(),
            "a private network is no way to the world"
        );
    }

    #[test]
    fn only_its_own_address_and_only_its_own_client() {
        let kind = |request: &Message| lease().answer(request)?.opts().msg_type();
        let right = request(MessageType::Request, Some(Ipv4Addr::new(10, 0, 1, 3)));
        assert_eq!(kind(&right), Some(MessageType::Ack));
        let wrong = request(MessageType::Request, Some(Ipv4Addr::new(10, 0, 1, 4)));
        assert_eq!(kind(&wrong), Some(MessageType::Nak));
        let mut renewal = request(MessageType::Request, None);
        renewal.set_ciaddr(Ipv4Addr::new(10, 0, 1, 3));
        assert_eq!(kind(&renewal), Some(MessageType::Ack));
        let mut stranger = request(MessageType::Discover, None);
        stranger.set_chaddr(&[1; 6]);
        assert_eq!(kind(&stranger), None);
        assert_eq!(kind(&request(MessageType::Release, None)), None);
    }
}
