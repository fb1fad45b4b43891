//! Lists that come in pages.

use tonic::Status;

use super::Refused;
use crate::failure::Failure;

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// How to ask for the next page; empty on the last one.
    pub(crate) next_page_token: String,
}

/// Pages through a list until it ends or `limit` items are there. What is
/// left begins at the result's token.
///
/// `ask` gets the size of the page and its token.
pub(crate) async fn collect<T>(
    limit: usize,
    mut ask: impl AsyncFnMut(i32, String) -> Result<Page<T>, Status>,
) -> Result<Page<T>, Failure> {
    const LARGEST_PAGE: usize = 1_000;

    let mut all = Page {
        items: Vec::new(),
        next_page_token: String::new(),
    };
    loop {
        let size = (limit - all.items.len()).min(LARGEST_PAGE);
        let size = i32::try_from(size).unwrap_or(i32::MAX);
        let page = ask(size, all.next_page_token.clone())
            .await
            .map_err(Refused)?;
        if !page.next_page_token.is_empty() && page.next_page_token == all.next_page_token {
            return Err(Failure::failed(
                "the core gave the same page twice; see its log",
            ));
        }
        all.items.extend(page.items);
        all.next_page_token = page.next_page_token;
        if all.next_page_token.is_empty() || all.items.len() >= limit {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of `length` numbers whose tokens are offsets.
    #[track_caller]
    fn check(length: usize, limit: usize, expected: usize, pages: usize, rest: &str) {
        let mut asked = 0;
        let all = crate::client::block_on(collect(limit, async |size, token| {
            asked += 1;
            let start: usize = token.parse().unwrap_or(0);
            let end = (start + usize::try_from(size).unwrap()).min(length);
            Ok(Page {
                items: (start..end).collect(),
                next_page_token: if end < length {
                    end.to_string()
                } else {
                    String::new()
                },
            })
        }))
        .unwrap();
        assert_eq!(all.items, (0..expected).collect::<Vec<_>>());
        assert_eq!((asked, all.next_page_token.as_str()), (pages, rest));
    }

    #[test]
    fn a_list_is_read_to_its_end_or_to_the_limit() {
        check(0, 50, 0, 1, "");
        check(7, 50, 7, 1, "");
        check(2_500, 10_000, 2_500, 3, "");
        check(2_500, 1_200, 1_200, 2, "1200");
        check(50, 50, 50, 1, "");
    }

    #[test]
    fn a_page_that_comes_twice_ends_it() {
        let endless = collect(50, async |_, _| {
            Ok(Page::<()> {
                items: Vec::new(),
                next_page_token: "again".to_owned(),
            })
        });
        assert!(crate::client::block_on(endless).is_err());
    }
}
