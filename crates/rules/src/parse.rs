//! One line of rule text, or one argument list of auditctl, read into what it asks for.
//!
//! Options take effect in the order in which they stand, and each may depend on those before
//! it (`arch` on the names in `-S`, a list on `-F`), so this is a small machine that is fed one
//! option at a time. `-F` and `-C` are read in [`crate::condition`].

use bstr::{BString, ByteSlice};

use crate::arch::Arch;
use crate::condition;
use crate::control::{Control, Signal, feature};
use crate::fault::{Fault, Severity};
use crate::field::Field;
use crate::host::{Host, PathKind};
use crate::limits::{FIELDS_WRITTEN_MAX, KEY_BYTES_MAX, NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::list::{Action, List};
use crate::mask::Mask;
use crate::number;
use crate::op::Op;
use crate::options::{Flag, Options};
use crate::perm;
use crate::rule::{KEY_SEPARATOR, Rule, Test, Value, permissions};
use crate::tables;
use crate::words::Word;

/// Which generation of auditctl a text is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compat {
    /// 3.0.9, as Debian 12 ships it.
    V3,
    /// 4.x: `-F perm=` behind `-F arch=` selects the system calls that can use the permission,
    /// io_uring rules, words for signals. Blanks may be tabs.
    V4,
}

/// Everything that reading depends on besides the text.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The generation.
    pub compat: Compat,
    /// The machine that the rules are for.
    pub machine: Arch,
    /// What its kernel can do; bits of [`feature`].
    pub features: u32,
    /// Its users and files.
    pub host: &'a dyn Host,
}

impl<'a> Context<'a> {
    /// A 4.x reading for a machine with a recent kernel.
    #[must_use]
    pub const fn new(machine: Arch, host: &'a dyn Host) -> Self {
        Self {
            compat: Compat::V4,
            machine,
            features: feature::ALL,
            host,
        }
    }
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Findings and settings in the order in which the line makes them.
    pub items: Vec<Item>,
    /// What is to be done at its end.
    pub end: End,
    /// Whether it named a filter list. auditctl then looks at the audit system's state before
    /// it does anything about the line, be the line right or wrong.
    pub named_list: bool,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Something wrong or odd.
    Note(Note),
    /// Something to do at once.
    Do(Control),
}

/// A finding about a word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is.
    pub fault: Fault,
    /// The word, as written.
    pub token: BString,
    /// Its column, from 1, or its position in an argument list.
    pub column: usize,
}

/// How a line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A rule to load.
    Add(Rule),
    /// A rule to delete.
    Delete(Rule),
    /// Settings were made; auditctl now prints the kernel's status.
    Report,
    /// Nothing is left to do.
    Done,
    /// The line is dropped on purpose and counts as good.
    Dropped,
    /// The line is wrong.
    Failed,
}

impl Line {
    /// The rule that the line adds.
    #[must_use]
    pub const fn added(&self) -> Option<&Rule> {
        match &self.end {
            End::Add(rule) => Some(rule),
            _ => None,
        }
    }

    /// Its findings.
    pub fn notes(&self) -> impl Iterator<Item = &Note> {
        self.items.iter().filter_map(|item| match item {
            Item::Note(note) => Some(note),
            Item::Do(_) => None,
        })
    }

    /// Its settings and requests.
    pub fn controls(&self) -> impl Iterator<Item = &Control> {
        self.items.iter().filter_map(|item| match item {
            Item::Note(_) => None,
            Item::Do(control) => Some(control),
        })
    }
}

/// Reads the words of a line of a rules file, or of an argument list (`line_number` `None`).
#[must_use]
pub fn parse(words: Vec<Word>, line_number: Option<usize>, cx: &Context<'_>) -> Line {
    let mut reader = Reader::new(words, line_number, cx);
    reader.read();
    reader.finish()
}

/// What the options so far amount to: auditctl's return value of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Nothing that needs sending yet.
    Report,
    /// A rule is being built.
    Rule,
    Done,
    Dropped,
    Failed,
}

/// Why an option ended the reading.
type Stop = Progress;

