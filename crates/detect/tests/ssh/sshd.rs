//! A model of what sshd prints: its formats, limits and escapes.

/// A client's connection to the model.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) pid: u32,
    pub(crate) address: String,
    pub(crate) port: u16,
}

/// Appends `text` as sshd's `strnvis(VIS_CSTYLE | VIS_NL | VIS_TAB | VIS_OCTAL)` into a buffer of 1,024
/// bytes writes it.
pub(crate) fn vis(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in text {
        let escaped: Vec<u8> = match byte {
            b'\n' => br"\n".to_vec(),
            b'\t' => br"\t".to_vec(),
            b'\r' => br"\r".to_vec(),
            7 => br"\a".to_vec(),
            8 => br"\b".to_vec(),
            11 => br"\v".to_vec(),
            12 => br"\f".to_vec(),
            b'\\' => br"\\".to_vec(),
            0x20..=0x7e => vec![*byte],
            _ => format!("\\{byte:03o}").into_bytes(),
        };
        if out.len() + escaped.len() >= BUFFER_BYTES {
            break;
        }
        out.extend(escaped);
    }
    out
}

/// `%.Ns` of a C string.
pub(crate) fn cut(text: &[u8], bytes: usize) -> &[u8] {
    let end = text
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(text.len());
    &text[..end.min(bytes)]
}

/// A message as the privileged process logs it.
pub(crate) fn message(parts: &[&[u8]]) -> Vec<u8> {
    let mut text = parts.concat();
    text.truncate(BUFFER_BYTES - 1);
    vis(&text)
}

/// A message of the unprivileged process: it passes through the privileged one, which marks it and
/// escapes it again.
pub(crate) fn preauth(parts: &[&[u8]]) -> Vec<u8> {
    let mut text = message(parts);
    text.extend_from_slice(b" [preauth]");
    text.truncate(BUFFER_BYTES - 1);
    vis(&text)
}

impl Client {
    /// `IP port N`
    pub(crate) fn at(&self) -> String {
        format!("{} port {}", self.address, self.port)
    }

    /// A line of auth.log.
    pub(crate) fn line(&self, second: u64, message: &[u8]) -> Vec<u8> {
        let (hour, minute, second) = (second / 3_600 % 24, second / 60 % 60, second % 60);
        let mut line = format!(
            "Nov 25 {hour:02}:{minute:02}:{second:02} web1 sshd[{}]: ",
            self.pid
        )
        .into_bytes();
        line.extend_from_slice(message);
        line
    }

    /// What stands in front of `IP port N` once an account was named.
    pub(crate) fn preamble(&self, user: &[u8], valid: bool) -> Vec<u8> {
        let word: &[u8] = if valid {
            b"authenticating user "
        } else {
            b"invalid user "
        };
        let mut text = cut(&[word, user].concat(), 200).to_vec();
        text.extend_from_slice(b" ");
        text.extend_from_slice(self.at().as_bytes());
        text
    }
}

const BUFFER_BYTES: usize = 1_024;
