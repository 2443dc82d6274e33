//! An event of records that somebody else has found to belong together.

use crate::assemble::open::Open;
use crate::event::{Event, Missing};
use crate::record::Record;

impl Event {
    /// Makes this the event of records that are known to belong together, in place of what it was:
    /// for scanners that find an event's lines by themselves. What is missing is written on it as an
    /// [`crate::Assembler`] would; `ends_events` says whether the node writes PROCTITLE or EOE
    /// records.
    ///
    /// Takes records until the event is full ([`crate::limits::EVENT_RECORDS_MAX`],
    /// [`crate::limits::EVENT_BYTES_MAX`]), which marks it as evicted; the rest is a fragment of its
    /// own.
    pub fn gather<'a>(
        &mut self,
        records: &mut impl Iterator<Item = Record<'a>>,
        ends_events: bool,
    ) {
        let event = std::mem::take(self);
        let Some(first) = records.next() else {
            *self = Open::again(event, None).take(false, false);
            return;
        };
        let mut open = Open::again(event, first.stamp());
        open.add(&first, 0);
        while !open.is_full()
            && let Some(record) = records.next()
        {
            open.add(&record, 0);
        }
        let evicted = open.is_full();
        *self = open.take(ends_events, evicted);
        if first.stamp().is_none() {
            self.missing.push(Missing::Stamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::{Assembler, Settings};
    use crate::limits;

    #[test]
    fn gathered_as_assembled() {
        let lines = [
            "type=SYSCALL msg=audit(1.002:3): items=2",
            "type=PATH msg=audit(1.002:3): item=0",
            "type=EOE msg=audit(1.002:3): ",
        ];
        let mut assembler = Assembler::new(Settings::FILE);
        let mut gathered = Event::default();
        for count in [3, 1, 2] {
            let records = || lines[..count].iter().map(|l| Record::parse(l.as_bytes()));
            records().for_each(|record| assert_eq!(assembler.push(0, &record).count(), 0));
            let assembled = assembler.finish().next().expect("an event");
            gathered.gather(&mut records(), true);
            assert_eq!(gathered.missing(), assembled.missing(), "{count}");
            assert_eq!(gathered.stamp(), assembled.stamp());
            let raw = |event: &Event| -> Vec<Vec<u8>> {
                event
                    .records()
                    .map(|record| record.raw().to_vec())
                    .collect()
            };
            assert_eq!(raw(&gathered), raw(&assembled));
        }
        gathered.gather(&mut std::iter::empty(), true);
        assert_eq!((gathered.records().len(), gathered.stamp()), (0, None));
        let mut records = std::iter::repeat_n(
            Record::parse(lines[1].as_bytes()),
            limits::EVENT_RECORDS_MAX + 1,
        );
        gathered.gather(&mut records, false);
        assert!(gathered.missing().contains(&Missing::Evicted));
        assert_eq!(records.count(), 1);
    }
}
