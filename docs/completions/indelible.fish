# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_indelible_global_optspecs
    string join \n h/help V/version
end

function __fish_indelible_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_indelible_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_indelible_using_subcommand
    set -l cmd (__fish_indelible_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c indelible -n "__fish_indelible_needs_command" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_needs_command" -s V -l version -d 'Print version'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "demo" -d 'Show the whole path on this machine: capture, delivery, a wipe, a proof'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "collector" -d 'Receive entries from agents and keep them provably'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "token" -d 'Make tokens with which hosts enrol'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "agent" -d 'Capture this host\'s audit records and send them to a collector'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "enroll" -d 'Get this host a certificate of its collector, with a token of `indelible token create`'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "revoke" -d 'Refuse a host\'s certificate from now on, and cut its connections'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "pki" -d 'Make certificates for a collector and its hosts'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "rules" -d 'Write, check and load audit rules'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "doctor" -d 'Say what is wrong with auditing on this host, each with what mends it'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "status" -d 'Show the account of a host\'s spool or a collector\'s store: what is there, what is missing and why'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "top" -d 'Show which rules, programs and hosts make the most events right now'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "search" -d 'Find events in audit logs, a spool, a collector\'s store or a collector elsewhere'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "report" -d 'Report about audit logs, a spool, a collector\'s store or a collector elsewhere'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "detect" -d 'Find what an intruder leaves: in logs, in a store, on this host'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "verify" -d 'Check a store or a spool to its last byte, a log by what it shows over HTTP, or proof files'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "prove" -d 'Write proofs that entries are in a log, for somebody who has nothing but its public key'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "export" -d 'Write a store\'s events to files for other programs, with a manifest of hashes and proofs'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "hold" -d 'Hold entries of a host: retention keeps them, and nobody can erase them'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "erase" -d 'Erase the payload of one entry, as a law may ask for'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "rotate-key" -d 'Give a log a new signing key'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "restart-log" -d 'Let a log go on that was restored from an older copy'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "reindex" -d 'Make the block indexes of a store anew, by which a search knows what it need not read'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "config" -d 'Check and show configuration files'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "migrate" -d 'Take the place of what a host has, and give it back'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "support-bundle" -d 'Gather what somebody who helps needs to know, in one text to read before you send it'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "completions" -d 'Print the completions of a shell'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "man" -d 'Print the manual page of a command, or write all of them into a folder'
complete -c indelible -n "__fish_indelible_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand demo" -l keep -d 'Work in this folder, and leave its stores for inspection' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l config -d 'Configuration file (TOML); the flags below win over it' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l store -d 'The collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l native -d 'Address of the native receiver [default: 127.0.0.1:6514]' -r
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l syslog-tcp -d 'Address for syslog over TCP (`*.* @@ADDR` of rsyslog)' -r
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l syslog-udp -d 'Address for syslog over UDP (`*.* @ADDR` of rsyslog)' -r
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l syslog-tls -d 'Address for syslog over TLS; clients need a certificate unless configured otherwise' -r
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l relp -d 'Address for RELP, acknowledged when durable' -r
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l relp-tls -d 'Address for RELP over TLS; clients need a certificate unless configured otherwise' -r
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l pki -d 'Folder with the certificate authority, made where it is missing [default: STORE.pki]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l origin -d 'Name of the log in its checkpoints, a URL without scheme [default: HOST/indelible]' -r
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l heads -d 'Folder outside the store that keeps the newest checkpoint, to recognise a rolled-back store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l http -d 'Address for the log, proofs and metrics over HTTP' -r
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l http-tokens -d 'File with the tokens that may read entries over HTTP: NAME EXPIRES SHA256, a line each' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l http-reader -d 'Name in a certificate of the collector\'s authority whose holder may read entries over HTTP; may be given several times' -r
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l witness -d 'A witness to cosign checkpoints: its C2SP verifier key and its URL in one argument; may be given several times' -r
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l witness-quorum -d 'Witnesses that must have signed a checkpoint before it is shown [default: more than half]' -r
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l http-tls -d 'HTTP with TLS, under the collector\'s certificate'
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l detect -d 'Find what intruders do while entries come, with the built-in detections'
complete -c indelible -n "__fish_indelible_using_subcommand collector" -l supervised -d 'Stop when standard input ends'
complete -c indelible -n "__fish_indelible_using_subcommand collector" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand token; and not __fish_seen_subcommand_from create help" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand token; and not __fish_seen_subcommand_from create help" -f -a "create" -d 'Make a token that enrols one host, once, within half an hour'
complete -c indelible -n "__fish_indelible_using_subcommand token; and not __fish_seen_subcommand_from create help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand token; and __fish_seen_subcommand_from create" -l pki -d 'Folder of the collector\'s authority (`STORE.pki` by default of `indelible collector`)' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand token; and __fish_seen_subcommand_from create" -l address -d 'The collector\'s native receiver, as hosts reach it' -r
complete -c indelible -n "__fish_indelible_using_subcommand token; and __fish_seen_subcommand_from create" -l host -d 'The one host that may use it; needed for a host that was enrolled before' -r
complete -c indelible -n "__fish_indelible_using_subcommand token; and __fish_seen_subcommand_from create" -l minutes -d 'How long it may be used' -r
complete -c indelible -n "__fish_indelible_using_subcommand token; and __fish_seen_subcommand_from create" -l out -d 'Write it to a file, readable by its owner alone, instead of standard output' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand token; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a token that enrols one host, once, within half an hour'
complete -c indelible -n "__fish_indelible_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l config -d 'Configuration file (TOML); the flags below win over it' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l spool -d 'The host\'s spool' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l collector -d 'The collector\'s native receiver' -r
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l enroll-token -d 'File with a token of `indelible token create`; used where this host was not enrolled yet' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l pki -d 'Folder that `indelible pki` made: certificates, this host\'s key, the log\'s key' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l name -d 'Name of this host\'s certificate in the folder of --pki; the host\'s own name if not given' -r
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l capture -d 'How records are obtained: `kernel` as the audit daemon, `observe` beside one, `audisp` as a plugin of auditd (`audisp:SOCKET` from its af_unix plugin), `file:PATH` from its log' -r
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l source -d 'What else of this host is read: `file:/PATTERN`, `journal`, `kmsg`, `unix:/dev/log`, `udp:ADDRESS`, `tcp:ADDRESS`; may be given several times' -r
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l max-bytes -d 'Most that the spool may take, in bytes' -r
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l min-free -d 'What must stay free on the spool\'s file system, in bytes [default: 16 MiB]' -r
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l history-bytes -d 'How much stays as local history after it was sent, in bytes [default: 256 MiB]' -r
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l when-full -d 'What happens when the spool is full [default: drop-oldest]' -r -f -a "block\t'Nothing is read any more: the kernel queues, and system calls that cause records wait'
drop-oldest\t'The oldest streams are removed, then the newest entries dropped; each is a gap entry'"
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l worker-user -d 'The user that the worker becomes when the agent is started as root' -r
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l role -d 'Run one of the agent\'s processes alone, as service managers do' -r -f -a "capture\t'Reads the audit socket and writes the spool; needs the privileges'
sources\t'Reads files, the journal and syslog sockets into the spool; needs to read the files'
detections\t'Reads the spool and finds what intruders do; needs none'
worker\t'Reads the spool and sends it; needs none'
inspect\t'Answers the worker about processes; needs to look into those of all users'
guard\t'Runs the programs that `[disk]` asks for; needs the rights that those need'"
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l lent -d 'As a supervised worker: the descriptors of what it may not read itself' -r
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l detect -d 'Find what intruders do while records come, with the built-in detections'
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l print-plugin -d 'Print the file for auditd\'s `plugins.d` that makes it start this agent, and end'
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l probe-sandbox -d 'As worker or detections: enter the sandbox, try what it forbids, say what was refused, and end'
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l supervised -d 'Stop when standard input ends'
complete -c indelible -n "__fish_indelible_using_subcommand agent" -l check-only -d 'Read the configuration and end: asked of a program before it takes over'
complete -c indelible -n "__fish_indelible_using_subcommand agent" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand enroll" -l spool -d 'The host\'s spool, which keeps the identity [default: that of /etc/indelible/agent.toml]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand enroll" -l token -d 'File with the token; `-` is standard input' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand enroll" -l name -d 'Name of this host for its collector [default: the host\'s own name]' -r
complete -c indelible -n "__fish_indelible_using_subcommand enroll" -l worker-user -d 'The user that the agent\'s worker becomes [default: as that file says, or nobody]' -r
complete -c indelible -n "__fish_indelible_using_subcommand enroll" -l renew -d 'Renew the certificate now'
complete -c indelible -n "__fish_indelible_using_subcommand enroll" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand revoke" -l pki -d 'Folder of the collector\'s authority' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand pki; and not __fish_seen_subcommand_from issue help" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand pki; and not __fish_seen_subcommand_from issue help" -f -a "issue" -d 'Issue a certificate for a host; the authority is made where it is missing'
complete -c indelible -n "__fish_indelible_using_subcommand pki; and not __fish_seen_subcommand_from issue help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand pki; and __fish_seen_subcommand_from issue" -l dir -d 'Folder of the authority' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand pki; and __fish_seen_subcommand_from issue" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand pki; and __fish_seen_subcommand_from help" -f -a "issue" -d 'Issue a certificate for a host; the authority is made where it is missing'
complete -c indelible -n "__fish_indelible_using_subcommand pki; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and not __fish_seen_subcommand_from check compile merge load list diff delete lint cost pack help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and not __fish_seen_subcommand_from check compile merge load list diff delete lint cost pack help" -f -a "check" -d 'Read rules and say what is wrong with them'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and not __fish_seen_subcommand_from check compile merge load list diff delete lint cost pack help" -f -a "compile" -d 'Show rules as the kernel takes them'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and not __fish_seen_subcommand_from check compile merge load list diff delete lint cost pack help" -f -a "merge" -d 'Merge a folder of rule files into one file'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and not __fish_seen_subcommand_from check compile merge load list diff delete lint cost pack help" -f -a "load" -d 'Load rules: all of them, or none'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and not __fish_seen_subcommand_from check compile merge load list diff delete lint cost pack help" -f -a "list" -d 'List the loaded rules'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and not __fish_seen_subcommand_from check compile merge load list diff delete lint cost pack help" -f -a "diff" -d 'Compare the loaded rules with files'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and not __fish_seen_subcommand_from check compile merge load list diff delete lint cost pack help" -f -a "delete" -d 'Delete rules; the others stay in force all the while'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and not __fish_seen_subcommand_from check compile merge load list diff delete lint cost pack help" -f -a "lint" -d 'Look for rules that do not record what they seem to, or cost more than they need to'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and not __fish_seen_subcommand_from check compile merge load list diff delete lint cost pack help" -f -a "cost" -d 'Estimate what rules cost every system call, measure it, or tell which keys fill a log'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and not __fish_seen_subcommand_from check compile merge load list diff delete lint cost pack help" -f -a "pack" -d 'Rule sets by purpose'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and not __fish_seen_subcommand_from check compile merge load list diff delete lint cost pack help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from check" -l compat -d 'Generation of auditctl that the rules are read as' -r -f -a "3\t'3.0.9'
4\t'4.x: a permission selects the system calls that can use it'"
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from compile" -l compat -d 'Generation of auditctl that the rules are read as' -r -f -a "3\t'3.0.9'
4\t'4.x: a permission selects the system calls that can use it'"
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from compile" -l format -d 'Form of the output' -r -f -a "json\t'The kernel\'s numbers, a JSON object'
hex\t'The kernel\'s bytes in hexadecimal'
text\t'The line that reads back as the rule'"
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from compile" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from merge" -l output -d 'The merged file; the one before is kept as FILE.prev' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from merge" -l check -d 'Only say whether the merged file would change, by exit code 1'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from merge" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from load" -l compat -d 'Generation of auditctl that the rules are read as' -r -f -a "3\t'3.0.9'
4\t'4.x: a permission selects the system calls that can use it'"
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from load" -l journal -d 'Folder of the journal' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from load" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from list" -s k -l key -d 'Only rules with a key that contains this' -r
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from list" -l format -d 'Form of the output' -r -f -a "json\t'The kernel\'s numbers, a JSON object'
hex\t'The kernel\'s bytes in hexadecimal'
text\t'The line that reads back as the rule'"
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from diff" -l compat -d 'Generation of auditctl that the rules are read as' -r -f -a "3\t'3.0.9'
4\t'4.x: a permission selects the system calls that can use it'"
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from delete" -l compat -d 'Generation of auditctl that the rules are read as' -r -f -a "3\t'3.0.9'
4\t'4.x: a permission selects the system calls that can use it'"
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from delete" -l key -d 'Rules with a key that contains this' -r
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from delete" -l journal -d 'Folder of the journal' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from delete" -l all -d 'All rules'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from lint" -l compat -d 'Generation of auditctl that the rules are read as' -r -f -a "3\t'3.0.9'
4\t'4.x: a permission selects the system calls that can use it'"
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from lint" -l format -d 'Form of the output' -r -f -a "text\t'A line each, and what would mend it'
json\t'A JSON object a line'"
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from lint" -l fail-on -d 'Exit with 1 where a finding is at least this grave' -r -f -a "info\t'Worth knowing'
warning\t'Works, but not as well as it could'
error\t'Does not load, or does not do what it says'"
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from lint" -l complete -d 'The files are all that this host loads: tell what they lack, too'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from lint" -l elsewhere -d 'The rules are for another host: do not look up their paths here'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from lint" -l fix -d 'Write each mended file beside the original, as FILE.fixed'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from cost" -l log -d 'Audit log, or folder of them, to tell the share of each key of; may be given again' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from cost" -l store -d 'The same of a collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from cost" -l spool -d 'The same of a host\'s spool' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from cost" -l compat -d 'Generation of auditctl that the rules are read as' -r -f -a "3\t'3.0.9'
4\t'4.x: a permission selects the system calls that can use it'"
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from cost" -l measure -d 'Measure the loaded rules on this kernel: `getppid` in a process that is audited, beside one that is not'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from cost" -l getppid-loop -d 'The loop that is measured'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from cost" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from pack" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from pack" -f -a "list" -d 'Name the packs, with what each costs and is for'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from pack" -f -a "show" -d 'Print the file that would be installed here'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from pack" -f -a "install" -d 'Write a pack into a folder of rules'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from pack" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "check" -d 'Read rules and say what is wrong with them'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "compile" -d 'Show rules as the kernel takes them'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "merge" -d 'Merge a folder of rule files into one file'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "load" -d 'Load rules: all of them, or none'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the loaded rules'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "diff" -d 'Compare the loaded rules with files'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Delete rules; the others stay in force all the while'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "lint" -d 'Look for rules that do not record what they seem to, or cost more than they need to'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "cost" -d 'Estimate what rules cost every system call, measure it, or tell which keys fill a log'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "pack" -d 'Rule sets by purpose'
complete -c indelible -n "__fish_indelible_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand doctor" -l config -d 'The agent\'s configuration file [default: /etc/indelible/agent.toml, where it is there]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand doctor" -l spool -d 'The agent\'s spool, where it has no configuration file' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand doctor" -l format -d 'Form of the answer' -r -f -a "text\t'For people'
json\t'One JSON object'"
complete -c indelible -n "__fish_indelible_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand status" -l spool -d 'A host\'s spool [default: that of /etc/indelible/agent.toml, or the collector\'s store]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand status" -l store -d 'A collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand status" -l format -d 'Form of the account' -r -f -a "text\t'For people'
json\t'One JSON object'"
complete -c indelible -n "__fish_indelible_using_subcommand status" -l json -d 'The same as --format json'
complete -c indelible -n "__fish_indelible_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand top" -l spool -d 'A host\'s spool' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand top" -l store -d 'A collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand top" -l input -d 'A log file of auditd, or a folder with them [default: /var/log/audit]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand top" -l where -d 'Count only events that this holds of (docs/where.md)' -r
complete -c indelible -n "__fish_indelible_using_subcommand top" -l interval -d 'Seconds that one table is about' -r
complete -c indelible -n "__fish_indelible_using_subcommand top" -l lines -d 'Values in each table' -r
complete -c indelible -n "__fish_indelible_using_subcommand top" -l format -d 'Form of what is printed' -r -f -a "text\t'For people'
json\t'One JSON object'"
complete -c indelible -n "__fish_indelible_using_subcommand top" -l once -d 'End after the first interval'
complete -c indelible -n "__fish_indelible_using_subcommand top" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand search" -s a -l event -d 'Number of the event: what follows the colon in `audit(1700000000.123:45)`' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l arch -d 'Architecture of the system call: b32, b64, x86_64, i386, aarch64, …; stands before -sc' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -s c -l comm -d 'Name of the task; part of it suffices' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -s e -l exit -d 'Result of the system call, as a number or as an error\'s name: -13, -EACCES' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -s f -l file -d 'Path, working directory or unix socket; part of it suffices' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l gid-all -d 'gid or egid (-ga)' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l gid-effective -d 'egid (-ge)' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l gid -d 'gid (-gi)' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l host -d 'Remote host or address (-hn); part of it suffices' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -s k -l key -d 'Key of the rule that caught the event; part of it suffices' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -s m -l message -d 'Types of a record, by name or number, separated by commas; ALL is each' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -s n -l node -d 'Host that the event comes from; several may be given' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -s o -l object -d 'Label of the object; part of it suffices' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -s p -l pid -d 'Process' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l ppid -d 'Parent process (-pp)' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l syscall -d 'System call, by name or number (-sc)' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l context -d 'Label of subject or object (-se); part of it suffices' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l session -d 'Login session; -1 is none' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l subject -d 'Label of the subject (-su); part of it suffices' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l success -d 'Whether it was done (-sv): yes or no' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l terminal -d 'Terminal (-tm); part of it suffices' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l uid-all -d 'uid, euid or login uid (-ua)' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l uid-effective -d 'euid (-ue)' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l uid -d 'uid (-ui)' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l loginuid -d 'Login uid (-ul); -1 is none' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l uuid -d 'UUID of a guest (-uu); part of it suffices' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l vm-name -d 'Name of a guest (-vm); part of it suffices' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -s x -l executable -d 'Path of the program; part of it suffices' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l text -d 'Text of a message, or of a record as it was logged; part of it suffices' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l where -d 'A condition, such as \'exe ~ "/tmp/*" and auid >= 1000 and not success\'; docs/where.md has the language' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l start -d 'First time (-ts): date and time of the locale, or now, recent, boot, today, yesterday, this-hour, this-week, week-ago, this-month, this-year; a search\'s checkpoint' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l end -d 'Last time (-te)' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l since -d 'First time: 2023-11-14T22:13:20Z, 2h ago, or as --start' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l until -d 'Last time' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l input -l if -d 'This file, or the files of this folder (-if)' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand search" -l store -d 'A collector\'s store; several are read as one log, in which an entry that stands in two of them is given once' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand search" -l spool -d 'A host\'s spool' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand search" -l collector -d 'A collector elsewhere, over its HTTP interface: https://HOST:PORT' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l token-file -d 'File with the token that may read there [default: INDELIBLE_TOKEN in the environment, or the unit\'s credential `indelible.token`]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand search" -l ca -d 'Certificates of the authorities that an https server comes from, PEM' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand search" -l certificate -d 'Certificate to show instead of a token, PEM' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand search" -l certificate-key -d 'The certificate\'s private key, PEM' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand search" -l eoe-timeout -d 'Seconds of the log\'s time that an event waits for its other records' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l format -d 'raw, default, interpret, csv, text, json or ndjson' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l escape -d 'What is escaped in names: raw, tty, shell or shell_quote [default: tty]' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l limit -d 'Stop after this many events' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l checkpoint -d 'Show only what is new since the last search with this file' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand search" -l mask -d 'Mask what this regular expression\'s group `secret` (else its first group, else all of it) matches, beside the usual ways in which passwords stand in command lines; between arguments stands a zero byte' -r
complete -c indelible -n "__fish_indelible_using_subcommand search" -l findings -d 'Findings of detections alone, in a store or a spool; --text, -n, -p, -c narrow them'
complete -c indelible -n "__fish_indelible_using_subcommand search" -s w -l word -d 'Text must be equal, not only part'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l input-logs -d 'The audit daemon\'s log, even if standard input is a pipe'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l debug -d 'Tell on standard error what was looked for and read; as ausearch and aureport, tell about lines and events that could not be read'
complete -c indelible -n "__fish_indelible_using_subcommand search" -s i -l interpret -d 'Numbers in words: --format interpret'
complete -c indelible -n "__fish_indelible_using_subcommand search" -s r -l raw -d 'Records as they were stored: --format raw'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l extra-keys -d 'csv: a last column with the keys'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l extra-labels -d 'csv: columns with the labels of subject and object'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l extra-obj2 -d 'csv: a column with the second object'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l extra-time -d 'csv: columns with the parts of the time'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l just-one -d 'Stop after the first event'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l reverse -d 'The newest first'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l count -d 'Only how many there are'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l tree -d 'The processes of the events as a tree, by login session'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l follow -d 'Show what comes from now on, each event as soon as it is whole'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l no-resolve -d 'Leave ids of users and groups as numbers'
complete -c indelible -n "__fish_indelible_using_subcommand search" -s l -l line-buffered -d 'Write each event at once'
complete -c indelible -n "__fish_indelible_using_subcommand search" -l unmasked -d 'Show secrets as they are; the raw form always does'
complete -c indelible -n "__fish_indelible_using_subcommand search" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand report" -l format -d 'text, json or csv' -r
complete -c indelible -n "__fish_indelible_using_subcommand report" -l escape -d 'What is escaped in names: raw, tty, shell or shell_quote [default: tty]' -r
complete -c indelible -n "__fish_indelible_using_subcommand report" -l interval -d 'Length of a step of --rate and of timeline: 10s, 5m, 1h, 1d [default: 1h]' -r
complete -c indelible -n "__fish_indelible_using_subcommand report" -l node -d 'Host that the event comes from; several may be given' -r
complete -c indelible -n "__fish_indelible_using_subcommand report" -l start -d 'First time (-ts): date and time of the locale, or now, recent, boot, today, yesterday, this-hour, this-week, week-ago, this-month, this-year; a search\'s checkpoint' -r
complete -c indelible -n "__fish_indelible_using_subcommand report" -l end -d 'Last time (-te)' -r
complete -c indelible -n "__fish_indelible_using_subcommand report" -l since -d 'First time: 2023-11-14T22:13:20Z, 2h ago, or as --start' -r
complete -c indelible -n "__fish_indelible_using_subcommand report" -l until -d 'Last time' -r
complete -c indelible -n "__fish_indelible_using_subcommand report" -l input -l if -d 'This file, or the files of this folder (-if)' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand report" -l store -d 'A collector\'s store; several are read as one log, in which an entry that stands in two of them is given once' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand report" -l spool -d 'A host\'s spool' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand report" -l collector -d 'A collector elsewhere, over its HTTP interface: https://HOST:PORT' -r
complete -c indelible -n "__fish_indelible_using_subcommand report" -l token-file -d 'File with the token that may read there [default: INDELIBLE_TOKEN in the environment, or the unit\'s credential `indelible.token`]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand report" -l ca -d 'Certificates of the authorities that an https server comes from, PEM' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand report" -l certificate -d 'Certificate to show instead of a token, PEM' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand report" -l certificate-key -d 'The certificate\'s private key, PEM' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand report" -l eoe-timeout -d 'Seconds of the log\'s time that an event waits for its other records' -r
complete -c indelible -n "__fish_indelible_using_subcommand report" -l mask -d 'Mask what this regular expression\'s group `secret` (else its first group, else all of it) matches, beside the usual ways in which passwords stand in command lines; between arguments stands a zero byte' -r
complete -c indelible -n "__fish_indelible_using_subcommand report" -l summary -d 'How often each value occurs, instead of a row per event'
complete -c indelible -n "__fish_indelible_using_subcommand report" -l success -d 'Only what succeeded'
complete -c indelible -n "__fish_indelible_using_subcommand report" -l failed -d 'Only what failed'
complete -c indelible -n "__fish_indelible_using_subcommand report" -l add -d 'Without what deletes'
complete -c indelible -n "__fish_indelible_using_subcommand report" -l delete -d 'Without what adds'
complete -c indelible -n "__fish_indelible_using_subcommand report" -l no-config -d 'Without changes of the audit configuration (-nc)'
complete -c indelible -n "__fish_indelible_using_subcommand report" -s i -l interpret -d 'Numbers in words: users, system calls, types'
complete -c indelible -n "__fish_indelible_using_subcommand report" -l rate -d 'Of keys: events and bytes of each key over time'
complete -c indelible -n "__fish_indelible_using_subcommand report" -l input-logs -d 'The audit daemon\'s log, even if standard input is a pipe'
complete -c indelible -n "__fish_indelible_using_subcommand report" -l debug -d 'Tell on standard error what was looked for and read; as ausearch and aureport, tell about lines and events that could not be read'
complete -c indelible -n "__fish_indelible_using_subcommand report" -l unmasked -d 'Show secrets as they are; the raw form always does'
complete -c indelible -n "__fish_indelible_using_subcommand report" -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -f -a "deleted" -d 'Find processes that run from files that are deleted, replaced, unmounted or were never files'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -f -a "explain" -d 'Tell how a built-in detection decides, what it needs and how it is tuned'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -f -a "list" -d 'Name the built-in detections'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -f -a "relay" -d 'Run a program for each line of standard input, which it gets on its own; answer with a line each'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -f -a "run" -d 'Find what intruders do, with the built-in detections, in audit logs, a spool or a store'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -f -a "sigma" -d 'Find what Sigma rules describe, in audit logs, a spool or a collector\'s store'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -f -a "ssh" -d 'Count who tried to get in over ssh: per source, network, user and campaign'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -f -a "suppress" -d 'Tell nobody of certain findings for a while; they are recorded all the same'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -f -a "suppressions" -d 'List the suppressions'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -f -a "test" -d 'Try the built-in detections on cases: records, and what has to be found in them'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -f -a "unsuppress" -d 'Take a suppression back before it expires'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and not __fish_seen_subcommand_from deleted explain list relay run sigma ssh suppress suppressions test unsuppress help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from deleted" -l format -d 'Form of the output' -r -f -a "table\t'For people'
json\t'One JSON object'"
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from deleted" -l recover -d 'Copy the files that run into this folder, with SHA-256 and a manifest' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from deleted" -l pid -d 'Only this process; may be given several times' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from deleted" -l min-score -d 'Leave out findings with a lower score' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from deleted" -l fail-on -d 'End with 1 if there is such a finding: any, suspicious (all but upgrades), or a score' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from deleted" -l no-libraries -d 'Do not look at libraries'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from deleted" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from explain" -l format -d 'Form of the output' -r -f -a "table\t'For people'
json\t'One JSON object'
ndjson\t'One JSON object per line'"
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from list" -l format -d 'Form of the output' -r -f -a "table\t'For people'
json\t'One JSON object'
ndjson\t'One JSON object per line'"
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from relay" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from run" -l store -d 'Read a collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from run" -l spool -d 'Read a host\'s spool' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from run" -l only -d 'Evaluate this detection alone; may be given several times' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from run" -l tune -d 'Add a name to a list of a detection: log-clearing.allow=/opt/bin/rotate; `detect explain` shows the lists' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from run" -l format -d 'Form of the output' -r -f -a "table\t'For people'
json\t'One JSON object'
ndjson\t'One JSON object per line'"
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from run" -l level -d 'Leave out findings of lower levels: informational, low, medium, high, critical' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from run" -l fail-on -d 'End with 1 if there is a finding of this level or a higher one' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from sigma" -l rules -d 'Folder of rules (.yml, .yaml), or one file' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from sigma" -l store -d 'Read a collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from sigma" -l spool -d 'Read a host\'s spool' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from sigma" -l format -d 'Form of the output' -r -f -a "table\t'For people'
json\t'One JSON object'
ndjson\t'One JSON object per line'"
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from sigma" -l level -d 'Leave out findings of lower levels: informational, low, medium, high, critical' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from sigma" -l fail-on -d 'End with 1 if there is a finding of this level or a higher one' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from sigma" -l list -d 'Print the rules and what is not evaluated and why, instead; ends with 1 if a file is broken'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from sigma" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l store -d 'Read a collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l format -d 'Form of the output' -r -f -a "table\t'For people'
json\t'One JSON object'
csv\t'A row per source'"
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l top -d 'Rows per table [default: 20 in tables, all in JSON and CSV]' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l since -d 'Nothing before this time, e.g. `2h ago`, 2026-11-25T17:40:00Z' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l until -d 'Nothing after this time' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l fail-on -d 'End with 1 if a source or campaign has one of these outcomes, or `any` that is a finding' -r -f -a "any\t''
probe\t''
slow\t''
distributed\t''
brute\t''
spray\t''
compromised\t''"
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l brute -d 'Attempts of a source within the window that are `brute`' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l window -d 'The window, in seconds' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l spray -d 'Names that a source tries, at most three times each on average, that are `spray`' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l slow -d 'Attempts of a source in all that are `slow` where no window holds enough for `brute`' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l distributed -d 'Sources that try one name, or sources of one network, that are `distributed`' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l compromised -d 'Attempts within a day before a login that make it `compromised`' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -l journal -d 'Read this host\'s journal'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from ssh" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from suppress" -l store -d 'Those of the collector with this store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from suppress" -l spool -d 'Those of the agent with this spool' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from suppress" -l host -d 'Only those about this host' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from suppress" -l exe -d 'Only those about this program' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from suppress" -l contains -d 'Only those whose reason holds this text' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from suppress" -l reason -d 'Why; goes into the log' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from suppress" -l for -d 'For how long: 30m, 12h, 90d' -r
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from suppress" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from suppressions" -l store -d 'Those of the collector with this store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from suppressions" -l spool -d 'Those of the agent with this spool' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from suppressions" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from test" -l format -d 'Form of the output' -r -f -a "table\t'For people'
json\t'One JSON object'
ndjson\t'One JSON object per line'"
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from unsuppress" -l store -d 'Those of the collector with this store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from unsuppress" -l spool -d 'Those of the agent with this spool' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from unsuppress" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from help" -f -a "deleted" -d 'Find processes that run from files that are deleted, replaced, unmounted or were never files'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from help" -f -a "explain" -d 'Tell how a built-in detection decides, what it needs and how it is tuned'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from help" -f -a "list" -d 'Name the built-in detections'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from help" -f -a "relay" -d 'Run a program for each line of standard input, which it gets on its own; answer with a line each'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from help" -f -a "run" -d 'Find what intruders do, with the built-in detections, in audit logs, a spool or a store'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from help" -f -a "sigma" -d 'Find what Sigma rules describe, in audit logs, a spool or a collector\'s store'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from help" -f -a "ssh" -d 'Count who tried to get in over ssh: per source, network, user and campaign'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from help" -f -a "suppress" -d 'Tell nobody of certain findings for a while; they are recorded all the same'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from help" -f -a "suppressions" -d 'List the suppressions'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from help" -f -a "test" -d 'Try the built-in detections on cases: records, and what has to be found in them'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from help" -f -a "unsuppress" -d 'Take a suppression back before it expires'
complete -c indelible -n "__fish_indelible_using_subcommand detect; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l store -d 'A collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l spool -d 'A host\'s spool' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l collector -l url -d 'A log over HTTP, as C2SP tlog-tiles shows it' -r
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l token-file -d 'File with the token that may read there [default: INDELIBLE_TOKEN in the environment, or the unit\'s credential `indelible.token`]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l ca -d 'Certificates of the authorities that an https server comes from, PEM' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l certificate -d 'Certificate to show instead of a token, PEM' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l certificate-key -d 'The certificate\'s private key, PEM' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l proof -d 'A proof file, with its entry beside it (see `indelible prove`); may be given several times' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l key -d 'The log\'s public key (log.vkey), from somewhere else than the store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l known -d 'A checkpoint that is known from elsewhere (a file of the heads folder, a note that somebody kept), which the log must contain; may be given several times' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l witness -d 'A witness that must have cosigned what the log shows: its C2SP verifier key, and its URL in the same argument to ask it for the checkpoint that it holds; may be given several times' -r
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l quorum -d 'Witnesses that must have cosigned [default: all]' -r
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l mark -d 'Go on from where the last verification with this file ended, and keep there where this one ends; the first one reads everything' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l format -d 'Form of the report' -r -f -a "text\t'For people'
json\t'One JSON object'"
complete -c indelible -n "__fish_indelible_using_subcommand verify" -l completeness -d 'Tell per host and boot what is here of what its kernel emitted, and why the rest is not'
complete -c indelible -n "__fish_indelible_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand prove" -l store -d 'A collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand prove" -l out -d 'Folder for the files [default: the current one]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand prove" -l event -d 'The records of this event, as `audit(…)` in them names it' -r
complete -c indelible -n "__fish_indelible_using_subcommand prove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand export" -l store -d 'The collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand export" -l format -d 'Form of the files' -r -f -a "parquet\t'A row per event or message, in columns (docs/formats.md, "Export")'
ndjson\t'An event per line, as `search --format ndjson` prints it'
csv\t'An event per line, as `search --format csv` prints it'
raw\t'Records and messages as they were received'"
complete -c indelible -n "__fish_indelible_using_subcommand export" -l output -d 'Folder for the files, made or empty' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand export" -l since -d 'From this time on, RFC 3339' -r
complete -c indelible -n "__fish_indelible_using_subcommand export" -l until -d 'Up to this time, RFC 3339' -r
complete -c indelible -n "__fish_indelible_using_subcommand export" -l host -d 'Of this host alone' -r
complete -c indelible -n "__fish_indelible_using_subcommand export" -l rows-per-file -d 'Rows of one file' -r
complete -c indelible -n "__fish_indelible_using_subcommand export" -l mask -d 'Mask what this regular expression\'s group `secret` (else its first group, else all of it) matches, beside the usual ways in which passwords stand in command lines; between arguments stands a zero byte' -r
complete -c indelible -n "__fish_indelible_using_subcommand export" -l unmasked -d 'Show secrets as they are; the raw form always does'
complete -c indelible -n "__fish_indelible_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand hold; and not __fish_seen_subcommand_from add list remove help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand hold; and not __fish_seen_subcommand_from add list remove help" -f -a "add" -d 'Begin a hold'
complete -c indelible -n "__fish_indelible_using_subcommand hold; and not __fish_seen_subcommand_from add list remove help" -f -a "list" -d 'Show the holds that are in force'
complete -c indelible -n "__fish_indelible_using_subcommand hold; and not __fish_seen_subcommand_from add list remove help" -f -a "remove" -d 'End a hold'
complete -c indelible -n "__fish_indelible_using_subcommand hold; and not __fish_seen_subcommand_from add list remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from add" -l store -d 'The collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from add" -l host -d 'The host\'s name in its certificate, or its address' -r
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from add" -l since -d 'First capture time, RFC 3339' -r
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from add" -l until -d 'Last capture time, RFC 3339' -r
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from add" -l reason -d 'Why: it stands in the log for ever' -r
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from list" -l store -d 'The collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from list" -l format -d 'Form of the list' -r -f -a "text\t'For people'
json\t'One JSON object'"
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from remove" -l store -d 'The collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from remove" -l reason -d 'Why' -r
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from help" -f -a "add" -d 'Begin a hold'
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show the holds that are in force'
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from help" -f -a "remove" -d 'End a hold'
complete -c indelible -n "__fish_indelible_using_subcommand hold; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand erase" -l store -d 'The collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand erase" -l entry -d 'Leaf index of the entry' -r
complete -c indelible -n "__fish_indelible_using_subcommand erase" -l reason -d 'Why: it stands in the log for ever' -r
complete -c indelible -n "__fish_indelible_using_subcommand erase" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand rotate-key" -l store -d 'The collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand rotate-key" -l reason -d 'Why: it stands in the log for ever' -r
complete -c indelible -n "__fish_indelible_using_subcommand rotate-key" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand restart-log" -l store -d 'The restored store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand restart-log" -l reason -d 'Why: it stands in the log for ever' -r
complete -c indelible -n "__fish_indelible_using_subcommand restart-log" -l kept -d 'Entries of the copy, where a collector has written to the store since it was restored [default: all that are there]' -r
complete -c indelible -n "__fish_indelible_using_subcommand restart-log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand reindex" -l store -d 'A collector\'s store' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand reindex" -l all -d 'Also those that look sound'
complete -c indelible -n "__fish_indelible_using_subcommand reindex" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand config; and not __fish_seen_subcommand_from check show import schema help" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand config; and not __fish_seen_subcommand_from check show import schema help" -f -a "check" -d 'Check configuration files with their drop-ins; each mistake is told with line and column'
complete -c indelible -n "__fish_indelible_using_subcommand config; and not __fish_seen_subcommand_from check show import schema help" -f -a "show" -d 'Show what a configuration comes to: its file, drop-ins, environment and defaults together'
complete -c indelible -n "__fish_indelible_using_subcommand config; and not __fish_seen_subcommand_from check show import schema help" -f -a "import" -d 'Print what auditd\'s and rsyslog\'s configuration comes to here'
complete -c indelible -n "__fish_indelible_using_subcommand config; and not __fish_seen_subcommand_from check show import schema help" -f -a "schema" -d 'Print the JSON Schema of a configuration, for editors'
complete -c indelible -n "__fish_indelible_using_subcommand config; and not __fish_seen_subcommand_from check show import schema help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from check" -l daemon -d 'Whose files they are' -r -f -a "agent\t'Configuration of `indelible agent`'
collector\t'Configuration of `indelible collector`'"
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from show" -l daemon -d 'Whose file it is' -r -f -a "agent\t'Configuration of `indelible agent`'
collector\t'Configuration of `indelible collector`'"
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from show" -l origin -d 'Say of each key where it was set'
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from import" -l rules-d -d 'Folder of audit rules [default: /etc/audit/rules.d]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from import" -l auditd-conf -d 'Configuration of auditd [default: /etc/audit/auditd.conf]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from import" -l rsyslog-conf -d 'Configuration of rsyslog with the files that it includes [default: /etc/rsyslog.conf]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from import" -l spool -d 'The spool in the configuration that is printed' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check configuration files with their drop-ins; each mistake is told with line and column'
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show what a configuration comes to: its file, drop-ins, environment and defaults together'
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "import" -d 'Print what auditd\'s and rsyslog\'s configuration comes to here'
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "schema" -d 'Print the JSON Schema of a configuration, for editors'
complete -c indelible -n "__fish_indelible_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand migrate; and not __fish_seen_subcommand_from from-auditd help" -s h -l help -d 'Print help'
complete -c indelible -n "__fish_indelible_using_subcommand migrate; and not __fish_seen_subcommand_from from-auditd help" -f -a "from-auditd" -d 'Take auditd\'s place: its rules, its configuration, and what rsyslog forwards'
complete -c indelible -n "__fish_indelible_using_subcommand migrate; and not __fish_seen_subcommand_from from-auditd help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand migrate; and __fish_seen_subcommand_from from-auditd" -l root -d 'Change files below this folder alone, and no unit' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand migrate; and __fish_seen_subcommand_from from-auditd" -l yes -d 'Do what the plan says'
complete -c indelible -n "__fish_indelible_using_subcommand migrate; and __fish_seen_subcommand_from from-auditd" -l undo -d 'Put everything back'
complete -c indelible -n "__fish_indelible_using_subcommand migrate; and __fish_seen_subcommand_from from-auditd" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand migrate; and __fish_seen_subcommand_from help" -f -a "from-auditd" -d 'Take auditd\'s place: its rules, its configuration, and what rsyslog forwards'
complete -c indelible -n "__fish_indelible_using_subcommand migrate; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand support-bundle" -l agent -d 'The agent\'s configuration [default: /etc/indelible/agent.toml, where it is there]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand support-bundle" -l collector -d 'The collector\'s configuration [default: /etc/indelible/collector.toml, where it is there]' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand support-bundle" -l hide -d 'Further names to replace: of hosts, of people; may be given several times' -r
complete -c indelible -n "__fish_indelible_using_subcommand support-bundle" -l out -d 'Write it to a new file instead of standard output' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand support-bundle" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand man" -l out -d 'Write every page into this folder, as indelible-COMMAND.1' -r -F
complete -c indelible -n "__fish_indelible_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "demo" -d 'Show the whole path on this machine: capture, delivery, a wipe, a proof'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "collector" -d 'Receive entries from agents and keep them provably'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "token" -d 'Make tokens with which hosts enrol'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "agent" -d 'Capture this host\'s audit records and send them to a collector'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "enroll" -d 'Get this host a certificate of its collector, with a token of `indelible token create`'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "revoke" -d 'Refuse a host\'s certificate from now on, and cut its connections'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "pki" -d 'Make certificates for a collector and its hosts'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "rules" -d 'Write, check and load audit rules'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "doctor" -d 'Say what is wrong with auditing on this host, each with what mends it'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "status" -d 'Show the account of a host\'s spool or a collector\'s store: what is there, what is missing and why'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "top" -d 'Show which rules, programs and hosts make the most events right now'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "search" -d 'Find events in audit logs, a spool, a collector\'s store or a collector elsewhere'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "report" -d 'Report about audit logs, a spool, a collector\'s store or a collector elsewhere'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "detect" -d 'Find what an intruder leaves: in logs, in a store, on this host'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "verify" -d 'Check a store or a spool to its last byte, a log by what it shows over HTTP, or proof files'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "prove" -d 'Write proofs that entries are in a log, for somebody who has nothing but its public key'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "export" -d 'Write a store\'s events to files for other programs, with a manifest of hashes and proofs'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "hold" -d 'Hold entries of a host: retention keeps them, and nobody can erase them'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "erase" -d 'Erase the payload of one entry, as a law may ask for'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "rotate-key" -d 'Give a log a new signing key'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "restart-log" -d 'Let a log go on that was restored from an older copy'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "reindex" -d 'Make the block indexes of a store anew, by which a search knows what it need not read'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "config" -d 'Check and show configuration files'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "migrate" -d 'Take the place of what a host has, and give it back'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "support-bundle" -d 'Gather what somebody who helps needs to know, in one text to read before you send it'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "completions" -d 'Print the completions of a shell'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "man" -d 'Print the manual page of a command, or write all of them into a folder'
complete -c indelible -n "__fish_indelible_using_subcommand help; and not __fish_seen_subcommand_from demo collector token agent enroll revoke pki rules doctor status top search report detect verify prove export hold erase rotate-key restart-log reindex config migrate support-bundle completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "create" -d 'Make a token that enrols one host, once, within half an hour'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from pki" -f -a "issue" -d 'Issue a certificate for a host; the authority is made where it is missing'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "check" -d 'Read rules and say what is wrong with them'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "compile" -d 'Show rules as the kernel takes them'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "merge" -d 'Merge a folder of rule files into one file'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "load" -d 'Load rules: all of them, or none'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "list" -d 'List the loaded rules'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "diff" -d 'Compare the loaded rules with files'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "delete" -d 'Delete rules; the others stay in force all the while'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "lint" -d 'Look for rules that do not record what they seem to, or cost more than they need to'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "cost" -d 'Estimate what rules cost every system call, measure it, or tell which keys fill a log'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "pack" -d 'Rule sets by purpose'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from detect" -f -a "deleted" -d 'Find processes that run from files that are deleted, replaced, unmounted or were never files'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from detect" -f -a "explain" -d 'Tell how a built-in detection decides, what it needs and how it is tuned'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from detect" -f -a "list" -d 'Name the built-in detections'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from detect" -f -a "relay" -d 'Run a program for each line of standard input, which it gets on its own; answer with a line each'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from detect" -f -a "run" -d 'Find what intruders do, with the built-in detections, in audit logs, a spool or a store'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from detect" -f -a "sigma" -d 'Find what Sigma rules describe, in audit logs, a spool or a collector\'s store'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from detect" -f -a "ssh" -d 'Count who tried to get in over ssh: per source, network, user and campaign'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from detect" -f -a "suppress" -d 'Tell nobody of certain findings for a while; they are recorded all the same'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from detect" -f -a "suppressions" -d 'List the suppressions'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from detect" -f -a "test" -d 'Try the built-in detections on cases: records, and what has to be found in them'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from detect" -f -a "unsuppress" -d 'Take a suppression back before it expires'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from hold" -f -a "add" -d 'Begin a hold'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from hold" -f -a "list" -d 'Show the holds that are in force'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from hold" -f -a "remove" -d 'End a hold'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Check configuration files with their drop-ins; each mistake is told with line and column'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Show what a configuration comes to: its file, drop-ins, environment and defaults together'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "import" -d 'Print what auditd\'s and rsyslog\'s configuration comes to here'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "schema" -d 'Print the JSON Schema of a configuration, for editors'
complete -c indelible -n "__fish_indelible_using_subcommand help; and __fish_seen_subcommand_from migrate" -f -a "from-auditd" -d 'Take auditd\'s place: its rules, its configuration, and what rsyslog forwards'