struct Reader<'a> {
    cx: &'a Context<'a>,
    options: Options,
    line_number: Option<usize>,
    items: Vec<Item>,
    progress: Progress,
    /// The lists of -a, -A or -w, and of -d or -W.
    add: Option<List>,
    delete: Option<List>,
    action: Option<Action>,
    prepend: bool,
    /// How many of -a, -A and -d were given.
    rule_options: usize,
    state: RuleText,
    keys: Vec<u8>,
    keys_are_search: bool,
}

/// A rule under construction, and what later options need to know about earlier ones.
#[derive(Debug)]
pub(crate) struct RuleText {
    pub(crate) tests: Vec<Test>,
    pub(crate) syscalls: Mask,
    /// The architecture whose names `-S` takes.
    pub(crate) arch: Option<Arch>,
    pub(crate) has_syscalls: bool,
    pub(crate) has_perm: bool,
    pub(crate) has_exe: bool,
    pub(crate) has_filesystem: bool,
    /// An exclude list was named somewhere on the line.
    exclude: bool,
}

impl<'a> Reader<'a> {
    fn new(words: Vec<Word>, line_number: Option<usize>, cx: &'a Context<'a>) -> Self {
        Self {
            cx,
            options: Options::new(words),
            line_number,
            items: Vec::new(),
            progress: Progress::Report,
            add: None,
            delete: None,
            action: None,
            prepend: false,
            rule_options: 0,
            state: RuleText {
                tests: Vec::new(),
                syscalls: Mask::none(),
                arch: None,
                has_syscalls: false,
                has_perm: false,
                has_exe: false,
                has_filesystem: false,
                exclude: false,
            },
            keys: Vec::new(),
            keys_are_search: false,
        }
    }

    /// The list that `-F` and `-C` apply to.
    fn list(&self) -> Option<List> {
        self.add.or(self.delete)
    }

    fn note(&mut self, fault: Fault, word: &Word) {
        let (token, column) = (word.text.clone(), word.column);
        self.items.push(Item::Note(Note {
            fault,
            token,
            column,
        }));
    }

    fn fail(&mut self, fault: Fault, word: &Word) -> Result<(), Stop> {
        self.note(fault, word);
        Err(Progress::Failed)
    }

    fn request(&mut self, control: Control) {
        self.items.push(Item::Do(control));
    }

    fn read(&mut self) {
        while let Some((flag, value)) = self.options.next_option() {
            if let Err(stop) = self.option(flag, value) {
                self.progress = stop;
                break;
            }
        }
    }

    fn option(&mut self, flag: Flag, value: Option<Word>) -> Result<(), Stop> {
        match (flag, value) {
            (Flag::Short(letter), Some(value)) => self.valued(letter, &value),
            (Flag::Short(letter), None) => self.plain(letter),
            (Flag::LoginuidImmutable, _) => self.request_and(Control::LoginuidImmutable),
            (Flag::ResetLost, _) => self.request_and(Control::ResetLost),
            (Flag::ResetBacklogWaitTimeActual, _) => {
                self.request_and(Control::ResetBacklogWaitActual)
            }
            (Flag::BacklogWaitTime, Some(value)) => {
                let limit = self.limit(&value, Fault::BacklogWait, Fault::BacklogWaitRange)?;
                self.request(Control::BacklogWait(limit));
                Ok(())
            }
            (Flag::Signal, Some(value)) => {
                let words = self.cx.compat == Compat::V4;
                match Signal::from_name(&value.text, words) {
                    Some(signal) => self.request_and(Control::Signal(signal)),
                    None => self.fail(Fault::Signal(value.text.clone()), &value),
                }
            }
            (Flag::Unknown | Flag::BacklogWaitTime | Flag::Signal, _) => self.unknown(),
        }
    }

    /// A request that ends the line.
    fn request_and(&mut self, control: Control) -> Result<(), Stop> {
        self.request(control);
        Err(Progress::Done)
    }

    fn unknown(&mut self) -> Result<(), Stop> {
        // Like auditctl, blame the word before the one that would be read next.
        let blamed = match self.options.position() {
            0 | 1 => None,
            position => self.options.word(position - 1).cloned(),
        };
        let word = blamed.unwrap_or_else(|| Word::argument(1, " "));
        let text = word.text.clone();
        let fault = match self.line_number {
            Some(line) => Fault::OptionOnLine(text, line),
            None => Fault::Option(text),
        };
        self.fail(fault, &word)
    }

