//! What somebody probably meant.

/// The known name that is nearest to a misspelt one, if any is near.
pub fn nearest<'a>(misspelt: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The text comes from a stranger, and the distance costs its length squared.
    let misspelt: String = misspelt.chars().take(64).collect();
    known
        .into_iter()
        .map(|name| {
            let distance =
                strsim::osa_distance(&misspelt.to_ascii_lowercase(), &name.to_ascii_lowercase());
            (distance, name)
        })
        // A short name is near to nothing, however few letters differ.
        .filter(|(distance, name)| *distance <= (name.len() / 2).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_if_one_is_near() {
        let known = ["vidField", "igrpField", "tz", "act"];
        assert_eq!(nearest("vidFeild", known), Some("vidField"));
        assert_eq!(nearest("VIDFIELD", known), Some("vidField"));
        assert_eq!(nearest("zt", known), Some("tz"));
        assert_eq!(nearest("vid", known), None);
        assert_eq!(nearest("igrpField2", known), Some("igrpField"));
        assert_eq!(nearest("somethingelse", known), None);
    }
}
