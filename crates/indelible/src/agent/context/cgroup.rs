//! What the path of a control group says: the systemd unit, and the container.

/// The unit and the container's id of `/proc/PID/cgroup`.
pub(super) fn origin(text: &[u8]) -> (Option<String>, Option<String>) {
    let text = String::from_utf8_lossy(text);
    // The unified hierarchy has number 0; before it systemd's had a name.
    let path = text.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        (number == "0" || controllers == "name=systemd").then_some(path)
    });
    let names = || path.unwrap_or_default().split('/');
    // The innermost one: a user's own manager has units below its own.
    let unit = names().rfind(|name| UNITS.iter().any(|ending| name.ends_with(ending)));
    let container = names().filter_map(container).next_back();
    (unit.map(str::to_owned), container.map(str::to_owned))
}

/// `docker-ID.scope`, `cri-containerd-ID.scope`, `libpod-ID.scope`, or the id alone.
fn container(name: &str) -> Option<&str> {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    let id = name.rsplit_once(['-', ':']).map_or(name, |(_, id)| id);
    let is_id = id.len() == ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(id)
}

/// Kinds of units that hold processes.
const UNITS: &[&str] = &[".service", ".scope"];
/// Runtimes name containers by SHA-256 or by as many random digits.
const ID_DIGITS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, unit: Option<&str>, container: Option<&str>) {
        let (found_unit, found_container) = origin(text.as_bytes());
        assert_eq!(
            (found_unit.as_deref(), found_container.as_deref()),
            (unit, container),
            "{text:?}"
        );
    }

    #[test]
    fn units_and_containers() {
        let id = "0123456789abcdef".repeat(4);
        check("0::/system.slice/ssh.service\n", Some("ssh.service"), None);
        check(
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope\n",
            Some("term.scope"),
            None,
        );
        let docker = format!("docker-{id}.scope");
        check(
            &format!("0::/system.slice/{docker}\n"),
            Some(&docker),
            Some(&id),
        );
        check(
            &format!("0::/kubepods/burstable/pod1-2/{id}\n"),
            None,
            Some(&id),
        );
        let cri = format!("0::/k.slice/k-pod1.slice:cri-containerd:{id}\n");
        check(&cri, None, Some(&id));
        check(
            "5:memory:/x\n1:name=systemd:/system.slice/cron.service\n",
            Some("cron.service"),
            None,
        );
        for text in ["", "\n", "0::/\n", "0::", "rubbish", "0::/../..\n"] {
            check(text, None, None);
        }
    }
}
