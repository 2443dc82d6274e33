//! What must hold for any input: text and bytes lead back to the same rule, and nothing panics.
//! proptest prints the seed of a failure and keeps it beside this file.

use bstr::ByteSlice;
use indelible_rules::lint::{self, Surroundings, fix};
use indelible_rules::rule::permissions;
use indelible_rules::text::{Dialect, Listing};
use indelible_rules::{
    Action, Arch, Compat, Context, Field, Host, List, Mask, NoHost, Op, PathKind, Rule, Test,
    compare, file, journal, kernel, merge, tables, text,
};
use proptest::collection::vec;
use proptest::prelude::*;

const NATIVE: Listing<'_> = Listing {
    dialect: Dialect::Native,
    machine: Arch::X86_64,
    interpret: None,
};

/// Directories end in `d`, so that a watch reads back with the field it was printed from.
struct Paths;

impl Host for Paths {
    fn user(&self, name: &[u8]) -> Option<u32> {
        NoHost.user(name)
    }

    fn group(&self, name: &[u8]) -> Option<u32> {
        NoHost.group(name)
    }

    fn path_kind(&self, path: &[u8]) -> PathKind {
        if path.ends_with(b"d") {
            PathKind::Directory
        } else {
            PathKind::Other
        }
    }
}

/// A condition that text can express on the exit list.
fn condition() -> impl Strategy<Value = Test> {
    let equality = prop_oneof![Just(Op::Equal), Just(Op::NotEqual)];
    let any_op = proptest::sample::select(Op::SEARCH_ORDER.to_vec());
    let ids = proptest::sample::select(vec![Field::Uid, Field::Auid, Field::Gid, Field::ObjGid]);
    let plain =
        proptest::sample::select(vec![Field::Pid, Field::Ppid, Field::Success, Field::Pers]);
    let labels = proptest::sample::select(vec![Field::SubjType, Field::ObjUser, Field::Exe]);
    prop_oneof![
        (ids, any_op.clone(), any::<u32>()).prop_map(|(f, op, n)| Test::number(f, op, n)),
        (plain, any_op.clone(), 0..i32::MAX as u32).prop_map(|(f, op, n)| Test::number(f, op, n)),
        (any_op.clone(), any::<u32>()).prop_map(|(op, n)| Test::number(Field::A1, op, n)),
        (any_op, any::<i32>()).prop_map(|(op, n)| Test::number(Field::Exit, op, n as u32)),
        (equality.clone(), any::<u32>()).prop_map(|(op, n)| Test::number(Field::Inode, op, n)),
        (equality.clone(), 1..26_u32).prop_map(|(op, n)| Test::number(Field::Compare, op, n)),
        (equality.clone(), 0..7_usize)
            .prop_map(|(op, at)| { Test::number(Field::FileType, op, tables::FILE_TYPES[at].0) }),
        (labels, equality.clone(), "[a-z/][a-z ]{0,8}").prop_map(|(f, op, s)| Test::text(f, op, s)),
        (equality, r"/[a-z \\]{1,9}").prop_map(|(op, s)| Test::text(Field::Path, op, s)),
    ]
}

/// A rule that text can express.
fn rule() -> impl Strategy<Value = Rule> {
    let arch = prop_oneof![
        Just(None),
        Just(Some(Arch::X86_64)),
        Just(Some(Arch::I386)),
        Just(Some(Arch::Aarch64)),
    ];
    let calls = prop_oneof![
        Just(Mask::all()),
        vec(0..2048_u32, 1..6).prop_map(Mask::from_iter)
    ];
    let key = prop_oneof![Just(None), "[a-z]{1,9}".prop_map(Some)];
    (
        any::<bool>(),
        any::<bool>(),
        arch,
        calls,
        vec(condition(), 0..4),
        key,
    )
        .prop_map(|(prepend, never, arch, calls, tests, key)| {
            let action = if never { Action::Never } else { Action::Always };
            let mut rule = Rule::new(List::Exit, action);
            rule.prepend = prepend;
            rule.syscalls = calls;
            rule.tests
                .extend(arch.map(|arch| Test::number(Field::Arch, Op::Equal, arch.elf())));
            rule.tests.extend(tests);
            rule.tests
                .extend(key.map(|key| Test::text(Field::Key, Op::Equal, key)));
            rule
        })
}

fn watch() -> impl Strategy<Value = Rule> {
    (r"/[a-z \\]{1,9}", 1..16_u32, "[a-z]{1,9}").prop_map(|(path, perm, key)| {
        let mut rule = Rule::new(List::Exit, Action::Always);
        rule.syscalls = Mask::all();
        let field = if path.ends_with('d') {
            Field::Dir
        } else {
            Field::Path
        };
        rule.tests = vec![
            Test::text(field, Op::Equal, path),
            Test::number(Field::Perm, Op::Equal, perm),
            Test::text(Field::Key, Op::Equal, key),
        ];
        rule
    })
}

