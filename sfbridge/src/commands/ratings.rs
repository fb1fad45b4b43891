//! `sfbridge ratings`: the outcomes that people gave calls.

use clap::{Args, Subcommand};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::call_rating_service_client::CallRatingServiceClient;
use tonic::Status;

use super::listing::{Limit, Times, money, more, time};
use crate::client::{Page, Refused, block_on, collect, connect};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, Table};

/// Looks at call ratings.
#[derive(Debug, Subcommand)]
pub(crate) enum Ratings {
    /// List the ratings of an installation or of one call, the newest first
    List(List),
    /// Show the current rating of a call
    Show {
        /// The installation
        #[arg(long)]
        igrp: i64,
        /// The call's reference
        call_ref: String,
    },
}

/// Which ratings to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The installation
    #[arg(long)]
    igrp: i64,
    /// Only this call reference
    #[arg(long)]
    call_ref: Option<String>,
    /// Only this rating
    #[arg(long)]
    rating: Option<String>,
    /// Only this Salesforce record
    #[arg(long)]
    record_id: Option<String>,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    limit: Limit,
}

type Client = CallRatingServiceClient<crate::client::Core>;

impl Ratings {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        block_on(async {
            let client = CallRatingServiceClient::new(connect(config).await?);
            match self {
                Self::List(list) => list.run(client, output).await,
                Self::Show { igrp, call_ref } => show(client, igrp, call_ref, output).await,
            }
        })
    }
}

impl List {
    async fn run(self, client: Client, output: &mut Output<'_>) -> Result<(), Failure> {
        let request = pb::ListCallRatingsRequest {
            igrp: self.igrp,
            call_ref: self.call_ref.unwrap_or_default(),
            rating: self.rating.unwrap_or_default(),
            record_id: self.record_id.unwrap_or_default(),
            start_time: self.times.start_time,
            end_time: self.times.end_time,
            page_size: 0,
            page_token: String::new(),
        };
        let page = collect(self.limit.get(), async |page_size, page_token| {
            let request = pb::ListCallRatingsRequest {
                page_size,
                page_token,
                ..request.clone()
            };
            let answer = client.clone().list_call_ratings(request).await?;
            let answer = answer.into_inner();
            Ok::<_, Status>(Page {
                items: answer.call_ratings,
                next_page_token: answer.next_page_token,
            })
        })
        .await?;

        if output.is_json() {
            let response = pb::ListCallRatingsResponse {
                call_ratings: page.items,
                next_page_token: page.next_page_token,
            };
            return Ok(output.message("ListCallRatingsResponse", &response)?);
        }
        let mut table = Table::new([
            "RATING TIME",
            "CALL",
            "RATING",
            "VALUE",
            "CURRENT",
            "RATING ID",
        ]);
        for rating in page.items {
            table.row([
                time(rating.rating_time),
                rating.call_ref,
                rating.rating,
                money(&rating.transaction_value, &rating.currency),
                if rating.is_current { "yes" } else { "" }.to_owned(),
                rating.call_rating_id,
            ]);
        }
        output.table(&table, "There are no such call ratings.")?;
        Ok(more(output, &page.next_page_token)?)
    }
}

async fn show(
    mut client: Client,
    igrp: i64,
    call_ref: String,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = pb::GetCallRatingRequest { igrp, call_ref };
    let answer = client.get_call_rating(request).await.map_err(Refused)?;
    let rating = answer.into_inner().call_rating.unwrap_or_default();
    if output.is_json() {
        return Ok(output.message("CallRating", &rating)?);
    }
    Ok(output.fields("CallRating", &rating)?)
}
