//! daprd's two layouts, as fragments that statements are put together from.
//!
//! | | v1 | v2 |
//! |---|---|---|
//! | value | `jsonb`: JSON as such (`isbinary` false), all else as a text in base64 | `bytea` |
//! | etag | `xmin`, the transaction that wrote the row | a random UUID |
//! | end | `expiredate` | `expires_at` |
//!
//! Names of tables stand in statements as daprd writes them, without quotes, so that both mean the same table.
//! [`Identifier`] and [`Prefix`] have nothing in them that would need some.

use super::identifier::{Identifier, Prefix};

/// Which of Dapr's layouts a store has, and the names of its tables.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// `version = "v1"`.
    V1 {
        /// `tableName`, a name with or without a schema: the table of the items. Default: `"state"`.
        table: Identifier,
    },
    /// `version = "v2"`.
    V2 {
        /// `tablePrefix`, a schema with its dot, the beginning of a name, or both: what stands before `state` in the name of the
        /// table of the items. Default: nothing.
        prefix: Prefix,
    },
}

impl Layout {
    /// The table of the items.
    pub(super) fn table(&self) -> Identifier {
        match self {
            Self::V1 { table } => table.clone(),
            Self::V2 { prefix } => prefix.table(),
        }
    }

    /// The row of the metadata table that has the layout's level.
    pub(super) fn migrations_row(&self) -> String {
        match self {
            Self::V1 { .. } => "migrations".to_owned(),
            Self::V2 { prefix } => format!("migrations-state-v2-{}", prefix.as_str()),
        }
    }

    /// The row of the metadata table that has the time of the last cleanup.
    pub(super) fn cleanup_row(&self) -> String {
        match self {
            Self::V1 { .. } => "last-cleanup".to_owned(),
            Self::V2 { prefix } => format!("last-cleanup-state-v2-{}", prefix.as_str()),
        }
    }

    /// What the migrations of daprd that this host knows come to.
    pub(super) fn level(&self) -> u32 {
        match self {
            Self::V1 { .. } => 3,
            Self::V2 { .. } => 2,
        }
    }

    /// The column with the time of an item's end.
    pub(super) fn end(&self) -> &'static str {
        match self {
            Self::V1 { .. } => "expiredate",
            Self::V2 { .. } => "expires_at",
        }
    }

    /// The column with the time of the first write.
    pub(super) fn created(&self) -> &'static str {
        match self {
            Self::V1 { .. } => "insertdate",
            Self::V2 { .. } => "created_at",
        }
    }

    /// The etag of the row `s`.
    pub(super) fn etag(&self) -> &'static str {
        match self {
            Self::V1 { .. } => "s.xmin::text",
            Self::V2 { .. } => "s.etag::text",
        }
    }

    /// Whether the row `s` has not ended. Not by `now()`, at which a statement began: it may have waited for a lock since.
    pub(super) fn is_live(&self) -> String {
        let end = self.end();
        format!("(s.{end} IS NULL OR s.{end} > clock_timestamp())")
    }

    /// Columns of the row `s` that a value is read from, and of what stands beside it, `b`.
    pub(super) fn stored(&self) -> &'static str {
        match self {
            Self::V1 { .. } => "s.value, s.isbinary, b.original",
            Self::V2 { .. } => "s.value",
        }
    }

    /// The value of an item as bytes, from those columns.
    pub(super) fn value(&self) -> &'static str {
        match self {
            Self::V1 { .. } => {
                "CASE WHEN isbinary THEN decode(value #>> '{}', 'base64')
                 ELSE convert_to(coalesce(original, value::text), 'UTF8') END"
            }
            Self::V2 { .. } => "value",
        }
    }

    /// How many bytes these are; in base64, up to two fewer.
    pub(super) fn size(&self) -> &'static str {
        match self {
            Self::V1 { .. } => {
                "CASE WHEN isbinary THEN (octet_length(value #>> '{}')::bigint - 2) * 3 / 4
                 ELSE octet_length(coalesce(original, value::text))::bigint END"
            }
            Self::V2 { .. } => "octet_length(value)::bigint",
        }
    }

    /// The content type of the row `s`, with what stands beside it.
    pub(super) fn content_type(&self) -> &'static str {
        match self {
            // daprd writes it so for JSON alone.
            Self::V1 { .. } => "coalesce(b.content_type, CASE WHEN NOT s.isbinary THEN 'application/json' END)",
            Self::V2 { .. } => "b.content_type",
        }
    }

    /// The columns that a write sets, besides the key and the end.
    pub(super) fn columns(&self) -> &'static str {
        match self {
            Self::V1 { .. } => "value, isbinary",
            Self::V2 { .. } => "value, etag",
        }
    }

    /// What these are set to, of the item `i`.
    pub(super) fn given(&self) -> &'static str {
        match self {
            Self::V1 { .. } => {
                "CASE WHEN i.is_json THEN convert_from(i.value, 'UTF8')::jsonb
                 ELSE to_jsonb(translate(encode(i.value, 'base64'), E'\\n', '')) END,
                 NOT i.is_json"
            }
            Self::V2 { .. } => "i.value, gen_random_uuid()",
        }
    }

    /// What a row that is there is set to, of one that was to be inserted; `value` is what its value becomes.
    pub(super) fn replaced(&self, value: &str) -> String {
        match self {
            Self::V1 { .. } => format!("value = {value}, isbinary = excluded.isbinary, updatedate = now()"),
            Self::V2 { .. } => format!("value = {value}, etag = excluded.etag, updated_at = now()"),
        }
    }

    /// The bytes of JSON that `jsonb` does not hand back as they were, of the item `i`.
    pub(super) fn original(&self) -> &'static str {
        match self {
            Self::V1 { .. } => {
                "CASE WHEN i.is_json THEN nullif(convert_from(i.value, 'UTF8'), convert_from(i.value, 'UTF8')::jsonb::text) END"
            }
            Self::V2 { .. } => "NULL::text",
        }
    }

    /// Whether a value that is JSON may stand in the database as such, and not as bytes like all others.
    pub(super) fn knows_json(&self) -> bool {
        matches!(self, Self::V1 { .. })
    }
}
