//! Statements that are sent together.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use deadpool_postgres::GenericClient;
use tokio_postgres::Statement as Prepared;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::super::StoreError;

/// A statement with its values.
///
/// SQL comes from the code alone; what callers send is bound.
pub(super) struct Statement<'a> {
    pub(super) sql: String,
    pub(super) values: Vec<Box<dyn ToSql + Sync + Send + 'a>>,
}

/// What comes behind statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// Whatever the caller does next.
    Nothing,
    /// The end of the transaction, sent without waiting for them. The server
    /// commits nothing of a transaction in which a statement has failed.
    Commit,
}

/// An answer that is waited for: so many rows.
type Answer<'a> = Pin<Box<dyn Future<Output = Result<u64, tokio_postgres::Error>> + Send + 'a>>;

/// Runs statements in their order, all sent at once. How many rows each of them
/// changed; or why one failed, if one did.
///
/// With [`Behind::Commit`], all of them are durable if and only if this
/// succeeds, unless the connection broke: then nobody knows.
pub(super) async fn run(
    client: &impl GenericClient,
    statements: &[Statement<'_>],
    behind: Behind,
) -> Result<Vec<u64>, StoreError> {
    // All of them before the first is sent: one that is to be prepared yet would
    // be overtaken by the commit.
    let mut prepared: Vec<Prepared> = Vec::with_capacity(statements.len());
    for statement in statements {
        prepared.push(client.prepare_cached(&statement.sql).await?);
    }
    let values: Vec<Vec<&(dyn ToSql + Sync)>> = statements.iter().map(Statement::values).collect();
    let sent = prepared.iter().zip(&values);
    let mut answers: Vec<Answer<'_>> = sent
        .map(|(prepared, values)| -> Answer<'_> { Box::pin(client.execute(prepared, values)) })
        .collect();
    if behind == Behind::Commit {
        answers.push(Box::pin(async {
            client.batch_execute("COMMIT").await?;
            Ok(0)
        }));
    }
    let answers: Vec<Result<u64, StoreError>> = in_order(answers)
        .await
        .into_iter()
        .map(|answer| answer.map_err(StoreError::from))
        .collect();
    // A commit of a lost transaction is answered like any other, so it says
    // nothing as long as those before it are not looked at.
    first_cause(answers.iter().map(|answer| answer.as_ref().err()))?;
    answers.into_iter().take(statements.len()).collect()
}

impl Statement<'_> {
    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        let values = self.values.iter();
        values
            .map(|value| &**value as &(dyn ToSql + Sync))
            .collect()
    }
}

/// Waits for all, and begins them in this order: a statement is sent when it is
/// first waited for.
async fn in_order<T>(futures: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Vec<T> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (future, None)).collect();
    poll_fn(|context| {
        let mut is_done = true;
        for (future, output) in &mut running {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *output = Some(value),
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    running
        .into_iter()
        .filter_map(|(_, output)| output)
        .collect()
}

/// Of statements that went out together: why one failed, if one did. Those
/// behind it fail too, only because the transaction is lost by then.
pub(super) fn first_cause<'a>(
    failures: impl IntoIterator<Item = Option<&'a StoreError>>,
) -> Result<(), StoreError> {
    let is_consequence = |failure: &StoreError| match failure {
        StoreError::Refused(source) => {
            let source: &(dyn std::error::Error + 'static) = &**source;
            let error = source.downcast_ref::<tokio_postgres::Error>();
            error.and_then(tokio_postgres::Error::code)
                == Some(&SqlState::IN_FAILED_SQL_TRANSACTION)
        }
        _ => false,
    };
    let failures: Vec<&StoreError> = failures.into_iter().flatten().collect();
    let cause = failures.iter().find(|failure| !is_consequence(failure));
    match cause.or(failures.first()) {
        Some(failure) => Err(StoreError::clone(failure)),
        None => Ok(()),
    }
}
