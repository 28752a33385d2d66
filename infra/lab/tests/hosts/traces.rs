//! What of a lab is left on this machine, looked for where the kernel keeps it.

use std::fs;
use std::path::Path;

/// What bears a lab's name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Traces {
    namespaces: Vec<String>,
    links: Vec<String>,
    groups: Vec<String>,
    processes: Vec<String>,
    mounts: Vec<String>,
    slots: Vec<String>,
}

impl Traces {
    /// Of the lab of that name.
    pub(crate) fn of(name: &str) -> Self {
        let ours = |entry: &String| entry == name || entry.starts_with(&format!("{name}-"));
        let trees = [
            "/sys/fs/cgroup",
            "/sys/fs/cgroup/unified",
            "/sys/fs/cgroup/systemd",
        ];
        let groups = trees
            .iter()
            .flat_map(|tree| list(&format!("{tree}/sovereign-lab")));
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let mark = format!("/{name}");
        Self {
            namespaces: list("/run/netns").into_iter().filter(ours).collect(),
            links: list("/sys/class/net").into_iter().filter(ours).collect(),
            groups: groups.filter(|group| group == name).collect(),
            processes: processes(name),
            mounts: mounts
                .lines()
                .filter(|line| line.split([' ', '/']).any(|part| part == name) && line.contains(&mark))
                .map(str::to_owned)
                .collect(),
            slots: list("/run/sovereign-lab")
                .into_iter()
                .filter(|slot| format!("svl{slot}") == name)
                .collect(),
        }
    }

    /// Whether any process is among them.
    pub(crate) fn running(&self) -> bool {
        !self.processes.is_empty()
    }

    /// Whether hosts or their networks are among them.
    pub(crate) fn hosts(&self) -> bool {
        self.namespaces.len() > 1 || !self.processes.is_empty()
    }
}

fn list(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.collect()
}

/// Processes in a control group of the lab. One without a command line has ended and waits for the machine's init.
fn processes(name: &str) -> Vec<String> {
    let mark = format!("/sovereign-lab/{name}/");
    let member = |pid: &String| {
        fs::read_to_string(Path::new("/proc").join(pid).join("cgroup")).is_ok_and(|text| text.contains(&mark))
    };
    let line = |pid: String| fs::read_to_string(Path::new("/proc").join(pid).join("cmdline")).ok();
    let lines = list("/proc").into_iter().filter(member).filter_map(line);
    lines.filter(|line| !line.is_empty()).collect()
}
