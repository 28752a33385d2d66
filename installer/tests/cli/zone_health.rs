//! `sovereign zone health`: names led to what answers, on real servers.

use std::net::{IpAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};

use crate::harness::{Ended, Place};
use crate::zone::World;

const ONE: &str = "127.0.0.1";
const TWO: &str = "127.0.0.2";

/// A slow machine is waited for.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_mins(2), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// One port that two addresses take connections on.
fn two_regions() -> (TcpListener, TcpListener, u16) {
    loop {
        let one = TcpListener::bind((ONE, 0)).unwrap();
        let port = one.local_addr().unwrap().port();
        if let Ok(two) = TcpListener::bind((TWO, port)) {
            return (one, two, port);
        }
    }
}

fn regions() -> [String; 4] {
    let region = |name: &str, address: &str| format!("{name}={address}");
    [
        "--region".into(),
        region("one", ONE),
        "--region".into(),
        region("two", TWO),
    ]
}

/// Arguments of a controller that is in a hurry.
fn health(arguments: &[&str]) -> Vec<String> {
    let begin = ["health", "acme", "--interval", "1", "--rise", "2", "--fall", "2"];
    let all = begin.iter().chain(arguments).map(|word| (*word).to_owned());
    all.chain(regions()).collect()
}

impl World {
    /// Where the primary and the secondary lead the names; the same where both agree.
    fn leads_to(&self) -> Vec<IpAddr> {
        let mut led: Vec<Vec<IpAddr>> = Vec::new();
        for name in ["acme.test", "api.acme.test"] {
            for copy in self.copies() {
                led.push(copy.addresses_of(&name.parse().unwrap()).into_iter().collect());
            }
        }
        led.dedup();
        if led.len() == 1 { led.remove(0) } else { Vec::new() }
    }

    fn lead_to(&self, addresses: &[&str]) -> bool {
        let wanted: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.leads_to() == wanted
    }

    fn run_health(&self, arguments: &[&str], code: i32) -> Ended {
        let words = health(arguments);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.zone(&words).exits(code)
    }
}

/// What a controller told of itself; the journal's events stand between.
fn told(ended: &Ended) -> Vec<Value> {
    let lines = ended.json_lines().into_iter();
    lines.filter_map(|line| line.get("health").cloned()).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect()
}