proptest! {
    #[test]
    fn printed_rules_read_back(rule in prop_oneof![rule(), watch()]) {
        let line = text::line(&rule, &NATIVE);
        for compat in [Compat::V3, Compat::V4] {
            let cx = Context { compat, ..Context::new(Arch::X86_64, &Paths) };
            let entries = file::read("", &line, &cx);
            prop_assert_eq!(entries.len(), 1);
            prop_assert_eq!(entries[0].rule(), Some(&rule), "{} {:?}", line.as_bstr(), entries);
        }
        let bytes = kernel::encode(&rule).unwrap();
        prop_assert_eq!(kernel::decode(&bytes), Ok(rule));
    }

    #[test]
    fn any_file_is_read_linted_and_mended(content in vec(any::<u8>(), 0..400)) {
        read_anything(&content)?;
    }

    #[test]
    fn any_words_are_read(words in vec(word(), 0..12)) {
        read_anything(words.join(" ").as_bytes())?;
    }

    #[test]
    fn any_bytes_are_decoded(bytes in vec(any::<u8>(), 0..1200), fields in 0..66_u32) {
        let mut bytes = bytes;
        if let Some(count) = bytes.get_mut(8..12) {
            count.copy_from_slice(&fields.to_ne_bytes());
        }
        if let Ok(rule) = kernel::decode(&bytes) {
            let again = kernel::encode(&rule).unwrap();
            prop_assert_eq!(kernel::decode(&again), Ok(rule));
        }
        let _ = journal::Journal::decode(&bytes);
    }

    #[test]
    fn names_have_one_order(mut names in vec("[a1.~-]{0,6}", 3)) {
        names.sort_by(|a, b| merge::natural_order(a, b));
        prop_assert!(merge::natural_order(&names[0], &names[2]).is_le());
        prop_assert!(merge::natural_order(&names[2], &names[0]).is_ge());
    }
}

/// Words that rules are made of, and some that they are not.
fn word() -> impl Strategy<Value = String> {
    let words = "-a -A -d -D -w -W -p -k -S -F -C -e -f -b -r -l -s -m -R -i -c -q -t -v -h -- - \
                 --signal --backlog_wait_time --reset-lost --loginuid-immutable always,exit \
                 never,task exit,always always,exclude always,filesystem always,io_uring open \
                 open,close all 2047 99999999999999999999 arch=b64 arch=b32 arch!=b64 auid>=1000 \
                 auid!=unset uid!=euid path=/etc dir=/ exe=/x key=k perm=wa perm= exit=-EPERM a0&7 \
                 msgtype=CWD fstype=tracefs /etc /etc/../x* wa rwxa x,y # \u{1} =";
    prop_oneof![
        9 => proptest::sample::select(words.split_whitespace().collect::<Vec<_>>())
            .prop_map(str::to_owned),
        1 => "[ -~]{0,6}",
    ]
}

fn read_anything(content: &[u8]) -> Result<(), TestCaseError> {
    for compat in [Compat::V3, Compat::V4] {
        let cx = Context {
            compat,
            ..Context::new(Arch::X86_64, &NoHost)
        };
        let around = Surroundings {
            cx: &cx,
            mounts: &[],
            complete: true,
            check_paths: true,
        };
        let entries = file::read("f", content, &cx);
        for entry in &entries {
            let failed = entry.line.end == indelible_rules::End::Failed;
            let asked_for_help = entry
                .line
                .controls()
                .any(|c| *c == indelible_rules::Control::Help);
            prop_assert!(!failed || asked_for_help || entry.diagnostics().count() > 0);
            if let Some(rule) = entry.rule() {
                let bytes = kernel::encode(rule).unwrap();
                prop_assert_eq!(kernel::decode(&bytes), Ok(rule.clone()));
            }
        }
        let _ = lint::lint(&entries, &around);
        let fixed = fix::fix("f", content, &around);
        prop_assert!(fixed.content.len() <= content.len() * 64 + 65536);
    }
    Ok(())
}

/// Every comparison that the kernel knows has a text that reads back.
#[test]
fn comparisons_lead_back() {
    for code in 1..=25 {
        let (left, right) = compare::pair(code).unwrap();
        assert_eq!(compare::code(left, right), Some(code));
        assert_eq!(compare::code(right, left), Some(code));
    }
    assert_eq!(permissions(b"rwxa"), Ok(15));
}
