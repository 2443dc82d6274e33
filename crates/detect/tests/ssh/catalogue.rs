//! Every message of the catalogue, as OpenSSH 6 to 10 write it.

use indelible_detect::ssh::grammar::parse;
use indelible_detect::ssh::message::Peer;

/// A message and what it says: `kind peer port user valid method`, `-` for what it does not say.
fn check(text: &str, expect: &str) {
    let Some(message) = parse(text.as_bytes(), text.len() + 40) else {
        panic!("not understood: {text}");
    };
    let (address, port) = match message.peer {
        Peer::Known {
            address,
            port,
            start,
            end,
        } => {
            assert_eq!(
                text[start..end].parse::<std::net::IpAddr>().ok(),
                Some(address),
                "{text}"
            );
            (
                address.to_string(),
                port.map_or("-".into(), |port| port.to_string()),
            )
        }
        Peer::Absent => ("-".into(), "-".into()),
        Peer::Ambiguous => ("ambiguous".into(), "-".into()),
    };
    let user = message.user.map_or("-".into(), |user| {
        String::from_utf8_lossy(user.name).into_owned()
    });
    let valid = match message.user.and_then(|user| user.valid) {
        Some(true) => "valid",
        Some(false) => "invalid",
        None => "-",
    };
    let method = message.method.map_or("-", |method| method.name());
    let found = format!(
        "{:?} {address} {port} {user} {valid} {method}",
        message.kind
    );
    assert_eq!(found, expect, "{text}");
}

#[test]
fn decisions() {
    check(
        "Failed password for root from 192.0.2.1 port 5 ssh2",
        "Failed 192.0.2.1 5 root valid password",
    );
    check(
        "Failed password for invalid user x y from 2001:db8::1 port 5 ssh2",
        "Failed 2001:db8::1 5 x y invalid password",
    );
    check(
        "Failed password for invalid user  from 192.0.2.1 port 5 ssh2",
        "Failed 192.0.2.1 5  invalid password",
    );
    check(
        "Failed password for illegal user a from 192.0.2.1 port 5 ssh2",
        "Failed 192.0.2.1 5 a invalid password",
    );
    check(
        "Failed none for invalid user a from 192.0.2.1 port 5 ssh2",
        "Failed 192.0.2.1 5 a invalid none",
    );
    check(
        "Failed keyboard-interactive/pam for root from 192.0.2.1 port 5 ssh2",
        "Failed 192.0.2.1 5 root valid keyboard-interactive",
    );
    check(
        "Failed keyboard-interactive for root from 192.0.2.1 port 5 ssh2",
        "Failed 192.0.2.1 5 root valid keyboard-interactive-unasked",
    );
    check(
        "Failed publickey for root from 192.0.2.1 port 5 ssh2: RSA SHA256:abc",
        "Failed 192.0.2.1 5 root valid publickey",
    );
    check(
        "Failed publickey for root from 192.0.2.1 port 5 ssh2: RSA-CERT SHA256:a ID me from 8.8.8.8 (serial 0) CA RSA SHA256:b",
        "Failed 192.0.2.1 5 root valid publickey",
    );
    check(
        "Failed hostbased for root from 192.0.2.1 port 5 ssh2: client user \"a\", client host \"b\"",
        "Failed 192.0.2.1 5 root valid hostbased",
    );
    check(
        "Failed gssapi-with-mic for root from 192.0.2.1 port 5 ssh2",
        "Failed 192.0.2.1 5 root valid gssapi",
    );
    check(
        "Failed unknown for root from 192.0.2.1 port 5 ssh2",
        "Failed 192.0.2.1 5 root valid other",
    );
    check(
        "Failed password for root from UNKNOWN port 65535 ssh2",
        "Failed - - root valid password",
    );
    check(
        "Accepted password for a from 192.0.2.1 port 5 ssh2",
        "Accepted 192.0.2.1 5 a valid password",
    );
    check(
        "Accepted publickey for a from 192.0.2.1 port 5 ssh2: ED25519 SHA256:abc",
        "Accepted 192.0.2.1 5 a valid publickey",
    );
    check(
        "Partial publickey for a from 192.0.2.1 port 5 ssh2: ED25519 SHA256:abc",
        "Partial 192.0.2.1 5 a valid publickey",
    );
    check(
        "Postponed publickey for a from 192.0.2.1 port 5 ssh2 [preauth]",
        "Postponed 192.0.2.1 5 a valid publickey",
    );
    check(
        "message repeated 4 times: [ Failed password for root from 192.0.2.1 port 5 ssh2]",
        "Failed 192.0.2.1 5 root valid password",
    );
}

