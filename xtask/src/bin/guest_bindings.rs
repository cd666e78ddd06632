//! What stands between a guest in C or Go and the contract: the generators of `wit-bindgen` and the embedder of `wasm-tools`,
//! as libraries, and what builds apps in Go. Those commands do the same, and take minutes to be installed.
//!
//! | arguments | does |
//! |---|---|
//! | `c WORLD WIT FOLDER`, `go WORLD WIT FOLDER` | `wit-bindgen c WIT -w WORLD --out-dir FOLDER` |
//! | `embed WORLD WIT MODULE TO` | `wasm-tools component embed -w WORLD WIT MODULE -o TO` |
//! | `go-app WORLD FOLDER CACHE TO` | builds the Go program in FOLDER into the component TO |

use anyhow::{Context, Result, anyhow, bail};
use dapr_go_components::{App, Go, build_app};
use std::path::Path;
use wit_bindgen_core::wit_parser::{Resolve, WorldId};
use wit_bindgen_core::{Files, WorldGenerator};
use wit_component::StringEncoding;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["c", world, wit, folder] => {
            let generator = wit_bindgen_c::Opts::default().build();
            generate(generator, world, wit, Path::new(folder))
        }
        ["go", world, wit, folder] => {
            let options = wit_bindgen_go::Opts {
                format: wit_bindgen_go::Format::False,
                quiet: true,
                ..Default::default()
            };
            generate(options.build(), world, wit, Path::new(folder))
        }
        ["embed", world, wit, module, to] => embed(world, wit, module, to),
        ["go-app", world, folder, cache, to] => go_app(world, Path::new(folder), Path::new(cache), to),
        _ => bail!("unknown arguments: {}", args.join(" ")),
    }
}

fn contract(world: &str, wit: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit).map_err(|error| anyhow!("{wit}: {error:#}"))?;
    let world = resolve
        .select_world(&[package], Some(world))
        .map_err(|error| anyhow!("{wit}: {error:#}"))?;
    Ok((resolve, world))
}

fn generate(mut generator: Box<dyn WorldGenerator>, world: &str, wit: &str, folder: &Path) -> Result<()> {
    let (mut resolve, world) = contract(world, wit)?;
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

fn embed(world: &str, wit: &str, module: &str, to: &str) -> Result<()> {
    let (resolve, world) = contract(world, wit)?;
    let mut bytes = std::fs::read(module).with_context(|| format!("cannot read {module}"))?;
    wit_component::embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8, false)
        .map_err(|error| anyhow!("{module}: {error:#}"))?;
    std::fs::write(to, bytes).with_context(|| format!("cannot write {to}"))
}

fn go_app(world: &str, folder: &Path, cache: &Path, to: &str) -> Result<()> {
    let app = App { folder, world };
    let component = build_app(&Go::find()?, &app, cache, &|step| eprintln!("> {step}"))?;
    std::fs::write(to, component).with_context(|| format!("cannot write {to}"))
}
