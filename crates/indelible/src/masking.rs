//! Masks in what is shown and exported: `****` in place of the secrets in command lines.
//!
//! What is stored stays as the kernel gave it, and so does the raw form, which is evidence.

use std::borrow::Cow;

use clap::Args;
use indelible_query::mask::{MaskError, Masks};
use serde_json::Value;

/// The options of commands that show command lines.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Secrets in command lines")]
pub(crate) struct Masking {
    /// Show secrets as they are; the raw form always does
    #[arg(long, conflicts_with = "masks")]
    pub(crate) unmasked: bool,
    /// Mask what this regular expression's group `secret` (else its first group, else all of it)
    /// matches, beside the usual ways in which passwords stand in command lines; between arguments
    /// stands a zero byte
    #[arg(long = "mask", value_name = "PATTERN")]
    pub(crate) masks: Vec<String>,
}

impl Masking {
    /// The masks that are asked for.
    ///
    /// # Errors
    /// A pattern that cannot be used.
    pub(crate) fn masks(&self) -> Result<Masks, MaskError> {
        if self.unmasked {
            return Ok(Masks::none());
        }
        let own = Masks::parse(self.masks.iter().map(String::as_str))?;
        Ok(Masks::standard().and(own))
    }
}

/// A context, as JSON, without the secrets in the arguments of its processes.
pub(crate) fn context<'t>(masks: &Masks, text: &'t str) -> Cow<'t, str> {
    if !masks.may_mask(text.as_bytes()) {
        return text.into();
    }
    let Ok(mut context) = serde_json::from_str::<Value>(text) else {
        return text.into();
    };
    let mut any = false;
    if let Some(process) = context.get_mut("process") {
        any |= process_arguments(masks, process);
    }
    let parents = context.get_mut("parents").and_then(Value::as_array_mut);
    for parent in parents.into_iter().flatten() {
        any |= process_arguments(masks, parent);
    }
    if any {
        context.to_string().into()
    } else {
        text.into()
    }
}

/// Masks the arguments of a process; false where they stay as they are.
fn process_arguments(masks: &Masks, process: &mut Value) -> bool {
    let Some(arguments) = process.get_mut("argv").and_then(Value::as_array_mut) else {
        return false;
    };
    let words: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
    let line = words.join("\0");
    let Cow::Owned(masked) = masks.text(line.as_bytes()) else {
        return false;
    };
    let masked = String::from_utf8_lossy(&masked);
    *arguments = masked.split('\0').map(Value::from).collect();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_contexts_are_masked() {
        let masks = Masks::standard();
        let text = r#"{"v":1,"process":{"pid":7,"argv":["x","--password","abc"]},"parents":[{"pid":1,"argv":["sh","-c","y --token=z"]}]}"#;
        let shown = context(&masks, text);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["process"]["argv"][2], "****");
        assert_eq!(shown["parents"][0]["argv"][2], "y --token=****");
        for text in ["{}", "no JSON, token", r#"{"process":{"argv":["monkey"]}}"#] {
            assert_eq!(context(&masks, text), text);
        }
        assert_eq!(context(&Masks::none(), text), text);
    }
}
