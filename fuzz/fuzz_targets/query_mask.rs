//! Masks over any line: no panic, a record keeps its type, stamp and names of fields, and what was
//! masked without one secret in another stays as it is.
#![no_main]

use indelible_query::mask::Masks;
use indelible_record::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let masks = Masks::parse(["--password[\\x00 =]([a-z]+)"]).expect("a pattern");
    let shown = masks.record(line);
    let (before, after) = (Record::parse(line), Record::parse(&shown));
    assert_eq!(before.record_type(), after.record_type());
    assert_eq!(before.stamp(), after.stamp());
    let names = |record: &Record<'_>| -> Vec<Vec<u8>> {
        record.fields().map(|field| field.name.to_vec()).collect()
    };
    assert_eq!(names(&before), names(&after));
    assert_eq!(masks.record(&shown), shown);
    let _ = Masks::standard().text(line);
});
