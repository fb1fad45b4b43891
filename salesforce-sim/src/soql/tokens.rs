//! A query as words.

use crate::refusal::Refusal;

/// A word of a query, and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// In bytes.
    pub(super) position: usize,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A name, a key word, a number or a time: whatever has no quotes.
    Word(String),
    /// A text, unescaped.
    Text(String),
    Comma,
    Open,
    Close,
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`; `<>` is `!=`.
    Operator(&'static str),
}

impl Token {
    /// As an error shows it.
    pub(super) fn shown(&self) -> &str {
        match &self.kind {
            TokenKind::Word(text) | TokenKind::Text(text) => text,
            TokenKind::Comma => ",",
            TokenKind::Open => "(",
            TokenKind::Close => ")",
            TokenKind::Operator(operator) => operator,
        }
    }

    /// Whether it is this key word.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(&self.kind, TokenKind::Word(text) if text.eq_ignore_ascii_case(word))
    }
}

/// Splits a query.
pub(super) fn tokens(query: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut characters = query.char_indices().peekable();
    while let Some((position, character)) = characters.next() {
        let mut next_is = |wanted: char| characters.next_if(|&(_, next)| next == wanted).is_some();
        let kind = match character {
            ' ' | '\t' | '\n' | '\r' => continue,
            ',' => TokenKind::Comma,
            '(' => TokenKind::Open,
            ')' => TokenKind::Close,
            '=' => TokenKind::Operator("="),
            '!' if next_is('=') => TokenKind::Operator("!="),
            '<' if next_is('=') => TokenKind::Operator("<="),
            '<' if next_is('>') => TokenKind::Operator("!="),
            '<' => TokenKind::Operator("<"),
            '>' if next_is('=') => TokenKind::Operator(">="),
            '>' => TokenKind::Operator(">"),
            '\'' => {
                let mut text = String::new();
                loop {
                    match characters.next() {
                        Some((_, '\'')) => break,
                        Some((position, '\\')) => {
                            let escaped = characters.next().map(|(_, character)| character);
                            text.push(unescape(query, position, escaped)?);
                        }
                        Some((_, character)) => text.push(character),
                        None => {
                            let message = "line has no end of its string literal";
                            return Err(malformed(query, position, message));
                        }
                    }
                }
                TokenKind::Text(text)
            }
            character if is_word(character) => {
                let mut word = String::from(character);
                while let Some((_, next)) = characters.next_if(|&(_, next)| is_word(next)) {
                    word.push(next);
                }
                TokenKind::Word(word)
            }
            other => {
                let message = format!("unexpected token: '{other}'");
                return Err(malformed(query, position, &message));
            }
        };
        tokens.push(Token { kind, position });
    }
    Ok(tokens)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.' | '-' | '+' | ':')
}

fn unescape(query: &str, position: usize, escaped: Option<char>) -> Result<char, Refusal> {
    match escaped {
        Some('n' | 'N') => Ok('\n'),
        Some('r' | 'R') => Ok('\r'),
        Some('t' | 'T') => Ok('\t'),
        Some(character @ ('\'' | '"' | '\\' | '%' | '_')) => Ok(character),
        _ => Err(malformed(query, position, "Illegal string escape")),
    }
}

/// A query that can't be understood from here on.
pub(super) fn malformed(query: &str, position: usize, message: &str) -> Refusal {
    Refusal::new("MALFORMED_QUERY", super::at(query, position, message))
}
