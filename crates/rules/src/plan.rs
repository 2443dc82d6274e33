//! Loading a set of rules: what to delete and what to add, and how to get back.
//!
//! The kernel tries rules in the order of their list, and only appends or prepends; so a set is
//! replaced by keeping the longest common prefix of what is loaded and what is wanted, deleting
//! the rest and adding the rest. Each step has its undo, and what the plan starts from and leads
//! to is written down before the first step ([`crate::journal`]): a load that is cut short is
//! finished or undone by the next one.
//!
//! The caller carries the steps out, because it holds the audit socket.

use std::collections::{HashMap, HashSet};

use crate::list::List;
use crate::rule::Rule;

/// A message to the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Delete this rule.
    Delete(Rule),
    /// Add this rule at the end of its list.
    Add(Rule),
}

impl Step {
    /// The step that takes it back. A deleted rule comes back at the end of its list, so steps
    /// must be undone in reverse and all of them: only then do the rules stand in order again.
    #[must_use]
    pub fn undo(&self) -> Self {
        match self {
            Self::Delete(rule) => Self::Add(rule.clone()),
            Self::Add(rule) => Self::Delete(rule.clone()),
        }
    }
}

/// How to get from one set of rules to another.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Plan {
    /// Rules that stay as they are.
    pub kept: usize,
    /// What to do, in this order.
    pub steps: Vec<Step>,
    /// For each step that adds, the position of its rule in the wanted set: names the line that
    /// the kernel refused.
    pub wanted_at: Vec<Option<usize>>,
}

/// Why a set cannot be loaded as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The kernel holds each rule once.
    #[error("rule {second} of the set is the same as rule {first}")]
    Duplicate {
        /// Position of the first, from 0.
        first: usize,
        /// Position of the second.
        second: usize,
    },
}

/// The order in which a set of rules ends up in the kernel, list by list, as it will list them:
/// rules that are prepended move to the head of their list.
fn in_kernel_order(wanted: &[Rule]) -> HashMap<List, Vec<(usize, Rule)>> {
    let mut lists: HashMap<List, Vec<(usize, Rule)>> = HashMap::new();
    for (at, rule) in wanted.iter().enumerate() {
        let list = lists.entry(rule.list).or_default();
        let listed = (at, rule.as_listed());
        if rule.prepend {
            list.insert(0, listed);
        } else {
            list.push(listed);
        }
    }
    lists
}

/// Plans the way from the loaded rules, as the kernel lists them, to the wanted ones.
///
/// The steps delete from the end towards the kept prefix and then add in order, so that undoing
/// them in reverse restores the order that was.
///
/// # Errors
/// Where the wanted set holds a rule twice: the kernel would refuse the second.
pub fn plan_load(loaded: &[Rule], wanted: &[Rule]) -> Result<Plan, PlanError> {
    let mut seen: HashMap<Rule, usize> = HashMap::new();
    for (second, rule) in wanted.iter().enumerate() {
        if let Some(first) = seen.insert(rule.as_listed(), second) {
            return Err(PlanError::Duplicate { first, second });
        }
    }
    let wanted = in_kernel_order(wanted);
    let loaded = in_kernel_order(loaded);
    let mut lists: Vec<List> = loaded.keys().chain(wanted.keys()).copied().collect();
    lists.sort_by_key(|list| list.number());
    lists.dedup();
    let mut plan = Plan::default();
    let (mut deletes, mut adds) = (Vec::new(), Vec::new());
    for list in lists {
        let have = loaded.get(&list).map_or(&[][..], Vec::as_slice);
        let want = wanted.get(&list).map_or(&[][..], Vec::as_slice);
        let kept = have
            .iter()
            .zip(want)
            .take_while(|(a, b)| a.1 == b.1)
            .count();
        plan.kept += kept;
        deletes.extend(have[kept..].iter().rev().map(|(_, rule)| rule.clone()));
        adds.extend_from_slice(&want[kept..]);
    }
    for rule in deletes {
        plan.steps.push(Step::Delete(rule));
        plan.wanted_at.push(None);
    }
    for (at, rule) in adds {
        plan.steps.push(Step::Add(rule));
        plan.wanted_at.push(Some(at));
    }
    Ok(plan)
}

impl Plan {
    /// Whether nothing needs doing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps that take back the first `done` steps.
    #[must_use]
    pub fn undo(&self, done: usize) -> Vec<Step> {
        self.steps.iter().take(done).rev().map(Step::undo).collect()
    }
}

/// What separates the loaded rules from the wanted ones.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Difference {
    /// Loaded, but not wanted: positions in the loaded set.
    pub extra: Vec<usize>,
    /// Wanted, but not loaded: positions in the wanted set.
    pub missing: Vec<usize>,
    /// In both, but in another order.
    pub reordered: bool,
}

impl Difference {
    /// Whether both sets are the same, order included.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.extra.is_empty() && self.missing.is_empty() && !self.reordered
    }
}

/// Compares the loaded rules with the wanted ones.
#[must_use]
pub fn diff(loaded: &[Rule], wanted: &[Rule]) -> Difference {
    let have: Vec<Rule> = loaded.iter().map(Rule::as_listed).collect();
    let want: Vec<Rule> = wanted.iter().map(Rule::as_listed).collect();
    let have_set: HashSet<&Rule> = have.iter().collect();
    let want_set: HashSet<&Rule> = want.iter().collect();
    let positions = |rules: &[Rule], other: &HashSet<&Rule>| {
        (0..rules.len())
            .filter(|&at| !other.contains(&rules[at]))
            .collect()
    };
    Difference {
        extra: positions(&have, &want_set),
        missing: positions(&want, &have_set),
        reordered: common(loaded, &want_set) != common(wanted, &have_set),
    }
}

