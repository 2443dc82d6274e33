//! A witness of our own that shares no code with the product: it follows tlog-witness, or breaks it
//! in a chosen way.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a witness does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As the protocol says.
    Honest,
    /// Signs with another key than its own.
    WrongKey,
    /// Signs something else.
    WrongSignature,
    /// Names a smaller size, whatever it is sent.
    Stale,
    /// Accepts and says nothing.
    Silent,
    /// Sends signature lines without end.
    Endless,
    /// Sends a byte now and then.
    Slow,
    /// Answers something that is not HTTP.
    Garbage,
    /// Is in trouble.
    Failing,
    /// Names a larger size.
    Larger,
    /// Says that the log was rewritten.
    Unprocessable,
}

/// A running witness. Its thread ends with the test process.
pub(crate) struct Witness {
    pub(crate) url: String,
    /// The key in the C2SP form.
    pub(crate) key: String,
    state: Arc<Mutex<State>>,
}

struct State {
    manner: Manner,
    pair: Ed25519KeyPair,
    name: &'static str,
    /// Size and root of what was signed last.
    signed: (u64, Vec<u8>),
    note: String,
}

impl Witness {
    pub(crate) fn start(name: &'static str, manner: Manner) -> Self {
        let seed = [name.len() as u8 + name.as_bytes()[0]; 32];
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        let id = key_id(name, &public);
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = format!(
            "{name}+{id}+{}",
            STANDARD.encode([&[4], &public[..]].concat())
        );
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            manner,
            pair,
            name,
            signed: (0, Vec::new()),
            note: String::new(),
        }));
        let shared = state.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let state = shared.clone();
                std::thread::spawn(move || serve(socket, &state));
            }
        });
        Self { url, key, state }
    }

    /// As an option of the collector.
    pub(crate) fn option(&self) -> String {
        format!("{} {}", self.key, self.url)
    }

    pub(crate) fn behave(&self, manner: Manner) {
        self.state.lock().unwrap().manner = manner;
    }

    /// Begins anew, as if it had never seen the log.
    pub(crate) fn forget(&self) {
        let mut state = self.state.lock().unwrap();
        state.signed = (0, Vec::new());
        state.note.clear();
    }

    /// Size of what it signed last.
    pub(crate) fn signed(&self) -> u64 {
        self.state.lock().unwrap().signed.0
    }
}

fn serve(mut socket: TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(socket.try_clone().ok()?);
    loop {
        let (path, body) = request(&mut reader)?;
        let mut state = state.lock().unwrap();
        let manner = state.manner;
        if path.ends_with("/checkpoint") {
            let status = if state.note.is_empty() { 404 } else { 200 };
            respond(&mut socket, status, "text/plain", &state.note)?;
            continue;
        }
        let (status, kind, text) = match manner {
            Manner::Silent | Manner::Endless | Manner::Slow | Manner::Garbage => {
                drop(state);
                return misbehave(socket, manner);
            }
            Manner::Failing => (500, "text/plain", "no\u{1b}[31m\n".to_owned()),
            Manner::Stale => (409, SIZE, "0\n".to_owned()),
            Manner::Larger => (409, SIZE, "999999999\n".to_owned()),
            Manner::Unprocessable => (422, "text/plain", String::new()),
            _ => state.judge(&body),
        };
        respond(&mut socket, status, kind, &text)?;
    }
}

