//! The variables of a process that may be shown: those on a list, cut, and nothing else.

/// Those of `names` that stand in `/proc/PID/environ`, in its order, each once.
pub(super) fn chosen(environ: &[u8], names: &[String]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for variable in environ.split(|byte| *byte == 0) {
        let Some(at) = variable.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        let (name, value) = (&variable[..at], &variable[at + 1..]);
        let Some(name) = names.iter().find(|known| known.as_bytes() == name) else {
            continue;
        };
        // The dynamic linker takes the first of two.
        if found.iter().any(|(known, _)| known == name) {
            continue;
        }
        let value = &value[..value.len().min(VALUE_BYTES_MAX)];
        found.push((name.clone(), String::from_utf8_lossy(value).into_owned()));
    }
    found
}

/// Most of an environment that is read.
pub(super) const BYTES_MAX: u64 = 256 << 10;
/// Most of one value.
const VALUE_BYTES_MAX: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environ: &[u8], expect: &[(&str, &str)]) {
        let names = ["LD_PRELOAD", "LD_AUDIT"].map(str::to_owned);
        let found = chosen(environ, &names);
        let found: Vec<(&str, &str)> = found.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn only_what_is_listed_is_shown() {
        check(b"", &[]);
        check(b"A=1\0LD_PRELOAD_=x\0LD_PRELOAD\0PASSWORD=s3cret", &[]);
        check(
            b"LD_AUDIT=\0A=1\0LD_PRELOAD=/tmp/a=b.so\0LD_PRELOAD=/second",
            &[("LD_AUDIT", ""), ("LD_PRELOAD", "/tmp/a=b.so")],
        );
        check(b"LD_PRELOAD=\xff", &[("LD_PRELOAD", "\u{fffd}")]);
        let long = [b"LD_PRELOAD=".as_slice(), &[b'x'; 5000]].concat();
        check(&long, &[("LD_PRELOAD", &"x".repeat(VALUE_BYTES_MAX))]);
    }
}
