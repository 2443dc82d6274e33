//! Carries a plan out, all or nothing: what the kernel refuses takes everything back.
//!
//! The caller writes the journal before it and removes it after it ([`crate::journal`]), and
//! holds the audit socket behind [`Kernel`].

use crate::errno::Errno;
use crate::plan::{Plan, Step};

/// Whatever holds the rules.
pub trait Kernel {
    /// Adds or deletes a rule.
    ///
    /// # Errors
    /// The kernel's answer.
    fn carry_out(&mut self, step: &Step) -> Result<(), Errno>;
}

/// A step that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its position in the plan.
    pub step: usize,
    /// The position of its rule in the wanted set, where it was to add one: leads to the line.
    pub wanted_at: Option<usize>,
    /// What the kernel answered.
    pub errno: Errno,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Every step was carried out.
    Done,
    /// One step was refused, and everything is as it was.
    Restored(Refused),
    /// One step was refused, and so were these on the way back. The journal must stay: the next
    /// load starts from it.
    Stuck {
        /// What was refused first.
        refused: Refused,
        /// The steps of the way back that were refused too.
        lost: Vec<(Step, Errno)>,
    },
}

/// Carries a plan out. A refusal takes back what was done, in reverse, as far as the kernel lets
/// it: a step back that is refused does not stop those behind it.
pub fn apply(plan: &Plan, kernel: &mut dyn Kernel) -> Applied {
    for (at, step) in plan.steps.iter().enumerate() {
        let Err(errno) = kernel.carry_out(step) else {
            continue;
        };
        let wanted_at = plan.wanted_at.get(at).copied().flatten();
        let refused = Refused {
            step: at,
            wanted_at,
            errno,
        };
        let lost: Vec<_> = plan
            .undo(at)
            .into_iter()
            .filter_map(|step| kernel.carry_out(&step).err().map(|errno| (step, errno)))
            .collect();
        return if lost.is_empty() {
            Applied::Restored(refused)
        } else {
            Applied::Stuck { refused, lost }
        };
    }
    Applied::Done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Field;
    use crate::list::{Action, List};
    use crate::op::Op;
    use crate::plan::plan_load;
    use crate::rule::{Rule, Test};

    /// A kernel that refuses one rule, and from some step on everything.
    struct Fake {
        rules: Vec<Rule>,
        refuses: Option<Rule>,
        steps_left: usize,
    }

    impl Kernel for Fake {
        fn carry_out(&mut self, step: &Step) -> Result<(), Errno> {
            self.steps_left = self.steps_left.checked_sub(1).ok_or(Errno::PERM)?;
            match step {
                Step::Add(rule) if self.refuses.as_ref() == Some(rule) => Err(Errno::INVAL),
                Step::Add(rule) if self.rules.contains(rule) => Err(Errno::EXIST),
                Step::Add(rule) => {
                    self.rules.push(rule.clone());
                    Ok(())
                }
                Step::Delete(rule) => {
                    let at = self.rules.iter().position(|have| have == rule);
                    self.rules.remove(at.ok_or(Errno::NOENT)?);
                    Ok(())
                }
            }
        }
    }

    fn set(numbers: std::ops::Range<u32>) -> Vec<Rule> {
        numbers
            .map(|number| {
                let mut rule = Rule::new(List::Exit, Action::Always);
                rule.tests.push(Test::number(Field::Uid, Op::Equal, number));
                rule
            })
            .collect()
    }

    #[test]
    fn a_thousand_rules_that_fail_at_seven_hundred_change_nothing() {
        let (before, wanted) = (set(2000..2100), set(0..1000));
        let plan = plan_load(&before, &wanted).unwrap();
        let refuses = Some(wanted[700].clone());
        let mut kernel = Fake {
            rules: before.clone(),
            refuses,
            steps_left: usize::MAX,
        };
        let expect = Refused {
            step: 800,
            wanted_at: Some(700),
            errno: Errno::INVAL,
        };
        assert_eq!(apply(&plan, &mut kernel), Applied::Restored(expect));
        assert_eq!(kernel.rules, before);

        kernel.refuses = None;
        assert_eq!(apply(&plan, &mut kernel), Applied::Done);
        assert_eq!(kernel.rules, wanted);
    }

    #[test]
    fn a_way_back_that_is_refused_is_told() {
        let (before, wanted) = (set(10..12), set(0..3));
        let plan = plan_load(&before, &wanted).unwrap();
        let refuses = Some(wanted[1].clone());
        let mut kernel = Fake {
            rules: before.clone(),
            refuses,
            steps_left: 5,
        };
        let Applied::Stuck { refused, lost } = apply(&plan, &mut kernel) else {
            panic!("the kernel refuses everything");
        };
        assert_eq!((refused.wanted_at, lost.len()), (Some(1), 2));
        // the next load starts from what it finds, and the journal says where to
        kernel.steps_left = usize::MAX;
        let plan = plan_load(&kernel.rules, &before).unwrap();
        assert_eq!(apply(&plan, &mut kernel), Applied::Done);
        assert_eq!(kernel.rules, before);
    }
}
