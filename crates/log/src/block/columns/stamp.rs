//! The stamp at the beginning of a record.

/// `audit(seconds.ms:serial): `, in the one way to write it.
pub(super) struct Stamp {
    pub(super) ms: u64,
    pub(super) serial: u64,
}

impl Stamp {
    pub(super) fn split(text: &[u8]) -> Option<(Self, &[u8])> {
        let (seconds, rest) = split_number(text.strip_prefix(STAMP_BEGIN)?)?;
        let (ms, rest) = rest.strip_prefix(b".")?.split_first_chunk::<3>()?;
        let (serial, rest) = split_number(rest.strip_prefix(b":")?)?;
        let rest = rest.strip_prefix(STAMP_END)?;
        let ms = ms.iter().try_fold(0, |ms, digit| push_digit(ms, *digit))?;
        let ms = seconds.checked_mul(1_000)?.checked_add(ms)?;
        Some((Self { ms, serial }, rest))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let ms = (self.ms % 1_000) as u16;
        out.extend_from_slice(STAMP_BEGIN);
        push_number(out, self.ms / 1_000);
        let digits = [ms / 100, ms / 10 % 10, ms % 10].map(|digit| b'0' + digit as u8);
        out.push(b'.');
        out.extend_from_slice(&digits);
        out.push(b':');
        push_number(out, self.serial);
        out.extend_from_slice(STAMP_END);
    }
}

/// Takes a number off the front, in the one way to write it: leading zeros and signs would not come
/// back.
fn split_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    let is_plain = len == 1 || digits.first().is_some_and(|first| *first != b'0');
    let number = digits
        .iter()
        .try_fold(0, |number, digit| push_digit(number, *digit));
    number.filter(|_| is_plain).map(|number| (number, rest))
}

fn push_digit(number: u64, digit: u8) -> Option<u64> {
    let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
    number.checked_mul(10)?.checked_add(digit.into())
}

fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

pub(in crate::block) const STAMP_BEGIN: &[u8] = b"audit(";
pub(in crate::block) const STAMP_END: &[u8] = b"): ";
