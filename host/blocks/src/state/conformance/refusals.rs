//! Claims about a store without a feature: asking for it is an error, and nothing is written.

use super::check::{Verdict, refused};
use super::ground::{Ground, delete_if, set, set_for};
use super::run::Claim;
use crate::state::{Condition, Etag, Feature, Operation, PageLimit, Ttl};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        name: "without_etags_a_condition_is_unsupported",
        needs: &[],
        lacks: Some(Feature::Etags),
        check: |ground| Box::pin(without_etags_a_condition_is_unsupported(ground)),
    },
    Claim {
        name: "without_transactions_a_transaction_is_unsupported",
        needs: &[],
        lacks: Some(Feature::Transactions),
        check: |ground| Box::pin(without_transactions_a_transaction_is_unsupported(ground)),
    },
    Claim {
        name: "without_ttl_a_ttl_is_unsupported",
        needs: &[],
        lacks: Some(Feature::Ttl),
        check: |ground| Box::pin(without_ttl_a_ttl_is_unsupported(ground)),
    },
    Claim {
        name: "without_listing_a_listing_is_unsupported",
        needs: &[],
        lacks: Some(Feature::Listing),
        check: |ground| Box::pin(without_listing_a_listing_is_unsupported(ground)),
    },
];

async fn without_etags_a_condition_is_unsupported(ground: &Ground) -> Verdict {
    let etag = Etag::new("etag")?;
    refused(
        "a set if absent",
        ground.app.put_if("k", "v", Condition::Absent).await,
        "unsupported",
    )?;
    refused(
        "an etag",
        ground.app.put_if("k", "v", Condition::Matches(etag.clone())).await,
        "unsupported",
    )?;
    refused("an etag", ground.app.delete(delete_if("k", &etag)).await, "unsupported")?;
    ground.app.expect("k", None).await
}

async fn without_transactions_a_transaction_is_unsupported(ground: &Ground) -> Verdict {
    refused(
        "a transaction",
        ground.app.run(vec![Operation::Set(set("k", "v"))]).await,
        "unsupported",
    )?;
    ground.app.expect("k", None).await
}

async fn without_ttl_a_ttl_is_unsupported(ground: &Ground) -> Verdict {
    refused(
        "a TTL",
        ground.app.set(set_for("k", "v", Ttl::new(60)?)).await,
        "unsupported",
    )?;
    ground.app.expect("k", None).await
}

async fn without_listing_a_listing_is_unsupported(ground: &Ground) -> Verdict {
    refused(
        "a listing",
        ground.app.list_keys("", PageLimit::default(), None).await,
        "unsupported",
    )
}
