//! Every bound of this crate, in one place.

/// Bounds of the Sigma evaluator ([`crate::sigma`]).
pub mod sigma {
    /// Longest file of Sigma rules, in bytes.
    pub const RULE_FILE_BYTES_MAX: usize = 1 << 20;

    /// Nodes of one file's YAML, those that aliases repeat among them.
    pub const YAML_NODES_MAX: usize = 100_000;

    /// How deep lists and maps may stand in each other.
    pub const YAML_DEPTH_MAX: usize = 32;

    /// Longest condition of a Sigma rule, in bytes.
    pub const CONDITION_BYTES_MAX: usize = 4096;

    /// How deep parentheses and negations may stand in each other in a condition.
    pub const CONDITION_NESTING_MAX: usize = 64;

    /// Tests of one Sigma rule, those that a condition repeats among them.
    pub const RULE_TESTS_MAX: usize = 4096;

    /// Strings that `windash` may make of one.
    pub const WINDASH_FORMS_MAX: usize = 625;

    /// Rules that are loaded at once.
    pub const RULES_MAX: usize = 16 * 1024;

    /// Fields that a finding shows, and bytes of each.
    pub const FINDING_FIELDS_MAX: usize = 24;
    /// See [`FINDING_FIELDS_MAX`].
    pub const FINDING_VALUE_BYTES_MAX: usize = 1024;

    /// Bytes of program names and command lines that are remembered for the children of processes; at
    /// most twice that is held.
    pub const PROCESS_BYTES_MAX: usize = 16 << 20;
    /// Processes that are remembered; at most twice as many are held.
    pub const PROCESSES_MAX: usize = 32 * 1024;
    /// Bytes of one command line that are remembered.
    pub const PROCESS_LINE_BYTES_MAX: usize = 4096;

    /// Groups that one correlation tells apart; the one that was quiet longest goes first.
    pub const CORRELATION_GROUPS_MAX: usize = 10_000;
    /// Events that one group of a correlation remembers.
    pub const CORRELATION_EVENTS_MAX: usize = 10_000;
    /// Events that all groups of one correlation remember.
    pub const CORRELATION_TOTAL_MAX: usize = 200_000;
    /// Bytes of a value by which events are grouped or counted; the rest is not looked at.
    pub const CORRELATION_VALUE_BYTES_MAX: usize = 256;
    /// Events that a correlation's finding names.
    pub const CORRELATION_SHOWN_MAX: usize = 100;
    /// How deep correlations may refer to each other.
    pub const CORRELATION_DEPTH_MAX: usize = 8;
}

/// Bounds of the sshd detection ([`crate::ssh`]).
pub mod ssh {
    /// Connections remembered, oldest out first. About 200 bytes each.
    pub const CONNECTIONS_MAX: usize = 57_344;
    /// Source addresses remembered; those with the fewest attempts go first. As many as a hash
    /// table of 65,536 places takes.
    pub const SOURCES_MAX: usize = 57_344;
    /// Networks (/24, /64) remembered, likewise.
    pub const NETWORKS_MAX: usize = 57_344;
    /// User names remembered, likewise.
    pub const USERS_MAX: usize = 57_344;
    /// User names listed per source; others are counted without their names.
    pub const NAMES_PER_SOURCE_MAX: usize = 256;
    /// Bytes of all names listed under sources.
    pub const NAME_BYTES_MAX: usize = 32 << 20;
    /// What a name costs beside its bytes.
    pub const NAME_OVERHEAD_BYTES: usize = 64;
    /// Hosts told apart by name; on hosts beyond these nothing is joined by process id.
    pub const HOSTS_MAX: usize = 16_384;
    /// Bytes of a user name that count; sshd writes no more than these in most messages.
    pub const NAME_BYTES: usize = 100;
    /// A line longer than this may have been cut inside of what a client chose: 1,024 bytes are
    /// what sshd's own buffer and old syslog relays hold.
    pub const WHOLE_LINE_BYTES: usize = 1_000;
    /// Positions looked at for a peer's address in one message.
    pub const CANDIDATES_MAX: usize = 64;
    /// Largest value of a threshold, which is also the number of times remembered per source.
    pub const THRESHOLD_MAX: u32 = 64;
    /// Kinds of lines listed that were not understood.
    pub const UNKNOWN_KINDS_MAX: usize = 64;
    /// Bytes of the example of such a line.
    pub const UNKNOWN_BYTES: usize = 160;
    /// Logins after failures that are kept with their sessions.
    pub const LOGINS_MAX: usize = 4_096;
    /// Commands kept per such session.
    pub const COMMANDS_MAX: usize = 256;
    /// Bytes of commands kept in all.
    pub const COMMANDS_BYTES_MAX: usize = 16 << 20;
    /// Bytes of a command that are kept.
    pub const COMMAND_BYTES: usize = 1_024;
    /// In a log that is being written: how long after a login what was run in its session is told,
    /// and told again, ms.
    pub const FOLLOWED_MS: [u64; 2] = [60_000, 600_000];
    /// Logins whose sessions are to be told of; of those beyond these nothing more is said.
    pub const FOLLOWED_MAX: usize = 1_024;
    /// How long a session is remembered in which nothing is run, ms.
    pub const SESSION_MEMORY_MS: u64 = 900_000;
    /// How often it is looked for those, ms.
    pub const FORGET_EVERY_MS: u64 = 30_000;
    /// Audit records that wait for the messages about the same try.
    pub const DEFERRED_MAX: usize = 16_384;
    /// How long they wait, ms: old stamps have whole seconds, and logs are written by different
    /// programs.
    pub const DEFERRED_MS: u64 = 5_000;
    /// How far apart messages of a source and audit records of a process without messages may be
    /// to speak of the same tries, ms: sshd gives up on a client after two minutes.
    pub const COVERED_MS: u64 = 120_000;
    /// Repeats that one "message repeated" line may stand for.
    pub const REPEATS_MAX: u32 = 1_000_000;
}

