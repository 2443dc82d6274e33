//! What one message of sshd says.

use std::net::IpAddr;

/// A message, as far as it was understood. Spans borrow from the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Which message it is.
    pub kind: Kind,
    /// Whom the connection is with.
    pub peer: Peer,
    /// The account that was named, where the message has one and its end is certain.
    pub user: Option<User<'a>>,
    /// How somebody tried to authenticate.
    pub method: Option<Method>,
    /// What follows the typed part: a key and its fingerprint, a reason, the client's own words.
    pub detail: Option<&'a [u8]>,
    /// Said by the process that serves clients that are not authenticated yet.
    pub preauth: bool,
    /// How often it was said: more than once for `message repeated N times`.
    pub count: u32,
    /// The process that it is about, where the message names one.
    pub pid: Option<u32>,
}

/// The socket's other end, as far as the message lets one know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The address, and where in the message it stands.
    Known {
        /// As `getpeername` gave it to sshd.
        address: IpAddr,
        /// Old messages and those about PAM have none.
        port: Option<u16>,
        /// Offset of the address in the message.
        start: usize,
        /// One past its last byte.
        end: usize,
    },
    /// The message names none.
    Absent,
    /// The client's own text makes several readings possible, and they differ. Other messages of
    /// the same process tell.
    Ambiguous,
}

impl Peer {
    /// The address, where it is certain.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Peer::Known { address, .. } => Some(*address),
            Peer::Absent | Peer::Ambiguous => None,
        }
    }

    /// The port, where it is certain.
    pub fn port(&self) -> Option<u16> {
        match self {
            Peer::Known { port, .. } => *port,
            Peer::Absent | Peer::Ambiguous => None,
        }
    }
}

/// An account name as the client gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User<'a> {
    /// As logged: escaped once, or twice in messages of the unprivileged process.
    pub name: &'a [u8],
    /// Whether sshd would let this account in at all; `None` where the message does not say.
    pub valid: Option<bool>,
}

/// Ways to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// `password`
    Password,
    /// `keyboard-interactive` with a device behind it: somebody was asked and answered.
    KeyboardInteractive,
    /// `keyboard-interactive` that nobody answers: refused without a question.
    KeyboardInteractiveNone,
    /// `publickey`
    PublicKey,
    /// `none`: a client asks what it may try.
    None,
    /// `hostbased`
    HostBased,
    /// `gssapi-with-mic`, `gssapi-keyex`
    Gssapi,
    /// Old and rare ones.
    Other,
}

impl Method {
    /// All of them, in the order of their tallies.
    pub const ALL: [Method; 8] = [
        Method::Password,
        Method::KeyboardInteractive,
        Method::KeyboardInteractiveNone,
        Method::PublicKey,
        Method::None,
        Method::HostBased,
        Method::Gssapi,
        Method::Other,
    ];

    /// From `METHOD[/SUBMETHOD]`.
    pub fn parse(text: &[u8]) -> Option<Method> {
        let (name, sub) = match text.iter().position(|byte| *byte == b'/') {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        Some(match name {
            b"password" => Method::Password,
            b"keyboard-interactive" if sub.is_some_and(|sub| !sub.is_empty()) => {
                Method::KeyboardInteractive
            }
            b"keyboard-interactive" => Method::KeyboardInteractiveNone,
            b"publickey" | b"rsa" => Method::PublicKey,
            b"none" => Method::None,
            b"hostbased" => Method::HostBased,
            b"gssapi-with-mic" | b"gssapi-keyex" | b"gssapi" => Method::Gssapi,
            b"unknown" | b"challenge-response" | b"kerberos" | b"<unknown>" => Method::Other,
            _ => return None,
        })
    }

    /// As sshd calls it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Password => "password",
            Method::KeyboardInteractive => "keyboard-interactive",
            Method::KeyboardInteractiveNone => "keyboard-interactive-unasked",
            Method::PublicKey => "publickey",
            Method::None => "none",
            Method::HostBased => "hostbased",
            Method::Gssapi => "gssapi",
            Method::Other => "other",
        }
    }

    /// Whether a refusal of it is a wrong secret.
    pub fn is_credential(self) -> bool {
        matches!(self, Method::Password | Method::KeyboardInteractive)
    }

    /// Whether nothing that a client chose can follow the peer's port in its messages.
    pub(crate) fn has_plain_tail(self) -> bool {
        matches!(
            self,
            Method::Password
                | Method::KeyboardInteractive
                | Method::KeyboardInteractiveNone
                | Method::None
        )
    }
}

/// Every message that is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `Failed METHOD for …`
    Failed,
    /// `Accepted METHOD for …`
    Accepted,
    /// `Partial METHOD for …`: one of several that are asked for.
    Partial,
    /// `Postponed METHOD for …`: not decided yet.
    Postponed,
    /// `Invalid user …`
    InvalidUser,
    /// `PAM: … for … from …`: what keyboard-interactive ends in.
    Pam,
    /// `maximum authentication attempts exceeded for …`
    TooManyTries,
    /// `Disconnecting …`
    Disconnecting,
    /// `Connection closed by …`, `Connection reset by …`, `Disconnected from …`, `… timed out`
    Closed,
    /// `Connection from …: reason`, also behind the name of a function.
    Broken,
    /// `Received disconnect from …`
    ReceivedDisconnect,
    /// `User … not allowed because …`
    NotAllowed,
    /// `ROOT LOGIN REFUSED FROM …`
    RootRefused,
    /// `Unable to negotiate with …`
    NoCommonAlgorithm,
    /// What happens before keys are exchanged: no identification, a bad one.
    Identification,
    /// `Timeout before authentication for …`
    GraceTimeout,
    /// `Connection from … on …` (VERBOSE)
    ConnectionFrom,
    /// `drop connection #N from …`
    Dropped,
    /// `… logging rate-limited: additional N connections dropped` and the like: a count.
    DroppedMore,
    /// `srclimit_penalise: …`
    Penalty,
    /// `administratively prohibited connection for …`
    Prohibited,
    /// A session of somebody who is authenticated.
    Session,
    /// A PAM module's own line; its tries are counted by sshd's.
    PamModule,
    /// The server about itself.
    Server,
    /// About names, keys or forwardings, with nothing to count.
    Note,
}

impl<'a> Message<'a> {
    /// A message of this kind that says nothing else.
    pub(crate) fn of(kind: Kind) -> Self {
        Self {
            kind,
            peer: Peer::Absent,
            user: None,
            method: None,
            detail: None,
            preauth: false,
            count: 1,
            pid: None,
        }
    }

    pub(crate) fn with(kind: Kind, peer: Peer) -> Self {
        Self {
            peer,
            ..Self::of(kind)
        }
    }

    pub(crate) fn user(mut self, name: &'a [u8], valid: Option<bool>) -> Self {
        self.user = Some(User { name, valid });
        self
    }
}
