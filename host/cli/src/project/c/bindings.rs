//! The bindings of a project in C, by the Bytecode Alliance's generator, from the WIT that the project has.

use crate::failure::{Failure, Outcome};
use crate::project::world::{self, HTTP_APP, world};
use std::fs;
use std::io;
use std::path::Path;
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

/// What they are called, whichever world they are of: a world of one's own changes no source.
const NAME: &str = "http-app";

/// Writes them into a folder of the project, and answers the paths of what is to be compiled and linked with it.
pub(super) fn write(project: &Path, folder: &str) -> Outcome<(String, String)> {
    let wit = project.join("wit");
    let unfit = |error: &dyn std::fmt::Display| {
        let failure = Failure::usage(format!("cannot write bindings from `{}`", wit.display()));
        world::unfit(failure.detail(format!("{error:#}")), project)
    };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(&wit).map_err(|error| unfit(&error))?;
    let world = resolve
        .select_world(&[package], Some(world(project, HTTP_APP)))
        .map_err(|error| unfit(&error))?;
    let mut files = Files::default();
    let options = wit_bindgen_c::Opts {
        rename_world: Some(NAME.to_owned()),
        ..wit_bindgen_c::Opts::default()
    };
    let mut generator = options.build();
    generator
        .generate(&mut resolve, world, &mut files)
        .map_err(|error| unfit(&error))?;

    let unwritable =
        |path: &Path, error: io::Error| Failure::run(format!("cannot write `{}`", path.display())).because(&error);
    let to = project.join(folder);
    fs::create_dir_all(&to).map_err(|error| unwritable(&to, error))?;
    let (mut source, mut object) = (String::new(), String::new());
    for (name, contents) in files.iter() {
        let path = to.join(name);
        fs::write(&path, contents).map_err(|error| unwritable(&path, error))?;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("c") => source = format!("{folder}/{name}"),
            Some("o") => object = format!("{folder}/{name}"),
            _ => {}
        }
    }
    Ok((source, object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_are_a_header_a_source_and_the_contract_as_an_object() {
        let project = tempfile::tempdir().unwrap();
        crate::wit::write(&project.path().join("wit")).unwrap();
        let (source, object) = write(project.path(), "bindings").unwrap();
        assert_eq!(source, "bindings/http_app.c");
        assert_eq!(object, "bindings/http_app_component_type.o");
        for file in [source.as_str(), object.as_str(), "bindings/http_app.h"] {
            assert!(project.path().join(file).is_file(), "{file}");
        }
    }

    #[test]
    fn a_wit_without_the_world_is_the_users_to_mend() {
        let project = tempfile::tempdir().unwrap();
        let wit = project.path().join("wit");
        fs::create_dir(&wit).unwrap();
        fs::write(wit.join("own.wit"), "package own:own;\nworld own {}\n").unwrap();
        assert!(write(project.path(), "bindings").unwrap_err().is_mistake());
    }
}
