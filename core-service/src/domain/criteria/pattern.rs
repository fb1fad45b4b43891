//! Patterns: regular expressions, and globs by way of them.

use std::str::Chars;

use regex::{Regex, RegexBuilder};

use super::InvalidCriterion;

/// The most that a compiled expression may take. Enough for some hundred
/// characters of alternatives or a dozen classes of letters.
const SIZE_LIMIT: usize = 256 * 1024;

/// The most that matching may keep beside it.
const CACHE_LIMIT: usize = 1024 * 1024;

/// Compiles a regular expression. A match takes time in proportion to the text,
/// whatever the expression.
pub(super) fn regex(text: &str) -> Result<Regex, InvalidCriterion> {
    build(text, false).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => InvalidCriterion::TooComplex,
        other => {
            // It draws a picture of the place; its last line says what it is.
            let text = other.to_string();
            let reason = text.lines().next_back().unwrap_or_default();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            InvalidCriterion::Regex(reason.to_owned())
        }
    })
}

/// Compiles a glob, which matches a text as a whole: `*` is any text, `?` any
/// character, `[a-z]` one of these, `[!a-z]` one of the others, and `\` takes
/// the next character as it is.
pub(super) fn glob(text: &str) -> Result<Regex, InvalidCriterion> {
    let mut expression = String::from("^");
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '\\' => {
                let escaped = rest.next().ok_or(InvalidCriterion::Glob)?;
                push_literal(&mut expression, escaped);
            }
            '[' => push_class(&mut expression, &mut rest)?,
            other => push_literal(&mut expression, other),
        }
    }
    expression.push('$');
    build(&expression, true).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => InvalidCriterion::TooComplex,
        _ => InvalidCriterion::Glob,
    })
}

/// Translates a class up to its end. A `]` that comes first is one of its
/// characters.
fn push_class(expression: &mut String, rest: &mut Chars<'_>) -> Result<(), InvalidCriterion> {
    expression.push('[');
    if let Some(others) = rest.as_str().strip_prefix('!') {
        expression.push('^');
        *rest = others.chars();
    }
    let mut is_first = true;
    loop {
        if let Some(after) = rest.as_str().strip_prefix(']')
            && !is_first
        {
            *rest = after.chars();
            expression.push(']');
            return Ok(());
        }
        push_member(expression, member(rest)?);
        // A hyphen before the end stands for itself.
        if let Some(end) = rest.as_str().strip_prefix('-')
            && !end.starts_with(']')
        {
            *rest = end.chars();
            expression.push('-');
            push_member(expression, member(rest)?);
        }
        is_first = false;
    }
}

fn member(rest: &mut Chars<'_>) -> Result<char, InvalidCriterion> {
    let character = match rest.next() {
        Some('\\') => rest.next(),
        other => other,
    };
    character.ok_or(InvalidCriterion::Glob)
}

/// A character that stands for itself within a class.
fn push_member(expression: &mut String, character: char) {
    // Only ASCII punctuation can be escaped, and none of the rest means more.
    if character.is_ascii_punctuation() {
        expression.push('\\');
    }
    expression.push(character);
}

fn push_literal(expression: &mut String, character: char) {
    let mut buffer = [0; 4];
    expression.push_str(&regex::escape(character.encode_utf8(&mut buffer)));
}

fn build(expression: &str, spans_lines: bool) -> Result<Regex, regex::Error> {
    RegexBuilder::new(expression)
        .size_limit(SIZE_LIMIT)
        .dfa_size_limit(CACHE_LIMIT)
        .dot_matches_new_line(spans_lines)
        .build()
}
