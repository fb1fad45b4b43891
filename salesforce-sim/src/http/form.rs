//! Names and values, from a form or a query.

use super::Request;

/// Decoded names and values in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// The form in a request's body.
    pub(crate) fn of(request: &Request) -> Self {
        Self::parse(&request.body)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Self {
            pairs: form_urlencoded::parse(bytes).into_owned().collect(),
        }
    }

    /// The first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(given, _)| given == name);
        pair.map(|(_, value)| value.as_str())
    }

    /// The form again, without the values that log in.
    pub(crate) fn without_secrets(&self) -> String {
        let is_secret = |name: &str| {
            matches!(
                name,
                "assertion" | "client_secret" | "password" | "token" | "refresh_token"
            )
        };
        let mut text = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.pairs {
            let value = if is_secret(name) { "hidden" } else { value };
            text.append_pair(name, value);
        }
        text.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_logs_in_is_not_remembered() {
        let form = Form::parse(b"grant_type=client_credentials&client_id=a%26b&client_secret=s");
        assert_eq!(form.get("client_id"), Some("a&b"));
        assert_eq!(
            form.without_secrets(),
            "grant_type=client_credentials&client_id=a%26b&client_secret=hidden"
        );
    }
}
