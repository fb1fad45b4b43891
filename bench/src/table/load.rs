//! What is sent to each setup.

use std::fmt;
use std::str::FromStr;

/// Messages of a size over a number of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Load {
    /// In each message.
    pub(crate) notifications: u32,
    pub(crate) connections: u32,
    /// Messages a second; without a rate connections never rest.
    pub(crate) rate: Option<u32>,
}

impl Load {
    /// Connections that never rest.
    pub(crate) const fn busy(notifications: u32, connections: u32) -> Self {
        Self {
            notifications,
            connections,
            rate: None,
        }
    }
}

impl FromStr for Load {
    type Err = String;

    /// `NOTIFICATIONSxCONNECTIONS[@RATE]`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (load, rate) = match text.split_once('@') {
            Some((load, rate)) => (load, Some(rate)),
            None => (text, None),
        };
        let parsed = load
            .split_once('x')
            .and_then(|(notifications, connections)| {
                Some(Self {
                    notifications: notifications
                        .parse()
                        .ok()
                        .filter(|n| (1..=100).contains(n))?,
                    connections: connections
                        .parse()
                        .ok()
                        .filter(|n| (1..=10_000).contains(n))?,
                    rate: match rate {
                        Some(rate) => {
                            Some(rate.parse().ok().filter(|n| (1..=100_000).contains(n))?)
                        }
                        None => None,
                    },
                })
            });
        parsed.ok_or_else(|| {
            "is not NOTIFICATIONSxCONNECTIONS or NOTIFICATIONSxCONNECTIONS@RATE, such as 100x16 \
             or 1x64@2000, with up to 100 notifications"
                .to_owned()
        })
    }
}

impl fmt::Display for Load {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count| if count == 1 { "" } else { "s" };
        let (notifications, connections) = (self.notifications, self.connections);
        write!(
            formatter,
            "{notifications} notification{} a message, {connections} connection{}",
            plural(notifications),
            plural(connections)
        )?;
        match self.rate {
            Some(rate) => write!(formatter, ", {rate} messages a second"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_read_and_shown() {
        let load: Load = "100x16".parse().unwrap();
        assert_eq!(load, Load::busy(100, 16));
        assert_eq!(
            load.to_string(),
            "100 notifications a message, 16 connections"
        );
        let open: Load = "1x64@2000".parse().unwrap();
        assert_eq!(open.rate, Some(2_000));
        for wrong in [
            "", "1", "0x1", "1x0", "101x1", "1x1@", "1x1@0", "x", "1x1x1",
        ] {
            assert!(wrong.parse::<Load>().is_err(), "{wrong}");
        }
    }
}
