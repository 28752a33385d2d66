//! What executes a machine's instructions.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::image::Image;

/// How long a kernel may take to find out, under KVM, that it has no disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// What executes a machine's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accelerator {
    /// The processor.
    Kvm,
    /// QEMU, on every processor.
    Emulation,
}

impl Accelerator {
    /// Finds out by booting the image's kernel: a device file that opens says little inside another machine.
    pub(super) async fn probe(image: &Image) -> Self {
        if boots_under_kvm(image).await {
            Self::Kvm
        } else {
            Self::Emulation
        }
    }

    /// As QEMU is told.
    pub(super) fn arguments(self) -> [&'static str; 4] {
        match self {
            Self::Kvm => ["-accel", "kvm", "-cpu", "host"],
            Self::Emulation => ["-accel", "tcg,thread=multi", "-cpu", "Nehalem"],
        }
    }
}

async fn boots_under_kvm(image: &Image) -> bool {
    let mut command = Command::new("qemu-system-x86_64");
    command
        .args(Accelerator::Kvm.arguments())
        .args(["-m", "256", "-nodefaults", "-display", "none", "-no-reboot"])
        .args(["-serial", "stdio", "-append", "console=ttyS0 panic=-1"])
        .arg("-kernel")
        .arg(&image.kernel)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await;
    // Without a disk the kernel panics, and so ends the machine.
    output.is_ok_and(|output| {
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("Kernel panic"))
    })
}