    fn plain(&mut self, letter: u8) -> Result<(), Stop> {
        match letter {
            b'h' => {
                self.request(Control::Help);
                Err(Progress::Failed)
            }
            b'v' => {
                self.request(Control::Version);
                self.progress = Progress::Done;
                Err(Progress::Done)
            }
            b's' => self.status(),
            b'l' => self.list_rules(),
            b'D' => self.delete_all(),
            b't' => self.request_and(Control::Trim),
            // -i and -c change how a file is read, which is the caller's to know
            _ => Err(Progress::Done),
        }
    }

    fn valued(&mut self, letter: u8, value: &Word) -> Result<(), Stop> {
        match letter {
            b'e' => match one_of_three(&value.text) {
                Some(number) => self.request(Control::Enable(number)),
                None => return self.fail(Fault::Enable(value.text.clone()), value),
            },
            b'f' => match one_of_three(&value.text) {
                Some(number) => self.request(Control::Failure(number)),
                None => return self.fail(Fault::Failure(value.text.clone()), value),
            },
            b'r' => {
                let limit = self.limit(value, Fault::Rate, Fault::RateRange)?;
                self.request(Control::Rate(limit));
            }
            b'b' => {
                let limit = self.limit(value, Fault::Backlog, Fault::BacklogRange)?;
                self.request(Control::Backlog(limit));
            }
            b'a' => return self.append(value),
            b'A' => return self.prepend(value),
            b'd' => return self.delete(value),
            b'S' => return self.syscalls(value),
            b'F' => return self.field(value),
            b'C' => {
                let list = self.list();
                if let Err(fault) = condition::compare(&mut self.state, list, value) {
                    return self.fail(fault, value);
                }
            }
            b'm' => return self.message(value),
            b'R' => return self.fail(Fault::NestedFile, value),
            b'w' | b'W' => return self.watch(letter == b'w', value),
            b'k' => return self.key_option(value),
            b'p' => return self.permissions(value),
            _ => return self.equivalent(value),
        }
        Ok(())
    }

    /// The number of -b, -r and --backlog_wait_time.
    fn limit(
        &mut self,
        value: &Word,
        not_number: fn(BString) -> Fault,
        too_large: Fault,
    ) -> Result<u32, Stop> {
        let fault = if !value.text.first().is_some_and(u8::is_ascii_digit) {
            not_number(value.text.clone())
        } else if let Some(number) = number::checked_unsigned(&value.text) {
            // auditctl keeps the low 32 bits
            return Ok(number as u32);
        } else {
            too_large
        };
        self.note(fault, value);
        Err(Progress::Failed)
    }

    fn status(&mut self) -> Result<(), Stop> {
        let count = self.options.count();
        let word = self.current_word();
        if count > 3 {
            return self.fail(Fault::StatusWords, &word);
        }
        let mut interpret = false;
        if self.options.position() == 2 && count == 3 {
            if word.text != "-i" {
                return self.fail(Fault::StatusOption, &word);
            }
            interpret = true;
            self.options.drop_last(1);
        }
        self.request_and(Control::Status { interpret })
    }

    fn list_rules(&mut self) -> Result<(), Stop> {
        let word = self.current_word();
        let (mut key, mut interpret) = (None, false);
        match self.options.count() {
            0..=2 => {}
            3 if word.text == "-i" => {
                interpret = true;
                self.options.drop_last(1);
            }
            4 if word.text == "-k" => {
                key = self.options.word(3).map(|word| word.text.clone());
                self.options.drop_last(2);
            }
            3 | 4 => return self.fail(Fault::ListOption, &word),
            _ => return self.fail(Fault::ListWords, &word),
        }
        self.keys_are_search = true;
        self.request_and(Control::List { key, interpret })
    }

