//! What can be measured.

use clap::ValueEnum;

use super::load::Load;

/// Something that takes messages, or does a part of the work on them alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Setup {
    /// Reads the body and acknowledges: what the gateway is built of, alone
    Warp,
    /// Reads the notifications with quick-xml too
    WarpXml,
    /// sfbridge in one process, on SQLite
    One,
    /// sfbridge in two processes, gateway and core, on SQLite
    Two,
    /// sfbridge in two processes, on PostgreSQL
    Postgres,
    /// sfbridge with two cores over one PostgreSQL database
    PostgresCores,
    /// gSOAP, stores nothing
    Gsoap,
    /// gSOAP, one SQLite transaction for each message
    GsoapSqlite,
    /// node-soap, stores nothing
    Node,
    /// node-soap, one SQLite transaction for each message
    NodeSqlite,
    /// FastAPI and lxml, stores nothing
    Python,
    /// FastAPI and lxml, one SQLite transaction for each message
    PythonSqlite,
    /// The core's store alone, on SQLite, with as many callers as connections
    Store,
    /// From a body to the bytes of the core's request, on one thread
    Reader,
    /// quick-xml's bare tokens of a body, on one thread
    Tokens,
    /// 4 KiB appended to a file and made durable, one after the other
    Disk,
}

impl Setup {
    /// What it is called in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Warp => "bare warp, stores nothing",
            Self::WarpXml => "warp + quick-xml, stores nothing",
            Self::One => "**sfbridge, one process**",
            Self::Two => "**sfbridge, two processes**",
            Self::Postgres => "**sfbridge, PostgreSQL, one core**",
            Self::PostgresCores => "**sfbridge, PostgreSQL, two cores**",
            Self::Gsoap => "gSOAP, stores nothing",
            Self::GsoapSqlite => "gSOAP + SQLite",
            Self::Node => "node-soap, stores nothing",
            Self::NodeSqlite => "node-soap + SQLite",
            Self::Python => "FastAPI + lxml, stores nothing",
            Self::PythonSqlite => "FastAPI + lxml + SQLite",
            Self::Store => "the core's SQLite store alone",
            Self::Reader => "reader + protobuf alone",
            Self::Tokens => "quick-xml's tokens alone",
            Self::Disk => "4 KiB appended, fdatasync",
        }
    }

    /// Whether it is measured with this load.
    pub(crate) fn takes(self, load: Load) -> bool {
        match self {
            Self::Store => load.rate.is_none(),
            // These do not know of connections.
            Self::Disk => load == Load::busy(1, 1),
            Self::Reader | Self::Tokens => load == Load::busy(1, 1) || load == Load::busy(100, 16),
            _ => true,
        }
    }

    /// The receiver that has to be installed for it.
    pub(crate) fn receiver(self) -> Option<&'static str> {
        match self {
            Self::Gsoap | Self::GsoapSqlite => Some("gsoap"),
            Self::Node | Self::NodeSqlite => Some("node"),
            Self::Python | Self::PythonSqlite => Some("python"),
            _ => None,
        }
    }
}
