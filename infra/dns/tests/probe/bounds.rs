//! What a probe costs while servers do their worst: time and memory are measured, with room for a machine that has other things to do.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sovereign_dns::DomainName;
use sovereign_dns::probe::{DelegationReport, Expectation, Limits, ProbeConfig, Prober};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::hostile::{config, maze};
use crate::rogue::Rogue;
use crate::world::{Block, codes, named};

/// How late a probe may be on a busy machine.
const LATE: Duration = Duration::from_secs(20);
/// Most memory that may come while a probe is under way, in KiB. Tests beside it are of the same process, and so are their servers.
const GROWTH: u64 = 32 * 1_024;

/// Watches the resident memory of this process.
struct Memory {
    before: u64,
    most: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    watch: JoinHandle<()>,
}

impl Memory {
    fn watch() -> Self {
        let before = resident();
        let (most, over) = (Arc::new(AtomicU64::new(before)), Arc::new(AtomicBool::new(false)));
        let (seen, done) = (most.clone(), over.clone());
        let watch = std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                seen.fetch_max(resident(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Self {
            before,
            most,
            over,
            watch,
        }
    }

    /// How much came since, at most.
    fn growth(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        self.watch.join().unwrap();
        self.most.load(Ordering::Relaxed).max(resident()) - self.before
    }
}

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap().trim_end_matches("kB").trim().parse().unwrap()
}

/// A probe that stays within its bounds: questions, time and memory.
pub(crate) async fn bounded(config: ProbeConfig, name: &DomainName) -> DelegationReport {
    let limits = config.limits;
    let prober = Prober::new(config);
    let (memory, began) = (Memory::watch(), Instant::now());
    let report = prober.probe(name, &Expectation::default()).await;
    let (took, growth) = (began.elapsed(), memory.growth());
    assert!(report.cost.questions <= limits.questions, "{:?}", report.cost);
    assert!(took <= limits.time + LATE, "{took:?}: {:?}", report.cost);
    assert!(growth <= GROWTH, "{growth} KiB: {:?}", report.cost);
    report
}

/// What a server does to whoever asks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Worst {
    /// Datagrams without end that answer another question.
    Flood,
    /// A long answer over TCP, byte by byte.
    Drip,
    /// An answer over TCP that never ends.
    Spill,
}

/// It ends with the test's runtime.
async fn start(address: IpAddr, port: u16, worst: Worst) {
    let at = SocketAddr::new(address, port);
    let udp = UdpSocket::bind(at).await.unwrap();
    let tcp = TcpListener::bind(at).await.unwrap();
    tokio::spawn(async move {
        let mut wire = [0; 2_048];
        while let Ok((length, client)) = udp.recv_from(&mut wire).await {
            let answer = &mut wire[..length];
            if worst != Worst::Flood {
                // An answer that is cut off: the client comes over TCP.
                answer[2] |= 0x82;
                let _ = udp.send_to(answer, client).await;
                continue;
            }
            answer[1] ^= 0x55;
            answer[2] |= 0x80;
            while udp.send_to(answer, client).await.is_ok() {}
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = tcp.accept().await {
            tokio::spawn(speak(stream, worst));
        }
    });
}

async fn speak(mut stream: TcpStream, worst: Worst) -> std::io::Result<()> {
    let length = stream.read_u16().await?;
    stream.read_exact(&mut vec![0; length.into()]).await?;
    stream.write_u16(u16::MAX).await?;
    loop {
        match worst {
            Worst::Spill => stream.write_all(&[0; 8_192]).await?,
            Worst::Flood | Worst::Drip => {
                stream.write_u8(0).await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_a_drip_and_a_spill_cost_no_more_than_silence() {
    for worst in [Worst::Flood, Worst::Drip, Worst::Spill] {
        let block = Block::take();
        let root = block.at(0, 1);
        start(root, block.port, worst).await;
        let report = bounded(config(root, block.port), &named("a.b.c.victim.test")).await;
        assert!(codes(&report).contains(&"walk.stuck"), "{:?}", codes(&report));
        assert!(report.cost.questions < 20, "{worst:?}: {:?}", report.cost);
    }
}

/// As many questions as anybody likes, each answered late, and each answer leads to more of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_maze_that_has_no_end_is_left_when_time_is_up() {
    let block = Block::take();
    let root = block.at(0, 1);
    let rogue = Rogue::start(root, block.port, |question, _| {
        std::thread::sleep(Duration::from_millis(10));
        maze(question)
    })
    .await;
    let config = ProbeConfig {
        limits: Limits {
            questions: u32::MAX,
            time: Duration::from_secs(1),
            depth: 64,
            ..config(root, block.port).limits
        },
        ..config(root, block.port)
    };
    let report = bounded(config, &named("a.b.c.victim.test")).await;
    assert!(!report.is_healthy(), "{:#?}", report.findings);
    assert!(rogue.asked() > 20, "it is a maze: {}", rogue.asked());
}
