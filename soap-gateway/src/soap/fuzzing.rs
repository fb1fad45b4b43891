//! Rules of the tokens, for any text.

#![expect(
    clippy::missing_panics_doc,
    reason = "to panic is how each of these says that its rule is broken"
)]

use super::limits::Limits;
use super::reader::read;
use super::tokens::{Token, Tokens};

/// Elements that begin also end, no token costs nothing, and whatever passes
/// narrow limits passes wide ones.
pub fn tokens(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let wide = Limits::default();
    let narrow = Limits {
        depth: 5,
        attributes: 3,
        name_bytes: 12,
        nodes_per_notification: 20,
        nodes: 40,
        notifications: 2,
    };
    let passes = walk(text, &wide);
    assert!(
        passes || !walk(text, &narrow),
        "narrow limits let more pass"
    );
    assert!(
        passes || read(text, &wide).is_err(),
        "a message is read that is not XML"
    );
}

/// Reads all tokens; whether the text is well-formed and inside the limits.
fn walk(text: &str, limits: &Limits) -> bool {
    let Ok(mut tokens) = Tokens::new(text, limits) else {
        return false;
    };
    let (mut depth, mut count, mut begun) = (0_usize, 0_usize, 0);
    loop {
        count += 1;
        // An empty element is two tokens of four bytes.
        assert!(count <= text.len() + 1, "tokens come from nothing");
        match tokens.advance() {
            Err(_) => return false,
            Ok(Token::Start(tag)) => {
                assert!(tag.offset >= begun, "an element begins before the last");
                assert!(text[tag.offset..].starts_with('<'), "at {}", tag.offset);
                begun = tag.offset + 1;
                depth += 1;
                assert!(depth <= limits.depth, "{depth} levels");
            }
            Ok(Token::End) => {
                let outer = depth.checked_sub(1);
                assert!(outer.is_some(), "an element ends that never began");
                depth = outer.unwrap_or_default();
            }
            Ok(Token::Text(_) | Token::Character(_)) => {
                assert!(depth > 0, "text outside of the root element");
            }
            Ok(Token::Eof) => {
                assert_eq!(depth, 0, "elements are left open");
                return true;
            }
        }
    }
}
