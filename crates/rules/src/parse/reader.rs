//! The machine that is fed one option at a time, and what it checks when none is left.

use super::{Compat, Context, End, Item, Line, Note};
use crate::arch::Arch;
use crate::condition;
use crate::control::{Control, Signal};
use crate::fault::Fault;
use crate::list::{Action, List};
use crate::mask::Mask;
use crate::options::{Flag, Options};
use crate::rule::Test;
use crate::words::Word;

/// What the options so far amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Settings at most; at the end the kernel's status is due.
    Report,
    /// A rule is being built.
    Rule,
    /// A request was made that leaves nothing to do at the end.
    Done,
    /// The line is left out on purpose.
    Dropped,
    /// The line is wrong.
    Failed,
}

/// What an option that ends the reading makes of the line.
pub(super) type Stop = Progress;

pub(super) struct Reader<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) options: Options,
    pub(super) line_number: Option<usize>,
    pub(super) items: Vec<Item>,
    pub(super) progress: Progress,
    /// The lists of -a, -A or -w, and of -d or -W.
    pub(super) add: Option<List>,
    pub(super) delete: Option<List>,
    pub(super) action: Option<Action>,
    pub(super) prepend: bool,
    /// How many of -a, -A and -d were given.
    pub(super) rule_options: usize,
    pub(super) state: RuleText,
    pub(super) keys: Vec<u8>,
    pub(super) keys_are_search: bool,
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
    pub(super) exclude: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(words: Vec<Word>, line_number: Option<usize>, cx: &'a Context<'a>) -> Self {
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
    pub(super) fn list(&self) -> Option<List> {
        self.add.or(self.delete)
    }

    pub(super) fn note(&mut self, fault: Fault, word: &Word) {
        let (token, column) = (word.text.clone(), word.column);
        self.items.push(Item::Note(Note {
            fault,
            token,
            column,
        }));
    }

    pub(super) fn fail(&mut self, fault: Fault, word: &Word) -> Result<(), Stop> {
        self.note(fault, word);
        Err(Progress::Failed)
    }

    pub(super) fn request(&mut self, control: Control) {
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
    pub(super) fn request_and(&mut self, control: Control) -> Result<(), Stop> {
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

    /// The word that would be read next.
    pub(super) fn current_word(&self) -> Word {
        let position = self.options.position();
        let none = Word::argument(position, "");
        self.options.word(position).cloned().unwrap_or(none)
    }

    /// Reads all options.
    pub(super) fn line(mut self) -> Line {
        self.read();
        self.finish()
    }
}

fn one_of_three(text: &[u8]) -> Option<u32> {
    match text {
        b"0" => Some(0),
        b"1" => Some(1),
        b"2" => Some(2),
        _ => None,
    }
}