    fn delete_all(&mut self) -> Result<(), Stop> {
        let word = self.current_word();
        let mut key = None;
        match self.options.count() {
            0..=2 => {}
            4 if word.text == "-k" => {
                key = self.options.word(3).map(|word| word.text.clone());
                self.options.drop_last(2);
            }
            4 => return self.fail(Fault::DeleteAllOption, &word),
            _ => return self.fail(Fault::DeleteAllWords, &word),
        }
        self.request_and(Control::DeleteAll(key))
    }

    /// The word that would be read next.
    fn current_word(&self) -> Word {
        let position = self.options.position();
        let none = Word::argument(position, "");
        self.options.word(position).cloned().unwrap_or(none)
    }

    fn append(&mut self, value: &Word) -> Result<(), Stop> {
        if self.state.has_syscalls && value.text.contains_str("task") {
            return self.fail(Fault::AppendTask, value);
        }
        match self.rule_option(value, false) {
            Ok(()) => self.start_rule(),
            Err(Refusal::Second) => self.fail(Fault::SecondAppend, value),
            Err(Refusal::Keyword) => self.fail(Fault::AppendKeyword(value.text.clone()), value),
            Err(Refusal::Possible) => self.drop_line(Fault::AppendPossible, value),
        }
    }

    fn prepend(&mut self, value: &Word) -> Result<(), Stop> {
        if self.state.has_syscalls && value.text.contains_str("task") {
            return self.fail(Fault::PrependTask, value);
        }
        match self.rule_option(value, false) {
            Ok(()) => {
                self.prepend = true;
                self.start_rule()
            }
            Err(Refusal::Second) => self.fail(Fault::SecondRule, value),
            Err(Refusal::Keyword) => self.fail(Fault::PrependKeyword(value.text.clone()), value),
            Err(Refusal::Possible) => self.drop_line(Fault::AppendPossible, value),
        }
    }

    fn delete(&mut self, value: &Word) -> Result<(), Stop> {
        match self.rule_option(value, true) {
            Ok(()) => self.start_rule(),
            Err(Refusal::Second) => self.fail(Fault::SecondRule, value),
            Err(Refusal::Keyword) => self.fail(Fault::DeleteKeyword(value.text.clone()), value),
            Err(Refusal::Possible) => self.drop_line(Fault::DeletePossible, value),
        }
    }

    fn start_rule(&mut self) -> Result<(), Stop> {
        self.progress = Progress::Rule;
        Ok(())
    }

    fn drop_line(&mut self, fault: Fault, value: &Word) -> Result<(), Stop> {
        self.note(fault, value);
        Err(Progress::Dropped)
    }