impl State {
    fn judge(&mut self, body: &str) -> (u16, &'static str, String) {
        let bad = (400, "text/plain", "bad request\n".to_owned());
        let Some((head, note)) = body.split_once("\n\n") else {
            return bad;
        };
        let mut lines = head.lines();
        let old: Option<u64> = lines
            .next()
            .and_then(|line| line.strip_prefix("old ")?.parse().ok());
        let proof: Vec<Vec<u8>> = lines.map(|line| STANDARD.decode(line).unwrap()).collect();
        let mut text = note.lines();
        let (_, size, root) = (text.next(), text.next().unwrap(), text.next().unwrap());
        let size: u64 = size.parse().unwrap();
        let root = STANDARD.decode(root).unwrap();
        let Some(old) = old else { return bad };
        if old != self.signed.0 {
            return (409, SIZE, format!("{}\n", self.signed.0));
        }
        if old > 0 && !grew(old, &self.signed.1, size, &root, &proof) {
            return (422, "text/plain", "it did not only grow\n".to_owned());
        }
        let signed_text = note.split("\n\n").next().unwrap().to_owned() + "\n";
        let time = 1_767_000_000u64;
        let mut message = format!("cosignature/v1\ntime {time}\n{signed_text}");
        let public = self.pair.public_key().as_ref().to_vec();
        let mut id = key_id(self.name, &public);
        match self.manner {
            Manner::WrongKey => id[0] ^= 1,
            Manner::WrongSignature => message.push('x'),
            _ => {
                self.signed = (size, root);
                self.note = note.to_owned();
            }
        }
        let signature = self.pair.sign(message.as_bytes());
        let line = [&id[..], &time.to_be_bytes(), signature.as_ref()].concat();
        let line = format!("\u{2014} {} {}\n", self.name, STANDARD.encode(line));
        (200, "text/plain", line)
    }
}

/// RFC 6962 section 2.1.2, from the definition: the old root and the new one are rebuilt from the
/// proof by recursion over the tree.
fn grew(old: u64, old_root: &[u8], new: u64, new_root: &[u8], proof: &[Vec<u8>]) -> bool {
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    let mut proof = proof.iter();
    let roots = fold(old, new, true, old_root, &mut proof);
    roots.is_some_and(|(was, is)| was == old_root && is == new_root) && proof.next().is_none()
}

/// The roots of the first `old` leaves and of all `new` of a subtree. `whole` while the old tree
/// would be a complete left part, whose root need not be sent.
fn fold<'a>(
    old: u64,
    new: u64,
    whole: bool,
    old_root: &[u8],
    proof: &mut impl Iterator<Item = &'a Vec<u8>>,
) -> Option<(Vec<u8>, Vec<u8>)> {
    if old == new {
        let root = match whole {
            true => old_root.to_vec(),
            false => proof.next()?.clone(),
        };
        return Some((root.clone(), root));
    }
    let left = new.next_power_of_two() / 2;
    if old <= left {
        let (was, is) = fold(old, left, whole, old_root, proof)?;
        let right = proof.next()?;
        Some((was, node(&is, right)))
    } else {
        let (was, is) = fold(old - left, new - left, false, old_root, proof)?;
        let left = proof.next()?;
        Some((node(left, &was), node(left, &is)))
    }
}

fn node(left: &[u8], right: &[u8]) -> Vec<u8> {
    digest(&SHA256, &[&[1], left, right].concat())
        .as_ref()
        .to_vec()
}

fn key_id(name: &str, public: &[u8]) -> [u8; 4] {
    let hash = digest(&SHA256, &[name.as_bytes(), b"\n\x04", public].concat());
    hash.as_ref()[..4].try_into().unwrap()
}

fn request(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|count| *count > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, String::from_utf8(body).ok()?))
}

fn respond(socket: &mut TcpStream, status: u16, kind: &str, text: &str) -> Option<()> {
    let length = text.len();
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
    socket.write_all((head + text).as_bytes()).ok()
}

fn misbehave(mut socket: TcpStream, manner: Manner) -> Option<()> {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    match manner {
        Manner::Endless => {
            socket.write_all(head.as_bytes()).ok()?;
            let line = "\u{2014} a AAAAAAAA\n".repeat(64);
            let chunk = format!("{:x}\r\n{line}\r\n", line.len());
            loop {
                socket.write_all(chunk.as_bytes()).ok()?;
            }
        }
        Manner::Slow => {
            socket.write_all(head.as_bytes()).ok()?;
            loop {
                socket.write_all(b"1\r\nx\r\n").ok()?;
                std::thread::sleep(Duration::from_millis(300));
            }
        }
        Manner::Garbage => socket.write_all(b"\x16\x03\x01 what is HTTP?\r\n\r\n").ok(),
        _ => {
            std::thread::sleep(Duration::from_secs(60));
            None
        }
    }
}

const SIZE: &str = "text/x.tlog.size";
