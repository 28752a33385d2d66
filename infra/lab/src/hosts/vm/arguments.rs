//! QEMU's command line for a server.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::accelerator::Accelerator;
use super::disk::{self, Disk, Disks};
use super::image::Image;
use super::nic::tap;
use crate::hosts::HostSpec;
use crate::hosts::network::private_nic;

/// The PCI bus of the first private NIC, which makes it `enp7s0`.
const FIRST_PRIVATE_BUS: usize = 7;

/// Where QEMU calls its driver.
pub(super) fn control_socket(host: &HostSpec) -> PathBuf {
    host.directory.join("qmp.sock")
}

/// The whole line, the program first. The machine is started at rest.
pub(super) fn command_line(
    host: &HostSpec,
    image: &Image,
    accelerator: Accelerator,
    disks: &Disks,
) -> Vec<String> {
    let mut line: Vec<String> = ["qemu-system-x86_64", "-machine", "q35", "-S", "-no-reboot"]
        .map(Into::into)
        .into();
    line.extend(["-nodefaults", "-no-user-config", "-display", "none"].map(Into::into));
    line.extend(accelerator.arguments().map(Into::into));
    let mut option = |name: &str, value: String| line.extend([format!("-{name}"), value]);
    option("name", format!("server-{}", host.id));
    option("smp", host.cores.to_string());
    option("m", host.memory_mib.to_string());
    option(
        "smbios",
        format!("type=1,manufacturer=Hetzner,product=vServer,serial={}", host.id),
    );
    option(
        "rtc",
        format!("base={}", clock(Timestamp::now(), host.defects.clock_offset)),
    );
    option("kernel", image.kernel.display().to_string());
    option("initrd", image.initrd.display().to_string());
    option("append", format!("root={} rw console=ttyS0", disk::seen(0)));
    option(
        "chardev",
        format!("file,id=console,append=on,path={}", escaped(&host.console())),
    );
    option("serial", "chardev:console".into());
    option(
        "chardev",
        format!("socket,id=qmp,path={}", escaped(&control_socket(host))),
    );
    option("mon", "chardev=qmp,mode=control".into());
    option("device", "virtio-rng-pci".into());
    option("device", "virtio-scsi-pci,id=scsi".into());
    for (place, disk) in disks.iter().enumerate() {
        option("blockdev", blockdev(place, disk));
        option(
            "device",
            format!("scsi-hd,bus=scsi.0,scsi-id=0,lun={place},drive=disk{place},serial=disk{place}"),
        );
    }
    // The firmware numbers the buses behind the ports in their order.
    for bus in 1..FIRST_PRIVATE_BUS + host.private.len() {
        option("device", format!("pcie-root-port,id=bus{bus},chassis={bus}"));
    }
    let public = host.public.iter().map(|nic| (1, "eth0".to_owned(), &nic.mac));
    let private = host.private.iter().enumerate();
    let private = private.map(|(place, nic)| (FIRST_PRIVATE_BUS + place, private_nic(place), &nic.mac));
    for (bus, link, mac) in public.chain(private) {
        option(
            "netdev",
            format!("tap,id={link},ifname={},script=no,downscript=no", tap(&link)),
        );
        option(
            "device",
            format!("virtio-net-pci,bus=bus{bus},netdev={link},mac={mac},romfile="),
        );
    }
    line
}

fn blockdev(place: usize, disk: &Disk) -> String {
    let file = serde_json::json!({
        "driver": disk.format, "node-name": format!("disk{place}"), "discard": "unmap",
        "file": {"driver": "file", "filename": disk.path},
    });
    file.to_string()
}

/// What the machine's clock shows, in the form QEMU reads.
fn clock(now: Timestamp, offset: i64) -> String {
    let shown = now.checked_add(SignedDuration::from_secs(offset)).unwrap_or(now);
    shown.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// A path as a value in a list of QEMU's options.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_as_far_off_as_told() {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().expect("a time");
        assert_eq!(clock(now, 0), "2026-11-25T12:00:00");
        assert_eq!(clock(now, -86_400 * 365), "2025-11-25T12:00:00");
    }

    #[test]
    fn a_comma_in_a_path_is_no_option() {
        assert_eq!(escaped(Path::new("/a,b=c")), "/a,,b=c");
    }
}
