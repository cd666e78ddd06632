//! Claims about values and content types.

use super::check::{Verdict, holds, same};
use super::ground::{Ground, set, set_typed};
use super::run::claims;
use crate::state::{Consistency, ContentType, DeleteItem, GetOptions, SetItem};

claims! {
    an_item_that_was_never_set_is_absent;
    a_value_comes_back_as_it_was_set;
    an_empty_value_is_not_an_absent_item;
    bytes_that_are_no_text_come_back_exactly;
    text_that_reads_like_a_stores_own_notation_comes_back_exactly;
    a_value_of_the_largest_size_comes_back;
    a_later_set_replaces_the_value;
    a_deleted_item_is_absent;
    deleting_an_absent_item_is_no_error;
    a_deleted_item_can_be_set_again;
    a_write_is_seen_by_the_next_read;
    both_consistencies_can_be_asked_for;
    an_item_without_ttl_does_not_say_that_it_ends;
    a_content_type_comes_back [ContentTypes];
    a_content_type_with_parameters_comes_back_exactly [ContentTypes];
    json_comes_back_byte_for_byte;
    what_is_not_json_comes_back_also_when_it_is_called_json;
    a_set_replaces_the_content_type [ContentTypes];
    a_set_without_content_type_clears_an_earlier_one [ContentTypes];
    an_item_set_again_after_a_delete_has_no_content_type [ContentTypes];
}

async fn an_item_that_was_never_set_is_absent(ground: &Ground) -> Verdict {
    ground.app.expect("never", None).await
}

async fn a_value_comes_back_as_it_was_set(ground: &Ground) -> Verdict {
    ground.app.put("k", "value").await?;
    ground.app.expect("k", Some(b"value")).await
}

async fn an_empty_value_is_not_an_absent_item(ground: &Ground) -> Verdict {
    ground.app.put("k", "").await?;
    ground.app.expect("k", Some(b"")).await
}

async fn bytes_that_are_no_text_come_back_exactly(ground: &Ground) -> Verdict {
    let all: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
    for (key, value) in [
        ("all", all.as_slice()),
        ("nul", b"\0"),
        ("nuls", b"a\0\0b\0"),
        ("cut", b"caf\xc3"),
    ] {
        ground.app.put(key, value).await?;
        ground.app.expect(key, Some(value)).await?;
    }
    Ok(())
}

async fn text_that_reads_like_a_stores_own_notation_comes_back_exactly(ground: &Ground) -> Verdict {
    let values = [
        "aGVsbG8=",
        "\"aGVsbG8=\"",
        "null",
        "{ \"a\": 1.0 }",
        "0x00",
        "\\x00",
        "'; DROP TABLE state; --",
        "\u{feff}",
    ];
    for value in values {
        ground.app.put("k", value).await?;
        ground.app.expect("k", Some(value.as_bytes())).await?;
    }
    Ok(())
}

async fn a_value_of_the_largest_size_comes_back(ground: &Ground) -> Verdict {
    let value: Vec<u8> = (0..ground.limits.value).map(|index| (index % 251) as u8).collect();
    ground.app.put("k", value.clone()).await?;
    let found = ground.app.entry("k").await?.value;
    holds("a value of the largest size came back changed", found == value)
}

async fn a_later_set_replaces_the_value(ground: &Ground) -> Verdict {
    ground.app.put("k", "a longer first value").await?;
    ground.app.put("k", "second").await?;
    ground.app.expect("k", Some(b"second")).await
}

async fn a_deleted_item_is_absent(ground: &Ground) -> Verdict {
    ground.app.put("k", "v").await?;
    ground.app.remove("k").await?;
    ground.app.expect("k", None).await
}

async fn deleting_an_absent_item_is_no_error(ground: &Ground) -> Verdict {
    ground.app.remove("never").await?;
    ground.app.put("k", "v").await?;
    ground.app.remove("k").await?;
    ground.app.remove("k").await?;
    Ok(())
}

async fn a_deleted_item_can_be_set_again(ground: &Ground) -> Verdict {
    ground.app.put("k", "first").await?;
    ground.app.remove("k").await?;
    ground.app.put("k", "second").await?;
    ground.app.expect("k", Some(b"second")).await
}

async fn a_write_is_seen_by_the_next_read(ground: &Ground) -> Verdict {
    for round in 0..50_u32 {
        ground.app.put("k", round.to_string()).await?;
        ground.app.expect("k", Some(round.to_string().as_bytes())).await?;
    }
    ground.app.remove("k").await?;
    ground.app.expect("k", None).await
}

