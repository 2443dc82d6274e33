//! aureport's words. A report's option becomes the report's name.

use crate::words::{Table, Takes, option, report};

/// aureport's reports and options, and ours after them.
pub(crate) const WORDS: Table = Table(&[
    report("-a", "--avc", "avc"),
    report("-au", "--auth", "auth"),
    report("", "--comm", "comm"),
    report("-c", "--config", "config"),
    report("-cr", "--crypto", "crypto"),
    report("-e", "--event", "events"),
    report("-f", "--file", "files"),
    report("-h", "--host", "hosts"),
    report("", "--integrity", "integrity"),
    report("-k", "--key", "keys"),
    report("-l", "--login", "login"),
    report("-m", "--mods", "mods"),
    report("-ma", "--mac", "mac"),
    report("-n", "--anomaly", "anomaly"),
    report("-p", "--pid", "pids"),
    report("-r", "--response", "response"),
    report("-s", "--syscall", "syscalls"),
    report("-t", "--log", "logs"),
    report("-tm", "--terminal", "terminals"),
    report("", "--tty", "tty"),
    report("-u", "--user", "users"),
    report("", "--virt", "virt"),
    report("-x", "--executable", "executables"),
    option("", "--add", Takes::Nothing),
    option("", "--debug", Takes::Nothing),
    option("", "--delete", Takes::Nothing),
    option("", "--eoe-timeout", Takes::Value),
    option("", "--escape", Takes::Value),
    option("", "--failed", Takes::Nothing),
    option("", "--help", Takes::Ends),
    option("-i", "--interpret", Takes::Nothing),
    option("-if", "--input", Takes::Value),
    option("", "--input-logs", Takes::Nothing),
    option("-nc", "--no-config", Takes::Nothing),
    option("", "--node", Takes::Value),
    option("", "--success", Takes::Nothing),
    option("", "--summary", Takes::Nothing),
    option("-te", "--end", Takes::Times),
    option("-ts", "--start", Takes::Times),
    option("-v", "--version", Takes::Ends),
    option("", "--ca", Takes::Value),
    option("", "--certificate", Takes::Value),
    option("", "--certificate-key", Takes::Value),
    option("", "--collector", Takes::Value),
    option("", "--format", Takes::Value),
    option("", "--interval", Takes::Value),
    option("", "--rate", Takes::Nothing),
    option("", "--since", Takes::Value),
    option("", "--spool", Takes::Value),
    option("", "--store", Takes::Value),
    option("", "--token-file", Takes::Value),
    option("", "--until", Takes::Value),
]);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        crate::words::tests::check(WORDS, text, expect);
    }

    #[test]
    fn reports_become_names_and_options_long() {
        check("-f --summary -i", "files|--summary|--interpret");
        check("-h -if x", "hosts|--input=x");
        check("-ts 11/14/23 10:00 -au", "--start=11/14/23 10:00|auth");
        check("-k --help --foo", "--help");
    }

    #[test]
    fn words_that_are_refused() {
        check("-f -e", "Error - only one report can be specified");
        check("-if -e", "Argument is required for -if");
        check("--end", "--end requires either date and/or time");
        check("-tty", "-tty is an unsupported option");
        check("-e x", "x is an unsupported option");
    }
}
