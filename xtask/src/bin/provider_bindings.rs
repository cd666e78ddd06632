//! What stands between a provider in C or Go and the contract: the generators of `wit-bindgen` and the embedder of
//! `wasm-tools`, as libraries. Those commands do the same, and take minutes to be installed.
//!
//! | arguments | does |
//! |---|---|
//! | `c WIT FOLDER`, `go WIT FOLDER` | `wit-bindgen c WIT -w dapr:host/state-store --out-dir FOLDER` |
//! | `embed WIT MODULE TO` | `wasm-tools component embed -w dapr:host/state-store WIT MODULE -o TO` |

use anyhow::{Context, Result, anyhow, bail};
use std::path::Path;
use wit_bindgen_core::wit_parser::{Resolve, WorldId};
use wit_bindgen_core::{Files, WorldGenerator};
use wit_component::StringEncoding;

const WORLD: &str = "dapr:host/state-store";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["c", wit, folder] => generate(wit_bindgen_c::Opts::default().build(), wit, Path::new(folder)),
        ["go", wit, folder] => {
            let options = wit_bindgen_go::Opts {
                format: wit_bindgen_go::Format::False,
                quiet: true,
                ..Default::default()
            };
            generate(options.build(), wit, Path::new(folder))
        }
        ["embed", wit, module, to] => embed(wit, module, to),
        _ => bail!("unknown arguments: {}", args.join(" ")),
    }
}

fn contract(wit: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit).map_err(|error| anyhow!("{wit}: {error:#}"))?;
    let world = resolve
        .select_world(&[package], Some(WORLD))
        .map_err(|error| anyhow!("{wit}: {error:#}"))?;
    Ok((resolve, world))
}

fn generate(mut generator: Box<dyn WorldGenerator>, wit: &str, folder: &Path) -> Result<()> {
    let (mut resolve, world) = contract(wit)?;
    let mut files = Files::default();
    generator
        .generate(&mut resolve, world, &mut files)
        .map_err(|error| anyhow!("{wit}: {error:#}"))?;
    for (name, contents) in files.iter() {
        let path = folder.join(name.trim_start_matches('/'));
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        std::fs::write(&path, contents).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn embed(wit: &str, module: &str, to: &str) -> Result<()> {
    let (resolve, world) = contract(wit)?;
    let mut bytes = std::fs::read(module).with_context(|| format!("cannot read {module}"))?;
    wit_component::embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8, false)
        .map_err(|error| anyhow!("{module}: {error:#}"))?;
    std::fs::write(to, bytes).with_context(|| format!("cannot write {to}"))
}
