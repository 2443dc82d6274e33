//! What is in which package. Paths on the left are of the repository, or made by `stage`.

/// A Debian package.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    /// One line, then paragraphs.
    pub(crate) description: &'static str,
    /// `=version` stands for the version of all of them.
    pub(crate) depends: &'static [&'static str],
    pub(crate) recommends: &'static str,
    pub(crate) section: &'static str,
    pub(crate) files: &'static [File],
}

/// A file of a package.
pub(crate) enum File {
    /// From the repository, to this path.
    Copy(&'static str, &'static str),
    /// The same, compressed by gzip.
    Compressed(&'static str, &'static str),
    /// Every file of a folder, compressed, into this one.
    Folder(&'static str, &'static str),
    /// Configuration: an administrator's changes survive upgrades.
    Config(&'static str, &'static str),
    /// The program itself.
    Program(&'static str),
    /// A link at the first path to the second.
    Link(&'static str, &'static str),
    /// The licence texts of what the program holds, compressed.
    Licences(&'static str),
    /// A folder.
    Empty(&'static str),
}

use File::{Compressed, Config, Copy, Empty, Folder, Licences, Link, Program};

/// All packages.
pub(crate) const PACKAGES: &[Package] = &[
    Package {
        name: "indelible",
        description: "tamper-evident audit records of Linux hosts: the program\n\
            Indelible records what Linux kernels saw, gets it off the host at once, and\n\
            lets anybody prove later that nothing was changed, removed or left out.\n\
            \n\
            This package has the program with its manual pages and completions: search,\n\
            reports, rules, detections and verification. The services are in packages of\n\
            their own.",
        depends: &["libc"],
        recommends: "",
        section: "admin",
        files: &[
            Program("/usr/bin/indelible"),
            Folder("docs/man", "/usr/share/man/man1"),
            Copy(
                "docs/completions/indelible.bash",
                "/usr/share/bash-completion/completions/indelible",
            ),
            Copy(
                "docs/completions/_indelible",
                "/usr/share/zsh/vendor-completions/_indelible",
            ),
            Copy(
                "docs/completions/indelible.fish",
                "/usr/share/fish/vendor_completions.d/indelible.fish",
            ),
            Licences("/usr/share/doc/indelible/licences.gz"),
            Compressed("CHANGELOG.md", "/usr/share/doc/indelible/NEWS.gz"),
            Compressed("docs/formats.md", "/usr/share/doc/indelible/formats.md.gz"),
            Compressed(
                "docs/protocol.md",
                "/usr/share/doc/indelible/protocol.md.gz",
            ),
            Compressed("docs/compat.md", "/usr/share/doc/indelible/compat.md.gz"),
            Compressed("docs/where.md", "/usr/share/doc/indelible/where.md.gz"),
            Config("packaging/apparmor/indelible", "/etc/apparmor.d/indelible"),
        ],
    },
    Package {
        name: "indelible-agent",
        description: "tamper-evident audit records of Linux hosts: agent\n\
            Captures the records of this host's kernel into a hash-chained spool and sends\n\
            them to a collector, which answers with signed receipts.\n\
            \n\
            Beside an installed auditd it begins as an observer; 'indelible migrate\n\
            from-auditd' takes its place, and puts everything back on request.",
        depends: &["indelible (= =version)", "systemd"],
        recommends: "",
        section: "admin",
        files: &[
            Copy(
                "packaging/systemd/indelible-agent.service",
                "/lib/systemd/system/indelible-agent.service",
            ),
            Copy(
                "packaging/systemd/indelible-capture.service",
                "/lib/systemd/system/indelible-capture.service",
            ),
            Copy(
                "packaging/systemd/indelible-worker.service",
                "/lib/systemd/system/indelible-worker.service",
            ),
            Copy(
                "packaging/systemd/indelible-sources.service",
                "/lib/systemd/system/indelible-sources.service",
            ),
            Copy(
                "packaging/systemd/indelible-detections.service",
                "/lib/systemd/system/indelible-detections.service",
            ),
            Copy(
                "packaging/systemd/indelible-inspect.service",
                "/lib/systemd/system/indelible-inspect.service",
            ),
            Copy(
                "packaging/systemd/indelible-guard.service",
                "/lib/systemd/system/indelible-guard.service",
            ),
            Copy(
                "packaging/systemd/indelible-rules.service",
                "/lib/systemd/system/indelible-rules.service",
            ),
            Copy(
                "packaging/sysusers.d/indelible-agent.conf",
                "/usr/lib/sysusers.d/indelible-agent.conf",
            ),
            Copy(
                "packaging/tmpfiles.d/indelible-agent.conf",
                "/usr/lib/tmpfiles.d/indelible-agent.conf",
            ),
            Config("packaging/etc/agent.toml", "/etc/indelible/agent.toml"),
            Config(
                "packaging/etc/rules.d/00-base.rules",
                "/etc/indelible/rules.d/00-base.rules",
            ),
            Empty("/etc/indelible/agent.conf.d"),
        ],
    },
    Package {
        name: "indelible-collector",
        description: "tamper-evident audit records of Linux hosts: collector\n\
            Receives records of agents, of syslog and of RELP, keeps them in a Merkle log\n\
            that its own operator cannot rewrite unseen, and answers for what it has with\n\
            signed checkpoints.",
        depends: &["indelible (= =version)", "systemd"],
        recommends: "",
        section: "admin",
        files: &[
            Copy(
                "packaging/systemd/indelible-collector.service",
                "/lib/systemd/system/indelible-collector.service",
            ),
            Copy(
                "packaging/sysusers.d/indelible-collector.conf",
                "/usr/lib/sysusers.d/indelible-collector.conf",
            ),
            Config(
                "packaging/etc/collector.toml",
                "/etc/indelible/collector.toml",
            ),
            Copy(
                "packaging/monitoring/alerts.yml",
                "/usr/share/doc/indelible-collector/examples/alerts.yml",
            ),
            Copy(
                "packaging/monitoring/dashboard.json",
                "/usr/share/doc/indelible-collector/examples/dashboard.json",
            ),
            Empty("/etc/indelible/collector.conf.d"),
        ],
    },
    Package {
        name: "indelible-compat",
        description: "tamper-evident audit records of Linux hosts: auditd's commands\n\
            Links by which the program answers as auditctl, augenrules, ausearch and\n\
            aureport. Those of auditd, where it is installed, are kept aside under the\n\
            names auditctl.auditd and so on, and come back when this package is removed.",
        depends: &["indelible (= =version)"],
        recommends: "",
        section: "admin",
        files: &[
            Link("/sbin/auditctl", "/usr/bin/indelible"),
            Link("/sbin/augenrules", "/usr/bin/indelible"),
            Link("/sbin/ausearch", "/usr/bin/indelible"),
            Link("/sbin/aureport", "/usr/bin/indelible"),
        ],
    },
];