async fn both_consistencies_can_be_asked_for(ground: &Ground) -> Verdict {
    for consistency in [Some(Consistency::Eventual), Some(Consistency::Strong)] {
        ground
            .app
            .set(SetItem {
                consistency,
                ..set("k", "v")
            })
            .await?;
        let options = GetOptions {
            consistency,
            ..GetOptions::default()
        };
        let found = ground.app.get("k", &options).await?;
        // An eventual read may miss the write, but not find another value.
        holds("another value", found.is_none_or(|entry| entry.value == b"v"))?;
        ground
            .app
            .delete(DeleteItem {
                consistency,
                ..DeleteItem::new("k".to_owned())
            })
            .await?;
    }
    Ok(())
}

async fn an_item_without_ttl_does_not_say_that_it_ends(ground: &Ground) -> Verdict {
    ground.app.put("k", "v").await?;
    same("when the item ends", ground.app.entry("k").await?.expires_at, None)
}

// ---- content types ----

async fn content_type_is(ground: &Ground, expected: Option<&str>) -> Verdict {
    let found = ground.app.entry("k").await?.content_type;
    same("the content type", found.as_ref().map(ContentType::as_str), expected)
}

async fn a_content_type_comes_back(ground: &Ground) -> Verdict {
    for text in [
        "image/png",
        "text/plain",
        "application/json",
        "application/octet-stream",
    ] {
        ground.app.set(set_typed("k", "{}", &ContentType::new(text)?)).await?;
        content_type_is(ground, Some(text)).await?;
        ground.app.expect("k", Some(b"{}")).await?;
    }
    Ok(())
}

async fn a_content_type_with_parameters_comes_back_exactly(ground: &Ground) -> Verdict {
    let longest = format!(
        "text/plain; note={}",
        "x".repeat(ContentType::MAX_BYTES - "text/plain; note=".len())
    );
    for text in [
        "Application/JSON;Charset=\"utf-8\"",
        "application/json; charset=utf-8",
        longest.as_str(),
    ] {
        ground.app.set(set_typed("k", "{}", &ContentType::new(text)?)).await?;
        content_type_is(ground, Some(text)).await?;
    }
    Ok(())
}

async fn json_comes_back_byte_for_byte(ground: &Ground) -> Verdict {
    let json = ContentType::new("application/json")?;
    let values = [
        "{ \"b\" : 1,\n\t\"a\": [1.0, 1e2, 12345678901234567890] }",
        "{\"a\":1,\"a\":2}",
        "\"text with \\u0041 and \u{1f600}\"",
        " null ",
        "0",
    ];
    for value in values {
        ground.app.set(set_typed("k", value, &json)).await?;
        ground.app.expect("k", Some(value.as_bytes())).await?;
    }
    Ok(())
}

async fn what_is_not_json_comes_back_also_when_it_is_called_json(ground: &Ground) -> Verdict {
    let json = ContentType::new("application/json")?;
    for value in [b"".as_slice(), b"{", b"\xff\xfe", b"NaN", b"\"\0\"", b"{} {}"] {
        ground.app.set(set_typed("k", value, &json)).await?;
        ground.app.expect("k", Some(value)).await?;
        let types = ground.store.features().content_types;
        content_type_is(ground, types.then_some("application/json")).await?;
    }
    Ok(())
}

async fn a_set_replaces_the_content_type(ground: &Ground) -> Verdict {
    for text in ["image/png", "application/json", "image/gif"] {
        ground.app.set(set_typed("k", "1", &ContentType::new(text)?)).await?;
    }
    content_type_is(ground, Some("image/gif")).await
}

async fn a_set_without_content_type_clears_an_earlier_one(ground: &Ground) -> Verdict {
    for text in ["image/png", "application/json"] {
        ground.app.set(set_typed("k", "1", &ContentType::new(text)?)).await?;
        ground.app.put("k", "1").await?;
        content_type_is(ground, None).await?;
    }
    Ok(())
}

async fn an_item_set_again_after_a_delete_has_no_content_type(ground: &Ground) -> Verdict {
    ground
        .app
        .set(set_typed("k", "v", &ContentType::new("image/png")?))
        .await?;
    ground.app.remove("k").await?;
    ground.app.put("k", "v").await?;
    content_type_is(ground, None).await
}
