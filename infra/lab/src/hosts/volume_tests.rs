use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::*;

fn picture(size: u64, server: Option<u64>, leader: u32) -> Picture {
    Picture {
        volumes: vec![json!({"id": 4711, "size": size, "server": server, "format": "ext4"})],
        leaders: vec![(7, leader)],
        ..Picture::default()
    }
}

async fn inside(process: u32, script: &str) -> Result<String, HostError> {
    command::run(
        "nsenter",
        [
            "--target",
            &process.to_string(),
            "--mount",
            "--",
            "sh",
            "-c",
            script,
        ],
    )
    .await
}

/// A process with a mount namespace and a `/dev` of its own stands for a container.
#[tokio::test]
async fn a_container_mounts_its_volume_and_finds_it_grown() {
    let scratch = tempfile::tempdir().expect("a directory");
    let mut container = Command::new("unshare")
        .args([
            "--mount",
            "sh",
            "-c",
            "mount -t tmpfs -o mode=755 none /dev && echo ready && exec sleep 60",
        ])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("unshare of util-linux");
    let process = container.id().expect("a process");
    let mut output = tokio::io::BufReader::new(container.stdout.take().expect("its output"));
    tokio::io::AsyncBufReadExt::read_line(&mut output, &mut String::new())
        .await
        .expect("ready");

    let mut volumes = Volumes::new(scratch.path(), Arc::default());
    volumes
        .follow(&picture(10, Some(7), process))
        .await
        .expect("attached");
    let node = "/dev/disk/by-id/scsi-0HC_Volume_4711";
    let written = format!("mount {node} /mnt && echo kept > /mnt/word && blockdev --getsize64 {node}");
    let size = inside(process, &written).await.expect("an ext4 file system");
    assert_eq!(size.trim(), (10 * GB).to_string());

    volumes
        .follow(&picture(11, Some(7), process))
        .await
        .expect("grown");
    let size = inside(process, &format!("blockdev --getsize64 {node}"))
        .await
        .expect("a size");
    assert_eq!(size.trim(), (11 * GB).to_string());

    inside(process, "umount /mnt").await.expect("unmounted");
    volumes
        .follow(&picture(11, None, process))
        .await
        .expect("detached");
    assert!(inside(process, &format!("test -e {node}")).await.is_err());
    let free = async {
        let file = scratch.path().join("volume-4711.raw").display().to_string();
        while !command::run("losetup", ["--associated", &file])
            .await
            .expect("a list")
            .is_empty()
        {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(5), free)
        .await
        .expect("no device is left");

    volumes.follow(&Picture::default()).await.expect("removed");
    assert!(!scratch.path().join("volume-4711.raw").exists());
    container.kill().await.expect("ended");
}