    /// `list,action` or `action,list`.
    fn rule_option(&mut self, value: &Word, delete: bool) -> Result<(), Refusal> {
        self.rule_options += 1;
        if self.rule_options > 1 {
            return Err(Refusal::Second);
        }
        let mut parts = value.text.split_str(",");
        let (Some(first), Some(second), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Refusal::Keyword);
        };
        if lookup_action(first, &mut self.action) == Err(Refusal::Keyword) {
            let list = self.lookup_list(first).ok_or(Refusal::Keyword)?;
            self.set_list(list, delete);
        }
        let known = if delete { self.delete } else { self.add };
        if known.is_some() {
            return lookup_action(second, &mut self.action);
        }
        let list = self.lookup_list(second).ok_or(Refusal::Keyword)?;
        self.set_list(list, delete);
        self.action.map(|_| ()).ok_or(Refusal::Keyword)
    }

    fn lookup_list(&self, name: &[u8]) -> Option<List> {
        let list = List::from_name(name)?;
        (list != List::IoUring || self.cx.compat == Compat::V4).then_some(list)
    }

    fn set_list(&mut self, list: List, delete: bool) {
        self.state.exclude |= list == List::Exclude;
        let target = if delete {
            &mut self.delete
        } else {
            &mut self.add
        };
        *target = Some(list);
    }

    fn syscalls(&mut self, value: &Word) -> Result<(), Stop> {
        let on = |list| self.add == Some(list) || self.delete == Some(list);
        if on(List::IoUring) {
            return self.uring_ops(value);
        }
        let refusal = if on(List::Task) {
            Some(Fault::SyscallOnTask)
        } else if on(List::User) {
            Some(Fault::SyscallOnUser)
        } else if on(List::Filesystem) {
            Some(Fault::SyscallOnFilesystem)
        } else if self.state.exclude {
            Some(Fault::SyscallOnExclude)
        } else {
            None
        };
        if let Some(fault) = refusal {
            return self.fail(fault, value);
        }
        let arch_was_named = self.state.arch.is_some();
        let arch = *self.state.arch.get_or_insert(self.cx.machine);
        for name in list_items(&value.text) {
            if !add_syscall(&mut self.state.syscalls, arch, name) {
                return self.fail(Fault::Syscall(name.into()), value);
            }
        }
        self.state.has_syscalls = true;
        if !arch_was_named && self.add.is_some() && self.mismatches(arch, &value.text) {
            self.note(Fault::SyscallMismatch(self.line_number), value);
        }
        Ok(())
    }

    /// Whether the same names mean other numbers in the machine's 32-bit programs.
    fn mismatches(&self, arch: Arch, names: &[u8]) -> bool {
        let twin = match arch {
            Arch::X86_64 | Arch::Ppc64 | Arch::S390x => arch.b32().unwrap_or(arch),
            _ => arch,
        };
        let mut mask = Mask::none();
        for name in list_items(names) {
            add_syscall(&mut mask, twin, name);
        }
        mask != self.state.syscalls
    }

    fn uring_ops(&mut self, value: &Word) -> Result<(), Stop> {
        for name in list_items(&value.text) {
            let known = if name == b"all" {
                self.state.syscalls = Mask::all();
                true
            } else {
                let number = tables::uring_op_number(name).or_else(|| leading_number(name));
                number.is_some_and(|number| self.state.syscalls.insert(number))
            };
            if !known {
                return self.fail(Fault::UringOp(name.into()), value);
            }
        }
        self.state.has_syscalls = true;
        self.progress = Progress::Rule;
        Ok(())
    }

    fn field(&mut self, value: &Word) -> Result<(), Stop> {
        let list = self.list();
        // auditctl lets `-F arch=` stand without a list where -t follows it
        let before_trim = value.text.contains_str("arch=") && self.current_word().text == "-t";
        if list.is_none() && !before_trim {
            return self.fail(Fault::FieldBeforeList, value);
        }
        if let Some(key) = value.text.strip_prefix(b"key=") {
            let key = Word {
                text: key.into(),
                column: value.column + 4,
            };
            return self.add_key(&key);
        }
        if let Err(fault) = condition::field(&mut self.state, list, value, self.cx) {
            return self.fail(fault, value);
        }
        Ok(())
    }

    fn message(&mut self, value: &Word) -> Result<(), Stop> {
        if self.options.count() > 3 {
            return self.fail(Fault::MessageWords, value);
        }
        // signed characters: bytes above 127 count as below 32
        if value.text.iter().any(|&byte| !(32..128).contains(&byte)) {
            return self.fail(Fault::MessageCharacter, value);
        }
        self.request_and(Control::Message(value.text.clone()))
    }

    fn watch(&mut self, add: bool, value: &Word) -> Result<(), Stop> {
        if add {
            if self.list().is_some() {
                return self.fail(Fault::WatchWithSyscall, value);
            }
            self.add = Some(List::Exit);
        } else {
            self.delete = Some(List::Exit);
        }
        self.action = Some(Action::Always);
        self.state.has_syscalls = true;
        self.check_path(value)?;
        let mut path = value.text.clone();
        if path.len() > 2 {
            while path.len() > 1 && path.ends_with(b"/") {
                path.pop();
            }
        }
        let field = match self.cx.host.path_kind(&path) {
            PathKind::Directory => Field::Dir,
            PathKind::Other | PathKind::Missing => Field::Path,
        };
        if !self.state.tests.is_empty() {
            return self.fail(Fault::WatchAfterField, value);
        }
        let all = permissions(b"rwxa").expect("the four letters");
        self.state.syscalls = Mask::all();
        self.state.tests = vec![
            Test::text(field, Op::Equal, path),
            Test::number(Field::Perm, Op::Equal, all),
        ];
        self.state.has_perm = true;
        self.progress = Progress::Rule;
        Ok(())
    }

    fn check_path(&mut self, value: &Word) -> Result<(), Stop> {
        let path = &value.text;
        if path.len() >= TEXT_BYTES_MAX {
            return self.fail(Fault::PathLength, value);
        }
        if !path.starts_with(b"/") {
            return self.fail(Fault::PathRelative, value);
        }
        let trimmed = path.trim_end_with(|c| c == '/');
        let base = trimmed.rsplit_str("/").next().unwrap_or_default();
        if base.len() > NAME_BYTES_MAX {
            return self.fail(Fault::BaseNameLength, value);
        }
        if path.contains_str("..") {
            self.note(Fault::PathDots, value);
        }
        if path.find_byteset("*?").is_some() {
            self.note(Fault::PathWildcard, value);
        }
        Ok(())
    }

    fn key_option(&mut self, value: &Word) -> Result<(), Stop> {
        let state = &self.state;
        let has_subject =
            state.has_syscalls || state.has_perm || state.has_exe || state.has_filesystem;
        if !has_subject || self.list().is_none() {
            return self.fail(Fault::KeyAlone, value);
        }
        self.add_key(value)
    }

    fn add_key(&mut self, value: &Word) -> Result<(), Stop> {
        let separator = usize::from(!self.keys.is_empty());
        if value.text.len() + self.keys.len() + separator > KEY_BYTES_MAX {
            return self.fail(Fault::KeyLength, value);
        }
        if value.text.contains(&KEY_SEPARATOR) {
            self.note(Fault::KeyCharacter(value.text.clone()), value);
        }
        if !self.keys.is_empty() {
            self.keys.push(KEY_SEPARATOR);
        }
        self.keys.extend_from_slice(&value.text);
        Ok(())
    }

    fn permissions(&mut self, value: &Word) -> Result<(), Stop> {
        if self.list().is_none() {
            return self.fail(Fault::PermAlone, value);
        }
        if value.text.len() > 4 {
            return self.fail(Fault::PermLength(value.text.clone()), value);
        }
        let perm = match permissions(&value.text) {
            Ok(perm) => perm,
            Err(letter) => return self.fail(Fault::PermLetter(letter), value),
        };
        if self.state.tests.is_empty() {
            return self.fail(Fault::PermFirst, value);
        }
        let count = self.state.tests.len();
        match self
            .state
            .tests
            .iter_mut()
            .find(|test| test.field == Field::Perm)
        {
            Some(test) => test.value = Value::Number(perm),
            None if count >= FIELDS_WRITTEN_MAX => return self.fail(Fault::PermRoom, value),
            None => self
                .state
                .tests
                .push(Test::number(Field::Perm, Op::Equal, perm)),
        }
        self.state.has_perm = true;
        self.progress = Progress::Rule;
        Ok(())
    }

    fn equivalent(&mut self, value: &Word) -> Result<(), Stop> {
        if self.state.has_syscalls {
            return self.fail(Fault::EquivalentWithSyscall, value);
        }
        let mut parts = value.text.split_str(",");
        match (parts.next(), parts.next(), parts.next()) {
            (Some(mount), Some(subtree), None) if !subtree.is_empty() => {
                self.request_and(Control::Equivalent {
                    mount: mount.into(),
                    subtree: subtree.into(),
                })
            }
            _ => self.fail(Fault::EquivalentParts, value),
        }
    }

    /// What is checked once all options are read, and the rule itself.
    fn finish(mut self) -> Line {
        let position = self.options.position();
        if position == 1 {
            self.progress = Progress::Failed;
        } else if position < self.options.count()
            && !matches!(self.progress, Progress::Failed)
            && !self.ends_unread()
        {
            let word = self.current_word();
            self.note(Fault::StrayWord, &word);
            self.progress = Progress::Failed;
        }
        self.place_keys();
        if self.progress == Progress::Report && self.state.has_syscalls {
            self.note(Fault::NoList, &Word::argument(1, ""));
            self.progress = Progress::Failed;
        }
        let named_list = self.list().is_some();
        let end = match self.progress {
            Progress::Report => End::Report,
            Progress::Done => End::Done,
            Progress::Dropped => End::Dropped,
            Progress::Failed => End::Failed,
            Progress::Rule => self.rule(),
        };
        Line {
            items: self.items,
            end,
            named_list,
        }
    }

    /// Whether the line was answered before its end: auditctl leaves at once after these, and
    /// does not look at what follows them.
    fn ends_unread(&self) -> bool {
        let last = self.items.iter().rev().find_map(|item| match item {
            Item::Do(control) => Some(control),
            Item::Note(_) => None,
        });
        self.progress == Progress::Dropped
            || (self.progress == Progress::Done
                && matches!(
                    last,
                    Some(
                        Control::Trim
                            | Control::Equivalent { .. }
                            | Control::Message(_)
                            | Control::LoginuidImmutable
                            | Control::ResetLost
                            | Control::ResetBacklogWaitActual
                    )
                ))
    }

    /// Puts the keys behind the other fields.
    fn place_keys(&mut self) {
        if self.keys.is_empty() || self.keys_are_search || self.ends_unread() {
            return;
        }
        let text = [b"key=", self.keys.as_slice()].concat();
        let word = Word::argument(self.options.count(), text);
        let list = self.list();
        if let Err(fault) = condition::field(&mut self.state, list, &word, self.cx) {
            self.note(fault, &word);
            self.progress = Progress::Failed;
        }
    }

    fn rule(&mut self) -> End {
        let (Some(list), Some(action)) = (self.list(), self.action) else {
            return End::Failed;
        };
        if list != List::Task && !self.state.has_syscalls {
            self.state.syscalls = match self.perm_syscalls() {
                Some(mask) => mask,
                None => Mask::all(),
            };
        }
        let rule = Rule {
            list,
            prepend: self.prepend,
            action,
            syscalls: std::mem::replace(&mut self.state.syscalls, Mask::none()),
            tests: std::mem::take(&mut self.state.tests),
        };
        if self.add.is_some() {
            End::Add(rule)
        } else {
            End::Delete(rule)
        }
    }

    /// The system calls that 4.x chooses for `-F arch= … -F perm=`.
    fn perm_syscalls(&self) -> Option<Mask> {
        if self.cx.compat == Compat::V3 {
            return None;
        }
        let position = |field| self.state.tests.iter().position(|test| test.field == field);
        let (arch_at, perm_at) = (position(Field::Arch)?, position(Field::Perm)?);
        let perm = self.state.tests[perm_at].as_number()?;
        (arch_at < perm_at).then(|| perm::syscalls(self.state.arch?, perm))?
    }
}

