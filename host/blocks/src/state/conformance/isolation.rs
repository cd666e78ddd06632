//! Claims about apps, stores and key prefixes.

use super::check::{Verdict, same};
use super::ground::Ground;
use super::run::claims;
use crate::state::{KeyPrefix, PageLimit};

claims! {
    apps_have_items_of_their_own;
    an_app_id_that_another_begins_with_has_items_of_its_own;
    apps_share_the_items_of_a_store_prefixed_by_its_name;
    stores_prefixed_by_their_names_have_items_of_their_own;
    apps_share_the_items_of_a_literal_prefix;
    without_a_prefix_an_app_reads_any_item_that_it_can_name;
    keys_are_listed_as_the_app_names_them_whatever_the_prefix [Listing];
}

async fn apps_have_items_of_their_own(ground: &Ground) -> Verdict {
    ground.app.put("k", "mine").await?;
    ground.other.expect("k", None).await?;
    ground.other.put("k", "theirs").await?;
    ground.app.expect("k", Some(b"mine")).await?;
    ground.other.remove("k").await?;
    ground.app.expect("k", Some(b"mine")).await
}

async fn an_app_id_that_another_begins_with_has_items_of_its_own(ground: &Ground) -> Verdict {
    let longer = ground.app(&KeyPrefix::AppId, &format!("{}-aa", ground.id), "conformance")?;
    longer.put("k", "longer").await?;
    ground.app.expect("k", None).await?;
    ground.app.put("k", "shorter").await?;
    longer.expect("k", Some(b"longer")).await
}

async fn apps_share_the_items_of_a_store_prefixed_by_its_name(ground: &Ground) -> Verdict {
    let store = format!("{}-store", ground.id);
    let (one, two) = (
        ground.app(&KeyPrefix::Name, "one", &store)?,
        ground.app(&KeyPrefix::Name, "two", &store)?,
    );
    one.put("k", "shared").await?;
    two.expect("k", Some(b"shared")).await
}

async fn stores_prefixed_by_their_names_have_items_of_their_own(ground: &Ground) -> Verdict {
    let here = ground.app(&KeyPrefix::Name, "app", &format!("{}-here", ground.id))?;
    let there = ground.app(&KeyPrefix::Name, "app", &format!("{}-there", ground.id))?;
    here.put("k", "here").await?;
    there.expect("k", None).await?;
    there.put("k", "there").await?;
    here.expect("k", Some(b"here")).await
}

async fn apps_share_the_items_of_a_literal_prefix(ground: &Ground) -> Verdict {
    let prefix = KeyPrefix::Literal(format!("{}-literal", ground.id));
    let (one, two) = (
        ground.app(&prefix, "one", "here")?,
        ground.app(&prefix, "two", "there")?,
    );
    one.put("k", "shared").await?;
    two.expect("k", Some(b"shared")).await?;
    ground.app.expect("k", None).await
}

async fn without_a_prefix_an_app_reads_any_item_that_it_can_name(ground: &Ground) -> Verdict {
    let (one, two) = (
        ground.app(&KeyPrefix::None, "one", "here")?,
        ground.app(&KeyPrefix::None, "two", "there")?,
    );
    let key = format!("{}-bare", ground.id);
    one.put(&key, "shared").await?;
    two.expect(&key, Some(b"shared")).await
}

async fn keys_are_listed_as_the_app_names_them_whatever_the_prefix(ground: &Ground) -> Verdict {
    let key = format!("{}-listed", ground.id);
    let prefixes = [
        KeyPrefix::AppId,
        KeyPrefix::Name,
        KeyPrefix::Namespace,
        KeyPrefix::None,
        KeyPrefix::Literal(format!("{}-literal", ground.id)),
    ];
    for prefix in prefixes {
        let app = ground.app(&prefix, &ground.id, &format!("{}-store", ground.id))?;
        app.put(&key, "v").await?;
        let page = app.list_keys(&key, PageLimit::default(), None).await?;
        same(
            &format!("the keys under the prefix `{prefix}`"),
            page.keys,
            vec![key.clone()],
        )?;
        app.remove(&key).await?;
    }
    Ok(())
}