#[test]
fn names_and_refusals() {
    check(
        "Invalid user a from 192.0.2.1 port 5",
        "InvalidUser 192.0.2.1 5 a invalid -",
    );
    check(
        "Invalid user a from 192.0.2.1",
        "InvalidUser 192.0.2.1 - a invalid -",
    );
    check(
        "Invalid user  from 192.0.2.1",
        "InvalidUser 192.0.2.1 -  invalid -",
    );
    check(
        "error: PAM: Authentication failure for root from 192.0.2.1",
        "Pam 192.0.2.1 - root valid keyboard-interactive",
    );
    check(
        "error: PAM: User not known to the underlying authentication module for illegal user x from h.example",
        "Pam - - x invalid keyboard-interactive",
    );
    check(
        "error: PAM: Have exhausted maximum number of retries for service for root from 192.0.2.1",
        "Pam 192.0.2.1 - root valid keyboard-interactive",
    );
    check(
        "error: maximum authentication attempts exceeded for invalid user a from 192.0.2.1 port 5 ssh2 [preauth]",
        "TooManyTries 192.0.2.1 5 a invalid -",
    );
    check(
        "Disconnecting authenticating user root 192.0.2.1 port 5: Too many authentication failures [preauth]",
        "Disconnecting 192.0.2.1 5 root valid -",
    );
    check(
        "Disconnecting invalid user a 192.0.2.1 port 5: Change of username or service not allowed: (a,ssh-connection) -> (b,ssh-connection) [preauth]",
        "Disconnecting 192.0.2.1 5 a invalid -",
    );
    check(
        "Disconnecting: Too many authentication failures for root [preauth]",
        "Disconnecting - - - - -",
    );
    check(
        "User a from 192.0.2.1 not allowed because not listed in AllowUsers",
        "NotAllowed 192.0.2.1 - a invalid -",
    );
    check(
        "User a from h.example not allowed because none of user's groups are listed in AllowGroups",
        "NotAllowed - - a invalid -",
    );
    check(
        "User a from 192.0.2.1 not allowed because a group is listed in DenyGroups",
        "NotAllowed 192.0.2.1 - a invalid -",
    );
    check(
        "User a not allowed because account is locked",
        "NotAllowed - - a invalid -",
    );
    check(
        "User a not allowed because shell /x does not exist",
        "NotAllowed - - a invalid -",
    );
    check(
        "ROOT LOGIN REFUSED FROM 192.0.2.1 port 5",
        "RootRefused 192.0.2.1 5 - - -",
    );
    check(
        "ROOT LOGIN REFUSED FROM 192.0.2.1",
        "RootRefused 192.0.2.1 - - - -",
    );
    check(
        "administratively prohibited connection for a from 192.0.2.1 port 5 ssh2",
        "Prohibited 192.0.2.1 5 a - -",
    );
}

