//! The way of the bytes of an app or a provider into the host, as `dapr-wasm run` has it, up to where wasmtime compiles them.

use dapr_runtime::caught::print_no_caught_panic;
use dapr_runtime::needs::{self, Block, Configured, Entry, Need, Stores};
use dapr_runtime::providers::file::ProviderFile;
use dapr_runtime::shape::Shape;
use dapr_runtime::source;
use std::borrow::Cow;
use std::error::Error;
use std::sync::Once;

/// What the host made of the bytes of an app.
pub struct Arrived {
    /// What it imports and exports.
    pub shape: Shape,
    /// How it is entered.
    pub entry: Option<Entry>,
    /// What satisfies its imports, without stores.
    pub needs: Vec<Need>,
}

/// The first thing that a target does: panics that the host makes errors of are none that it is to find.
static CAUGHT: Once = Once::new();

/// Follows bytes in, and panics where the host breaks a promise. None if they are refused, which is not one.
pub fn follow(bytes: &[u8]) -> Option<Arrived> {
    CAUGHT.call_once(print_no_caught_panic);
    if let Err(error) = ProviderFile::plugin(bytes) {
        say(&error);
    }
    let _ = source::producers(bytes).iter().map(ToString::to_string).count();
    let component = match source::component(bytes) {
        Ok(component) => component,
        Err(error) => {
            say(&error);
            return None;
        }
    };
    // Of a module, a component is made once: that is most of the time.
    for block in [Block::State, Block::Secrets] {
        if let Err(error) = ProviderFile::component(Cow::Borrowed(&component), block) {
            say(&error);
        }
    }
    let again = source::component(&component);
    assert!(
        matches!(&again, Ok(Cow::Borrowed(again)) if **again == *component),
        "what is a component is not taken as one: {again:?}"
    );
    let _ = source::producers(&component);
    let shape = Shape::of(&component).ok()?;
    let entry = needs::entry(&shape);
    for (names, others) in [(&[][..], true), (&["statestore".to_owned()][..], false)] {
        check(&shape, &needs::needs(&shape, both(Stores { names, others })));
    }
    let none = Stores {
        names: &[],
        others: false,
    };
    let needs = needs::needs(&shape, both(none));
    check(&shape, &needs);
    Some(Arrived { shape, entry, needs })
}

/// The same stores of each building block.
fn both(stores: Stores<'_>) -> Configured<'_> {
    Configured {
        state: stores,
        secrets: stores,
        egress: false,
    }
}

/// As the command prints it, with all causes.
fn say(error: &(dyn Error + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        assert!(!error.to_string().is_empty(), "a refusal without words: {error:?}");
        next = error.source();
    }
}

/// There is a standing for each import, and it can be said.
fn check(shape: &Shape, needs: &[Need]) {
    assert!(shape.imports.iter().eq(needs.iter().map(|need| &need.name)));
    for need in needs {
        assert!(!need.standing.to_string().is_empty(), "{need:?}");
        let unconfigured = need.standing.unconfigured().is_some();
        assert!(!(unconfigured && need.standing.is_fatal()), "{need:?}");
    }
}
