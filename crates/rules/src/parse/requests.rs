//! Options that ask for something other than a rule.

use bstr::{BString, ByteSlice};

use super::reader::{Progress, Reader, Stop};
use crate::control::Control;
use crate::fault::Fault;
use crate::number;
use crate::words::Word;

impl Reader<'_> {
    /// The number of -b, -r and --backlog_wait_time.
    pub(super) fn limit(
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

    pub(super) fn status(&mut self) -> Result<(), Stop> {
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

    pub(super) fn list_rules(&mut self) -> Result<(), Stop> {
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

    pub(super) fn delete_all(&mut self) -> Result<(), Stop> {
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

    pub(super) fn message(&mut self, value: &Word) -> Result<(), Stop> {
        if self.options.count() > 3 {
            return self.fail(Fault::MessageWords, value);
        }
        // signed characters: bytes above 127 count as below 32
        if value.text.iter().any(|&byte| !(32..128).contains(&byte)) {
            return self.fail(Fault::MessageCharacter, value);
        }
        self.request_and(Control::Message(value.text.clone()))
    }

    pub(super) fn equivalent(&mut self, value: &Word) -> Result<(), Stop> {
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
}