#[test]
fn ends() {
    check(
        "Connection closed by 192.0.2.1 [preauth]",
        "Closed 192.0.2.1 - - - -",
    );
    check(
        "Connection closed by 192.0.2.1 port 5 [preauth]",
        "Closed 192.0.2.1 5 - - -",
    );
    check(
        "Connection closed by authenticating user root 192.0.2.1 port 5 [preauth]",
        "Closed 192.0.2.1 5 root valid -",
    );
    check(
        "Connection closed by invalid user  192.0.2.1 port 5 [preauth]",
        "Closed 192.0.2.1 5  invalid -",
    );
    check(
        "Connection reset by invalid user a b 2001:db8::1 port 5 [preauth]",
        "Closed 2001:db8::1 5 a b invalid -",
    );
    check(
        "Connection reset by 192.0.2.1 port 5",
        "Closed 192.0.2.1 5 - - -",
    );
    check(
        "Connection from authenticating user a 192.0.2.1 port 5 timed out",
        "Closed 192.0.2.1 5 a valid -",
    );
    check(
        "Disconnected from 192.0.2.1 port 5 [preauth]",
        "Closed 192.0.2.1 5 - - -",
    );
    check(
        "Disconnected from user a 192.0.2.1 port 5",
        "Session 192.0.2.1 5 a - -",
    );
    check(
        "Received disconnect from 192.0.2.1 port 5:11: Failed password from 8.8.8.8 port 22 [preauth]",
        "ReceivedDisconnect 192.0.2.1 5 - - -",
    );
    check(
        "error: Received disconnect from 192.0.2.1 port 5:3: com.jcraft.jsch.JSchException: Auth fail [preauth]",
        "ReceivedDisconnect 192.0.2.1 5 - - -",
    );
    check(
        "Received disconnect from 192.0.2.1: 11: Bye Bye [preauth]",
        "ReceivedDisconnect 192.0.2.1 - - - -",
    );
    check(
        "Received disconnect from 2001:db8::: 11: Bye Bye [preauth]",
        "ReceivedDisconnect 2001:db8:: - - - -",
    );
    check(
        "fatal: Timeout before authentication for 192.0.2.1 port 5",
        "GraceTimeout 192.0.2.1 5 - - -",
    );
    check(
        "fatal: Timeout before authentication for 192.0.2.1",
        "GraceTimeout 192.0.2.1 - - - -",
    );
    check(
        "Timeout before authentication for connection from 192.0.2.1 to 192.0.2.9, pid = 77",
        "GraceTimeout 192.0.2.1 - - - -",
    );
    check(
        "ssh_dispatch_run_fatal: Connection from invalid user a 192.0.2.1 port 5: incorrect signature [preauth]",
        "Broken 192.0.2.1 5 a invalid -",
    );
    check(
        "ssh_dispatch_run_fatal: Connection from 192.0.2.1 port 5: message authentication code incorrect [preauth]",
        "Broken 192.0.2.1 5 - - -",
    );
    check(
        "Timeout, client not responding from user a 192.0.2.1 port 5",
        "Session 192.0.2.1 5 a - -",
    );
}

