//! ausearch's words.

use crate::words::{Table, Takes, option};

/// ausearch's options, and ours after them.
pub(crate) const WORDS: Table = Table(&[
    option("-a", "--event", Takes::Value),
    option("", "--arch", Takes::Value),
    option("-c", "--comm", Takes::Value),
    option("", "--checkpoint", Takes::Value),
    option("", "--debug", Takes::Nothing),
    option("-e", "--exit", Takes::Signed),
    option("", "--escape", Takes::Value),
    option("", "--eoe-timeout", Takes::Value),
    option("", "--extra-keys", Takes::Nothing),
    option("", "--extra-labels", Takes::Nothing),
    option("", "--extra-obj2", Takes::Nothing),
    option("", "--extra-time", Takes::Nothing),
    option("-f", "--file", Takes::Value),
    option("", "--format", Takes::Value),
    option("-ga", "--gid-all", Takes::Value),
    option("-ge", "--gid-effective", Takes::Value),
    option("-gi", "--gid", Takes::Value),
    option("-h", "--help", Takes::Nothing),
    option("-hn", "--host", Takes::Value),
    option("-i", "--interpret", Takes::Nothing),
    option("-if", "--input", Takes::Value),
    option("", "--input-logs", Takes::Nothing),
    option("", "--just-one", Takes::Nothing),
    option("-k", "--key", Takes::Value),
    option("-l", "--line-buffered", Takes::Nothing),
    option("-m", "--message", Takes::Type),
    option("-n", "--node", Takes::Value),
    option("-o", "--object", Takes::Value),
    option("-p", "--pid", Takes::Value),
    option("-pp", "--ppid", Takes::Value),
    option("-r", "--raw", Takes::Nothing),
    option("-sc", "--syscall", Takes::Value),
    option("-se", "--context", Takes::Value),
    option("", "--session", Takes::Signed),
    option("-su", "--subject", Takes::Value),
    option("-sv", "--success", Takes::Value),
    option("-te", "--end", Takes::Times),
    option("-ts", "--start", Takes::Times),
    option("-tm", "--terminal", Takes::Value),
    option("-ua", "--uid-all", Takes::Value),
    option("-ue", "--uid-effective", Takes::Value),
    option("-ui", "--uid", Takes::Value),
    option("-ul", "--loginuid", Takes::Signed),
    option("-uu", "--uuid", Takes::Value),
    option("-v", "--version", Takes::Nothing),
    option("-vm", "--vm-name", Takes::Value),
    option("-w", "--word", Takes::Nothing),
    option("-x", "--executable", Takes::Value),
    option("", "--ca", Takes::Value),
    option("", "--certificate", Takes::Value),
    option("", "--certificate-key", Takes::Value),
    option("", "--collector", Takes::Value),
    option("", "--count", Takes::Nothing),
    option("", "--findings", Takes::Nothing),
    option("", "--follow", Takes::Nothing),
    option("", "--limit", Takes::Value),
    option("", "--no-resolve", Takes::Nothing),
    option("", "--reverse", Takes::Nothing),
    option("", "--since", Takes::Value),
    option("", "--spool", Takes::Value),
    option("", "--store", Takes::Value),
    option("", "--text", Takes::Value),
    option("", "--token-file", Takes::Value),
    option("", "--tree", Takes::Nothing),
    option("", "--until", Takes::Value),
    option("", "--where", Takes::Value),
]);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        crate::words::tests::check(WORDS, text, expect);
    }

    #[test]
    fn words_become_long_options() {
        check("-k shadow -i", "--key=shadow|--interpret");
        check("-ts 11/14/23 10:00 -w", "--start=11/14/23 10:00|--word");
        check("-ts today -te now", "--start=today|--end=now");
        check("-e -13 --session -1", "--exit=-13|--session=-1");
        check("-m AVC -m USER,LOGIN", "--message=AVC|--message=USER,LOGIN");
        check("-ui root --key k", "--uid=root|--key=k");
    }

    #[test]
    fn words_that_are_refused() {
        check("-k -i", "Argument is required for -k");
        check("-ui -1", "Argument is required for -ui");
        check("-m", "Argument is required for -m");
        check("-ts", "-ts requires either date and/or time");
        check("-te -i", "-te requires either date and/or time");
        check("-d", "-d is an unsupported option");
        check("-k a b", "b is an unsupported option");
        check("--key=a", "--key=a is an unsupported option");
    }
}
