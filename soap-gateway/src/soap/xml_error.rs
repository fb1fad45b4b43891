//! What is wrong with markup.

use std::borrow::Cow;

use quick_xml::errors::{Error, IllFormedError, SyntaxError};

use super::invalid_message::short;

/// An error of quick-xml as a sentence for an admin. Its own words may repeat
/// the message's content.
pub(super) fn sentence(error: &Error) -> Cow<'static, str> {
    let sentence = match error {
        Error::Syntax(error) => match error {
            SyntaxError::UnclosedPI | SyntaxError::UnclosedXmlDecl => {
                "A processing instruction is not closed by `?>`."
            }
            SyntaxError::UnclosedComment => "A comment is not closed by `-->`.",
            SyntaxError::UnclosedCData => "A CDATA section is not closed by `]]>`.",
            SyntaxError::UnclosedTag => "A tag is not closed by `>`.",
            SyntaxError::UnclosedSingleQuotedAttributeValue
            | SyntaxError::UnclosedDoubleQuotedAttributeValue => {
                "A tag or the quote of an attribute's value in it is not closed."
            }
            SyntaxError::InvalidBangMarkup | SyntaxError::UnclosedDoctype => {
                "`<!` begins neither a comment nor a CDATA section."
            }
        },
        Error::IllFormed(IllFormedError::UnclosedReference) => {
            "A reference is not closed by `;`; write `&` itself as `&amp;`."
        }
        _ => "The message is not well-formed XML.",
    };
    sentence.into()
}

/// That an end tag does not end the innermost element, which is called
/// `expected`.
pub(super) fn wrong_end(expected: Option<&str>) -> Cow<'static, str> {
    match expected {
        Some(expected) => {
            let expected = short(expected);
            format!("The end tag does not fit; `</{expected}>` is expected.").into()
        }
        None => "An end tag closes nothing that is open.".into(),
    }
}
