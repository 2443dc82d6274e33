//! A syslog message's header: no panic, the text is a part of the message, and what the view says
//! is said again by the message written anew.
#![no_main]

use indelible_wire::syslog::{Form, Message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let message = Message::parse(data);
    assert!(
        message.text.is_empty()
            || data
                .windows(message.text.len())
                .any(|part| part == message.text)
    );
    if message.form == Form::Bare {
        assert!(data.starts_with(message.text));
    }
    if let Some(stamp) = message.stamp {
        let _ = stamp.unix_ns(u64::MAX / 3, -720);
    }
    if let Some(structured) = message.structured {
        assert!(structured.elements().count() > 0);
        for element in structured.elements() {
            assert!(element.parameters().all(|(name, _)| !name.is_empty()));
        }
    }

    let mut written = Vec::new();
    message.push_rfc5424(&mut written);
    let again = Message::parse(&written);
    let mut rewritten = Vec::new();
    again.push_rfc5424(&mut rewritten);
    // A text may begin with a byte order mark of its own, one more of which is dropped each time.
    if !message.text.starts_with(b"\xef\xbb\xbf") {
        assert_eq!(again.form, Form::Rfc5424);
        assert_eq!(again.text, message.text);
        assert_eq!(
            again.structured.map(|data| data.raw().to_vec()),
            message.structured.map(|data| data.raw().to_vec())
        );
        assert_eq!(written, rewritten);
    }
});
