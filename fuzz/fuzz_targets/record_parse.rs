//! Any bytes as a line and as a kernel message: tokens are in order and inside of the record, the
//! fast stamp agrees, and the record's line reads back to the same fields.
#![no_main]

use indelible_record::{Part, Record, Token, stamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check(&Record::parse(bytes));
    assert_eq!(stamp(bytes), Record::parse(bytes).stamp());
    let number = u16::from(bytes.first().copied().unwrap_or_default()) + 1300;
    check(&Record::from_kernel(number, bytes));
});

fn check(record: &Record<'_>) {
    let mut at = record.body_offset();
    for token in record.tokens() {
        let (start, end) = match token {
            Token::Text { start, end } => (start, end),
            Token::Field(field) => (field.start, field.end),
        };
        assert!(at <= start && start <= end && end <= record.raw().len());
        at = end;
    }
    for part in record.not_understood() {
        assert!(part.span.start <= part.span.end && part.span.end <= record.raw().len());
    }
    // A line that we write of the record reads back to the same fields.
    if let Some(stamp) = record.stamp() {
        let mut line = format!(
            "type={} msg=audit({}.{:03}:{}): ",
            record.record_type(),
            stamp.sec,
            stamp.milli,
            stamp.serial
        )
        .into_bytes();
        line.extend_from_slice(record.body());
        let again = Record::parse(&line);
        assert_eq!(again.stamp(), Some(stamp));
        assert_eq!(again.record_type(), record.record_type());
        // A body that ends in line or separator bytes loses them to the frame.
        if again.body() == record.body() {
            let body = |record: &Record<'_>| -> Vec<(Vec<u8>, Vec<u8>)> {
                record
                    .fields()
                    .filter(|field| field.part != Part::Enriched)
                    .map(|field| (field.name.to_vec(), field.value.to_vec()))
                    .collect()
            };
            assert_eq!(body(&again), body(record));
        }
    }
}
