//! rsyslog's inputs and forwarding lines as sources and outputs.

use indelible_wire::syslog::rsyslog::{Configuration, Forward, Input, Meaning, Transport};
use indelible_wire::syslog::{Framing, Selector};

use super::{Imported, Note, Output, TlsNames};

/// Takes over what has an equal.
pub(super) fn import(file: &str, text: &str, into: &mut Imported) {
    let found = Configuration::parse(text);
    let mut local = 0;
    for statement in &found.statements {
        let line = statement.line;
        match &statement.meaning {
            Meaning::Forward(forward) => match output(file, line, forward, &found) {
                Ok(output) => into.outputs.push(output),
                Err(why) => into.notes.push(Note::new(file, line, why)),
            },
            Meaning::Input(input) => match source(input) {
                Ok(source) => {
                    if !into.sources.contains(&source) {
                        into.sources.push(source);
                    }
                }
                Err(why) => into.notes.push(Note::new(file, line, why)),
            },
            Meaning::Include(pattern) => into.includes.push(pattern.clone()),
            Meaning::Local(_) => local += 1,
            Meaning::Other(text) => {
                // Settings of local files concern nobody here.
                let of_files = [
                    "$File",
                    "$Dir",
                    "$Umask",
                    "$Priv",
                    "$WorkDirectory",
                    "template(",
                ];
                if !of_files.iter().any(|name| text.starts_with(name)) {
                    let why = format!("is not taken over: {}", text.escape_debug());
                    into.notes.push(Note::new(file, line, why));
                }
            }
        }
    }
    if local > 0 {
        let why = format!(
            "{local} actions write on this host; the spool keeps what they wrote (`indelible search`), and rsyslog may go on writing files"
        );
        into.notes.push(Note::of_file(file, &why));
    }
    if found.is_cut {
        into.notes
            .push(Note::of_file(file, "has more statements than are read"));
    }
}

fn output(
    file: &str,
    line: usize,
    forward: &Forward,
    found: &Configuration,
) -> Result<Output, String> {
    if let Some(condition) = &forward.condition {
        return Err(format!(
            "forwards under a condition that is not taken over ({}): write an output with `select` or `where`",
            condition.escape_debug()
        ));
    }
    let kind = match forward.transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
        Transport::Tls => "tls",
        Transport::Relp => "relp",
        Transport::RelpTls => "relp-tls",
    };
    let is_secured = matches!(forward.transport, Transport::Tls | Transport::RelpTls);
    if is_secured && found.tls.ca.is_none() {
        return Err("names no authority for TLS: write an output with `tls.ca`".into());
    }
    let address = |host: &String| match host.contains(':') {
        true => format!("{kind}:[{host}]:{}", forward.port),
        false => format!("{kind}:{host}:{}", forward.port),
    };
    let to: Vec<String> = forward.hosts.iter().map(address).collect();
    for word in &to {
        crate::config::outputs::Destination::try_from(word.clone())?;
    }
    let format = match forward.template.as_deref() {
        Some("RSYSLOG_SyslogProtocol23Format") => "rfc5424",
        // What rsyslog sends unless told otherwise, and what its traditional templates are.
        _ => "rfc3164",
    };
    // A name with a wildcard is a rule of rsyslog's, not a name.
    let name = forward.peer.clone().filter(|peer| !peer.contains('*'));
    let tls = is_secured.then(|| TlsNames {
        ca: found.tls.ca.clone(),
        certificate: found
            .tls
            .certificate
            .clone()
            .filter(|_| found.tls.key.is_some()),
        key: found
            .tls
            .key
            .clone()
            .filter(|_| found.tls.certificate.is_some()),
        name,
    });
    let select = (forward.selector != Selector::ALL).then(|| forward.selector.to_string());
    Ok(Output {
        origin: format!("{file}:{line}: {forward}"),
        to,
        format,
        lines: forward.framing == Framing::Lines
            && matches!(forward.transport, Transport::Tcp | Transport::Tls),
        select,
        required: forward.has_queue && forward.retries < 0,
        tls,
    })
}

fn source(input: &Input) -> Result<String, String> {
    let word = match input {
        Input::SystemSocket => "unix:/dev/log".into(),
        Input::Journal => "journal".into(),
        Input::Kernel => "kmsg".into(),
        Input::File(path) => format!("file:{path}"),
        Input::Udp(address, port) => listening("udp", address, *port)?,
        Input::Tcp(address, port) => listening("tcp", address, *port)?,
        Input::Relp(_, port) => {
            return Err(format!(
                "a collector receives RELP: `indelible collector --relp ADDRESS:{port}`"
            ));
        }
    };
    word.parse::<crate::config::SourceConfig>()
        .map(|source| source.word())
}

fn listening(kind: &str, address: &str, port: u16) -> Result<String, String> {
    let is_local = address
        .parse()
        .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    if !is_local {
        return Err(format!(
            "a collector receives from the network: `indelible collector --syslog-{kind} ADDRESS:{port}`"
        ));
    }
    Ok(match address.contains(':') {
        true => format!("{kind}:[{address}]:{port}"),
        false => format!("{kind}:{address}:{port}"),
    })
}