/// Why `list,action` was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Second,
    Keyword,
    Possible,
}

fn lookup_action(name: &[u8], action: &mut Option<Action>) -> Result<(), Refusal> {
    *action = Some(match name {
        b"always" => Action::Always,
        b"never" => Action::Never,
        b"possible" => return Err(Refusal::Possible),
        _ => return Err(Refusal::Keyword),
    });
    Ok(())
}

fn one_of_three(text: &[u8]) -> Option<u32> {
    match text {
        b"0" => Some(0),
        b"1" => Some(1),
        b"2" => Some(2),
        _ => None,
    }
}

/// The parts between commas, empty ones left out.
fn list_items(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b',')
        .filter(|part| !part.is_empty())
}

/// Adds a system call by name or number, or all of them.
fn add_syscall(mask: &mut Mask, arch: Arch, name: &[u8]) -> bool {
    if name == b"all" {
        *mask = Mask::all();
        return true;
    }
    tables::syscall_number(arch, name)
        .or_else(|| leading_number(name))
        .is_some_and(|number| mask.insert(number))
}

/// A number that begins with a digit, as C reads it into an `int`; negative ones are none.
fn leading_number(text: &[u8]) -> Option<u32> {
    if !text.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    u32::try_from(number::signed(text) as i32).ok()
}

/// Whether a line has an error among its notes.
#[must_use]
pub fn has_error(line: &Line) -> bool {
    line.notes()
        .any(|note| note.fault.severity() == Severity::Error)
}