/// Bounds of the built-in detections ([`crate::builtin`]).
pub mod builtin {
    /// Processes of which program and parent are remembered; at most twice as many are held, of
    /// about 150 bytes each.
    pub const PROCESSES_MAX: usize = 16 * 1024;
    /// Bytes of a program's path that are remembered, and of a script's.
    pub const EXE_BYTES_MAX: usize = 256;
    /// Parents of parents that are looked at.
    pub const ANCESTORS_MAX: usize = 8;
    /// Files and folders whose inodes are remembered; at most twice as many, of about 150 bytes each.
    pub const INODES_MAX: usize = 8 * 1024;
    /// Longest name that is remembered of an inode, or of what a compressor made.
    pub const NAME_BYTES_MAX: usize = 256;
    /// Named pipes whose makers' children are looked at; at most twice as many.
    pub const PIPES_MAX: usize = 1024;
    /// Children of such a process of which it is remembered what was put onto their standard input.
    pub const PIPED_MAX: usize = 8;
    /// How far below such a process a shell or a connection may be.
    pub const PIPED_DEPTH: usize = 3;
    /// Compressors of which it is remembered what they made last; at most twice as many.
    pub const PACKERS_MAX: usize = 1024;
    /// Processes that debuggers are attached to; at most twice as many.
    pub const ATTACHED_MAX: usize = 1024;
    /// How long after a debugger came a program that the process starts is looked at, ms.
    pub const ATTACHED_MS: u64 = 60_000;
    /// Findings remembered so that they are not told again; at most twice as many.
    pub const TOLD_MAX: usize = 16 * 1024;
    /// How long a finding is not told again of the same process, ms.
    pub const REPEAT_MS: u64 = 10 * 60 * 1000;
    /// Processes whose connections are remembered; at most twice as many.
    pub const CONNECTED_MAX: usize = 8 * 1024;
    /// Connections remembered of one process.
    pub const CONNECTIONS_PER_PROCESS_MAX: usize = 4;
    /// How long after a connection a shell on it is looked for, ms.
    pub const CONNECTED_MS: u64 = 10 * 60 * 1000;
    /// Removed rules that may come back, before each is told at once.
    pub const REMOVED_RULES_MAX: usize = 4096;
    /// How long removed rules may be away while rules are loaded anew, ms.
    pub const RELOAD_MS: u64 = 5_000;
    /// How long an audit daemon may be away while it restarts or the host goes down, ms.
    pub const RESTART_MS: u64 = 30_000;
    /// Hosts whose daemons are away at the same time.
    pub const STOPPED_MAX: usize = 4096;
}
