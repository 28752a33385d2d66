//! Zones on PowerDNS.
