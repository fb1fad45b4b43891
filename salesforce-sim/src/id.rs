//! Ids of new records.

use sfbridge_values::{InvalidSalesforceId, SalesforceId};

/// Makes ids that count up, for each prefix on its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    last: u64,
}

impl Ids {
    /// The next id, in its long form.
    ///
    /// # Errors
    ///
    /// [`InvalidSalesforceId`] when the prefix is none.
    pub(crate) fn next(&mut self, prefix: &str) -> Result<SalesforceId, InvalidSalesforceId> {
        self.last += 1;
        numbered(prefix, self.last)
    }
}

/// The id of this number: three characters that name the object, two that name
/// the instance, and the number in base 62.
fn numbered(prefix: &str, number: u64) -> Result<SalesforceId, InvalidSalesforceId> {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const INSTANCE: &str = "5g";

    let mut rest = number;
    let mut digits = [b'0'; 10];
    for digit in digits.iter_mut().rev() {
        let index = usize::try_from(rest % 62).unwrap_or(0);
        *digit = DIGITS.get(index).copied().unwrap_or(b'0');
        rest /= 62;
    }
    let digits = String::from_utf8_lossy(&digits);
    let id = SalesforceId::parse(&format!("{prefix}{INSTANCE}{digits}"))?;
    Ok(id.to_long())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_long_and_differ() {
        let mut ids = Ids::default();
        let first = ids.next("00Q").unwrap();
        assert_eq!(first.as_str(), "00Q5g0000000001EAA");
        assert!(first.is_checked());
        assert_ne!(ids.next("00Q").unwrap(), first);
        assert_eq!(
            numbered("00Q", 62 * 62 - 1).unwrap().key(),
            "00Q5g00000000zz"
        );
    }
}
