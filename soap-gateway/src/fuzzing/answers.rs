//! What any refusal must be fit for.

/// That a refusal's sentence can be shown in a log, a table and a SOAP fault.
pub(super) fn check_sentence(sentence: &str) {
    assert!(!sentence.trim().is_empty(), "nothing is said");
    assert!(sentence.len() < 4_096, "{} bytes are said", sentence.len());
}

/// That a place is one of the text, or right after its end.
pub(super) fn check_place(line: u64, column: u64, text: &str) {
    let lines = 1 + text
        .bytes()
        .filter(|byte| matches!(byte, b'\n' | b'\r'))
        .count() as u64;
    assert!((1..=lines).contains(&line), "line {line} of {lines}");
    let characters = 1 + text.chars().count() as u64;
    assert!((1..=characters).contains(&column), "column {column}");
}