#[test]
fn names_follow_what_answers_and_stay_where_nothing_does() {
    let world = World::start();
    let (one, two, port) = two_regions();
    let check = format!("tcp:{port}");
    let words = health(&["--check", &check, "--json"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut child = world.zone(&words).spawn();
    until("both answer", || world.lead_to(&[ONE, TWO]));
    drop(two);
    until("one is left", || world.lead_to(&[ONE]));
    // What stands is in the zone: another one goes on from there.
    child.kill().unwrap();
    child.wait().unwrap();
    let child = world.zone(&words).spawn();
    let two = TcpListener::bind((TWO, port)).unwrap();
    until("it is back", || world.lead_to(&[ONE, TWO]));
    drop(one);
    until("the other is left", || world.lead_to(&[TWO]));
    drop(two);
    // Long enough for it to be believed, and for more: what stands stays.
    std::thread::sleep(Duration::from_secs(5));
    assert!(world.lead_to(&[TWO]));
    let id = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    kill(id, Signal::SIGTERM).unwrap();
    let ended = Ended::of(&child.wait_with_output().unwrap()).exited(0);
    let events = told(&ended);
    let led: Vec<&Value> = events.iter().filter(|event| event["event"] == "led").collect();
    let addresses: Vec<&Value> = led.iter().map(|event| &event["addresses"]).collect();
    let wanted = [json!([ONE, TWO]), json!([TWO])];
    assert_eq!(addresses, wanted.iter().collect::<Vec<_>>(), "{events:?}");
    assert_eq!(led[1]["went"], json!([ONE]));
    assert_eq!(led[1]["cachesKeepSeconds"], json!(300));
    let kinds = kinds(&events);
    assert_eq!((kinds[0], *kinds.last().unwrap()), ("watching", "stopped"));
    assert_eq!(
        world.findings(0),
        [""; 0],
        "what it wants is what a check compares with"
    );
}

#[test]
fn once_it_writes_what_is_clear_and_nothing_twice() {
    let world = World::start();
    let (one, two, port) = two_regions();
    let check = format!("tcp:{port}");
    let serial = || world.copies()[0].serial;
    drop(two);
    let first = world.run_health(&["--check", &check, "--once", "--json"], 0);
    assert!(world.lead_to(&[ONE]), "{}", first.stdout);
    let before = serial();
    for _ in 0..2 {
        let again = world.run_health(&["--check", &check, "--once", "--json"], 0);
        let events = told(&again);
        assert_eq!(kinds(&events), ["watching", "answers", "fails", "stands"]);
        assert_eq!(again.json_lines().len(), events.len(), "nothing ran");
    }
    drop(one);
    let nothing = world.run_health(&["--check", &check, "--once"], 5);
    assert!(
        nothing.stdout.contains("127.0.0.1 stay although they fail"),
        "{}",
        nothing.stdout
    );
    assert_eq!(serial(), before);
    assert!(world.lead_to(&[ONE]));
}

#[test]
fn two_at_once_write_one_change() {
    let world = World::start();
    let (_one, _two, port) = two_regions();
    let check = format!("tcp:{port}");
    let words = health(&["--check", &check, "--json"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let before = world.copies()[0].serial;
    let children: Vec<Child> = (0..2).map(|_| world.zone(&words).spawn()).collect();
    until("both answer", || world.lead_to(&[ONE, TWO]));
    std::thread::sleep(Duration::from_secs(4));
    for child in children {
        let id = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
        kill(id, Signal::SIGINT).unwrap();
        Ended::of(&child.wait_with_output().unwrap()).exited(0);
    }
    assert_eq!(world.copies()[0].serial, before + 1);
}

/// A page over TLS for one name, and the certificate that vouches for it.
struct Page {
    server: Child,
    dir: tempfile::TempDir,
}

impl Page {
    /// OpenSSL answers for `name` with a certificate of its own, and for every other name with one that nobody trusts.
    fn serve(name: &str, port: u16) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |file: &str| dir.path().join(file).to_str().unwrap().to_owned();
        for (file, name) in [("own", name), ("other", "other.test")] {
            let made = Command::new("openssl")
                .args([
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                ])
                .args(["-nodes", "-days", "2", "-subj"])
                .arg(format!("/CN={name}"))
                .args(["-addext", &format!("subjectAltName=DNS:{name}")])
                .args(["-addext", "basicConstraints=critical,CA:FALSE"])
                .args([
                    "-keyout",
                    &path(&format!("{file}.key")),
                    "-out",
                    &path(&format!("{file}.pem")),
                ])
                .stderr(Stdio::null())
                .status()
                .expect("apt-get install -y openssl");
            assert!(made.success());
        }
        let server = Command::new("openssl")
            .args(["s_server", "-quiet", "-www", "-accept", &format!("{ONE}:{port}")])
            .args([
                "-cert",
                &path("other.pem"),
                "-key",
                &path("other.key"),
                "-servername",
                name,
            ])
            .args(["-cert2", &path("own.pem"), "-key2", &path("own.key")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { server, dir }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_page_is_asked_for_by_its_name_at_every_address() {
    let world = World::start();
    let (one, two, port) = two_regions();
    drop((one, two));
    let page = Page::serve("console.acme.test", port);
    until("the page is served", || {
        std::net::TcpStream::connect((ONE, port)).is_ok()
    });
    let ask = |name: &str, code: i32| {
        let check = format!("https://{name}:{port}/");
        let words = health(&["--check", &check, "--once", "--timeout", "20"]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let run = world.zone(&words);
        run.env("SSL_CERT_FILE", page.dir.path().join("own.pem"))
            .exits(code)
    };
    let said = ask("console.acme.test", 0).stdout;
    assert!(
        said.contains("one 127.0.0.1 answers") && said.contains("two 127.0.0.2 fails"),
        "{said}"
    );
    assert!(world.lead_to(&[ONE]));
    // Another name gets the certificate that nobody trusts.
    let said = ask("gitea.acme.test", 5).stdout;
    assert!(
        said.contains("one 127.0.0.1 fails: invalid peer certificate"),
        "{said}"
    );
    assert!(world.lead_to(&[ONE]));
}

#[test]
fn servers_choose_where_they_can_and_plain_addresses_come_back() {
    let world = World::alone(&["enable-lua-records=yes"]);
    for rule in [
        &["--lua", "pickclosest"][..],
        &["--lua", "ifurlup", "--check", "https://console.acme.test/healthz"],
    ] {
        let regions = regions();
        let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
        let words = [&["health", "acme"], rule, &regions].concat();
        let ended = world.zone(&words).success();
        assert!(ended.stderr.contains("for 300 s more"), "{}", ended.stderr);
        assert_eq!(world.findings(0), [""; 0]);
        let copy = &world.copies()[0];
        let set = copy.set(&"*.acme.test".parse().unwrap(), &"LUA".into()).unwrap();
        assert!(set.to_string().contains(rule[1]), "{set}");
        assert!(copy.set(&"acme.test".parse().unwrap(), &"A".into()).is_none());
    }
    world
        .zone(&["set-addresses", "acme", "--ipv4", "198.51.100.7"])
        .success();
    assert_eq!(world.findings(0), [""; 0]);
    assert!(world.lead_to(&["198.51.100.7"]));
}

#[test]
fn servers_that_cannot_choose_are_named_and_the_addresses_of_before_stay() {
    let world = World::start();
    let before = world.copies()[0].clone();
    let regions = regions();
    let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
    let words = [&["health", "acme", "--lua", "pickclosest"], &regions[..]].concat();
    let said = world.zone(&words).exits(1).stderr;
    for wanted in [
        &*world.primary.dns_addr.to_string(),
        "NOERROR",
        "`enable-lua-records=yes`",
        "the names lead to 192.0.2.1 as before",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    let sets = |copy: &sovereign_dns::zone::Zone| {
        let sets = copy
            .sets
            .iter()
            .filter(|set| set.records.kind().as_str() != "SOA");
        sets.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(sets(&world.copies()[0]), sets(&before));
    world.is_as_wanted();
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_asked() {
    let world = World::start();
    for (arguments, wanted) in [
        (&["health", "acme"][..], "`--region NAME=ADDRESS,ADDRESS`"),
        (
            &["health", "acme", "--region", "one=127.0.0.1", "--lua", "ifurlup"],
            "`--check https://",
        ),
        (&["health", "acme", "--region", "one=nowhere"], "is no IP address"),
        (
            &[
                "health",
                "acme",
                "--region",
                "one=127.0.0.1",
                "--check",
                "https://a.test/'",
            ],
            "the path has other characters",
        ),
        (
            &[
                "health",
                "acme",
                "--region",
                "one=127.0.0.1",
                "--lua",
                "os.exit()",
            ],
            "invalid value",
        ),
    ] {
        let said = world.zone(arguments).exits(2).stderr;
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn without_flags_the_regions_are_those_of_the_last_up() {
    let world = World::built(&[ONE, TWO]);
    let (_one, two, port) = two_regions();
    drop(two);
    let check = format!("tcp:{port}");
    let words = [
        "health",
        "acme",
        "--check",
        &check,
        "--once",
        "--interval",
        "1",
        "--json",
    ];
    for _ in 0..2 {
        let events = told(&world.zone(&words).success());
        assert_eq!(
            events[0]["regions"],
            json!([format!("{ONE}={ONE}"), format!("{TWO}={TWO}")])
        );
        assert!(world.lead_to(&[ONE]));
    }
}

#[test]
fn a_controller_elsewhere_needs_the_spec_alone_and_both_agree() {
    let world = World::start();
    let (_one, two, port) = two_regions();
    drop(two);
    let check = format!("tcp:{port}");
    let elsewhere = Place::new();
    let spec = elsewhere.file("acme.yaml", &world.spec());
    let mut words = health(&["--check", &check, "--once"]);
    words[1] = spec.to_str().unwrap().to_owned();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    world.zone_from(&elsewhere, &words).success();
    assert!(world.lead_to(&[ONE]));
    let serial = world.copies()[0].serial;
    world.run_health(&["--check", &check, "--once"], 0);
    world.zone_from(&elsewhere, &words).success();
    assert_eq!(world.copies()[0].serial, serial);
    assert_eq!(world.findings(0), [""; 0], "the first has learnt what is wanted");
}