#[test]
fn before_keys_and_limits() {
    check(
        "Unable to negotiate with 192.0.2.1 port 5: no matching key exchange method found. Their offer: a,b [preauth]",
        "NoCommonAlgorithm 192.0.2.1 5 - - -",
    );
    check(
        "fatal: Unable to negotiate with 192.0.2.1: no matching cipher found. Their offer: x [preauth]",
        "NoCommonAlgorithm 192.0.2.1 - - - -",
    );
    check(
        "banner exchange: Connection from 192.0.2.1 port 5: invalid format",
        "Identification 192.0.2.1 5 - - -",
    );
    check(
        "error: kex_exchange_identification: Connection closed by remote host",
        "Identification - - - - -",
    );
    check(
        "error: kex_exchange_identification: client sent invalid protocol identifier \"GET / from 8.8.8.8 port 1\"",
        "Identification - - - - -",
    );
    check(
        "Did not receive identification string from 192.0.2.1",
        "Identification 192.0.2.1 - - - -",
    );
    check(
        "Did not receive identification string from 192.0.2.1 port 5",
        "Identification 192.0.2.1 5 - - -",
    );
    check(
        "Bad protocol version identification 'x' from 8.8.8.8 port 1' from 192.0.2.1 port 5",
        "Identification 192.0.2.1 5 - - -",
    );
    check(
        "Protocol major versions differ for 192.0.2.1 port 5: SSH-2.0-O vs. SSH-1.5-x",
        "Identification 192.0.2.1 5 - - -",
    );
    check(
        "Connection from 192.0.2.1 port 5 on 192.0.2.9 port 22 rdomain \"\"",
        "ConnectionFrom 192.0.2.1 5 - - -",
    );
    check(
        "drop connection #3 from [192.0.2.1]:4444 on [192.0.2.9]:22 penalty: failed authentication",
        "Dropped 192.0.2.1 4444 - - -",
    );
    check(
        "drop connection #10 from [2001:db8::1]:4444 on [2001:db8::9]:22 past MaxStartups",
        "Dropped 2001:db8::1 4444 - - -",
    );
    check(
        "PerSourcePenalties logging rate-limited: additional 4 connections dropped",
        "DroppedMore - - - - -",
    );
    check(
        "Maxstartups logging rate-limited: additional 4 connections dropped",
        "DroppedMore - - - - -",
    );
    check(
        "error: beginning MaxStartups throttling",
        "Server - - - - -",
    );
    check(
        "srclimit_penalise: ipv4: new 192.0.2.1/32 active penalty of 15.000 seconds for penalty: failed authentication",
        "Penalty 192.0.2.1 - - - -",
    );
    check(
        "srclimit_penalise: 2001:db8::1/128: activating ipv6 penalty of 15.000 seconds for penalty: failed authentication",
        "Penalty 2001:db8::1 - - - -",
    );
    check(
        "srclimit_penalise: ipv4: new 192.0.2.0/24 deferred penalty of 1.000 seconds for penalty: failed authentication",
        "Penalty - - - - -",
    );
    check(
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  user=root",
        "PamModule - - - - -",
    );
    check(
        "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1 user=root",
        "PamModule - - - - -",
    );
    check("Server listening on 0.0.0.0 port 22.", "Server - - - - -");
    check(
        "Starting session: command for a from 192.0.2.1 port 5 id 0",
        "Session - - - - -",
    );
    check(
        "Access denied for user a by PAM account configuration [preauth]",
        "Note - - - - -",
    );
}

#[test]
fn repeats_are_counted_and_what_is_not_known_is_not_guessed() {
    let count = |text: &str| parse(text.as_bytes(), text.len()).map(|message| message.count);
    let inner = "Failed password for root from 192.0.2.1 port 5 ssh2";
    assert_eq!(
        count(&format!("message repeated 4 times: [ {inner}]")),
        Some(4)
    );
    assert_eq!(
        count(&format!("message repeated x times: [ {inner}]")),
        None
    );
    assert_eq!(
        count("PerSourcePenalties logging rate-limited: additional 44 connections dropped"),
        Some(44)
    );
    assert_eq!(
        count("Failed password for root from 192.0.2.1 port 5 ssh2 and more"),
        None
    );
    assert_eq!(
        count("Failed madeup for root from 192.0.2.1 port 5 ssh2"),
        None
    );
    assert_eq!(count("something else entirely"), None);
    assert_eq!(count(""), None);
}

#[test]
fn readings_that_differ_are_ambiguous() {
    let forged = "x from 8.8.8.8 port 22 ssh2: RSA SHA256:abc";
    check(
        &format!(
            "Failed publickey for invalid user {forged} from 192.0.2.1 port 5 ssh2: RSA SHA256:abc"
        ),
        "Failed ambiguous - - - publickey",
    );
    check(
        "Disconnecting invalid user a 192.0.2.1 port 5: Change of username or service not allowed: (a,x) -> (b 8.8.8.8 port 22: Too many authentication failures,x) [preauth]",
        "Disconnecting ambiguous - - - -",
    );
    // A line that may have been cut says nothing about what stood behind the client's text.
    let text = format!("Invalid user {} from 8.8.8.8 port 22", "x".repeat(1_000));
    check(
        &text,
        &format!("InvalidUser ambiguous - {} invalid -", "x".repeat(1_000)),
    );
}