/// The rules of a set that stand in another too, list by list in the kernel's order.
fn common(rules: &[Rule], other: &HashSet<&Rule>) -> Vec<(u32, Vec<Rule>)> {
    let mut lists: Vec<_> = in_kernel_order(rules)
        .into_iter()
        .map(|(list, rules)| {
            let both = rules
                .into_iter()
                .map(|row| row.1)
                .filter(|rule| other.contains(rule));
            (list.number(), both.collect::<Vec<_>>())
        })
        .filter(|(_, rules)| !rules.is_empty())
        .collect();
    lists.sort_by_key(|row| row.0);
    lists
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Field;
    use crate::list::Action;
    use crate::op::Op;
    use crate::rule::Test;
    use proptest::prelude::*;

    /// A rule that differs from others by a number.
    fn rule(list: List, number: u32) -> Rule {
        let mut rule = Rule::new(list, Action::Always);
        rule.tests.push(Test::number(Field::Uid, Op::Equal, number));
        rule
    }

    fn set(numbers: &[u32]) -> Vec<Rule> {
        numbers
            .iter()
            .map(|&number| rule(List::Exit, number))
            .collect()
    }

    /// A kernel's rule lists.
    fn carry_out(rules: &mut Vec<Rule>, step: &Step) {
        match step {
            Step::Add(rule) => {
                assert!(
                    !rules.contains(rule),
                    "the kernel refuses a second {rule:?}"
                );
                rules.push(rule.clone());
            }
            Step::Delete(rule) => {
                let at = rules.iter().position(|have| have == rule);
                rules.remove(at.expect("only loaded rules are deleted"));
            }
        }
    }

    fn by_list(rules: &[Rule]) -> Vec<Rule> {
        let mut rules = rules.to_vec();
        rules.sort_by_key(|rule| rule.list.number());
        rules
    }

    #[test]
    fn the_common_prefix_stays() {
        let plan = plan_load(&set(&[1, 2, 3]), &set(&[1, 2, 4])).unwrap();
        assert_eq!(plan.kept, 2);
        let expect = [
            Step::Delete(rule(List::Exit, 3)),
            Step::Add(rule(List::Exit, 4)),
        ];
        assert_eq!(plan.steps, expect);
        assert_eq!(plan.wanted_at, [None, Some(2)]);
        assert!(plan_load(&set(&[1, 2]), &set(&[1, 2])).unwrap().is_empty());
    }

    #[test]
    fn a_rule_twice_is_refused_before_the_kernel_sees_it() {
        let error = plan_load(&[], &set(&[1, 2, 1])).unwrap_err();
        assert_eq!(
            error,
            PlanError::Duplicate {
                first: 0,
                second: 2
            }
        );
    }

    #[test]
    fn rules_for_the_head_of_a_list_go_there() {
        let mut wanted = set(&[1, 2, 3]);
        wanted[1].prepend = true;
        let plan = plan_load(&[], &wanted).unwrap();
        assert_eq!(plan.wanted_at, [Some(1), Some(0), Some(2)]);
    }

    #[test]
    fn differences() {
        assert!(diff(&set(&[1, 2]), &set(&[1, 2])).is_empty());
        let found = diff(&set(&[1, 2]), &set(&[2, 3]));
        assert_eq!(
            (found.extra, found.missing, found.reordered),
            (vec![0], vec![1], false)
        );
        assert!(diff(&set(&[1, 2]), &set(&[2, 1])).reordered);
    }

    proptest! {
        /// Carrying a plan out reaches the wanted set; undoing it from any point restores what
        /// was loaded, order included.
        #[test]
        fn plans_reach_their_end_and_lead_back(
            loaded in proptest::collection::vec((0..3_u32, 0..12_u32), 0..12),
            wanted in proptest::collection::vec((0..3_u32, 0..12_u32, any::<bool>()), 0..12),
            cut in 0..24_usize,
        ) {
            let list = |at: u32| [List::Exit, List::Exclude, List::User][at as usize];
            let mut before: Vec<Rule> = Vec::new();
            for (at, number) in loaded {
                let rule = rule(list(at), number);
                if !before.contains(&rule) {
                    before.push(rule);
                }
            }
            let mut target: Vec<Rule> = Vec::new();
            for (at, number, prepend) in wanted {
                let mut rule = rule(list(at), number);
                if !target.iter().any(|have| have.as_listed() == rule) {
                    rule.prepend = prepend;
                    target.push(rule);
                }
            }
            let plan = plan_load(&before, &target).unwrap();
            let mut kernel = before.clone();
            for step in &plan.steps {
                carry_out(&mut kernel, step);
            }
            prop_assert!(diff(&kernel, &target).is_empty());
            prop_assert!(plan_load(&kernel, &target).unwrap().is_empty());

            let cut = cut.min(plan.steps.len());
            let mut kernel = before.clone();
            for step in &plan.steps[..cut] {
                carry_out(&mut kernel, step);
            }
            // a load that was killed here: the next one plans from what it finds
            let mut found = kernel.clone();
            for step in &plan_load(&found.clone(), &target).unwrap().steps {
                carry_out(&mut found, step);
            }
            prop_assert!(diff(&found, &target).is_empty());
            for step in plan.undo(cut) {
                carry_out(&mut kernel, &step);
            }
            prop_assert_eq!(by_list(&kernel), by_list(&before));
        }
    }
}
