//! The committed results are those of the run beside them, and nothing else.

use std::fs;
use std::path::Path;

use latchwork_benches::{Run, plot};

#[test]
fn figures_in_documents_are_those_of_the_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let run = Run::read(&root.join("docs/results/run.json")).unwrap();
    let crates = ["treiber", "reclaim", "rwlock", "ringpal", "batch-writer"];
    let readmes = crates.iter().map(|name| format!("{name}/README.md"));
    for name in readmes.chain(["docs/book/choosing.md".to_owned()]) {
        let document = fs::read_to_string(root.join(&name)).unwrap();
        let filled = run.quoted_in(&document).unwrap();
        let remade = format!("`cargo versus --from docs/results/run.json --quote {name}`");
        assert_eq!(filled, document, "the figures are not the run's; {remade} puts them there");
    }
}

#[test]
fn every_picture_and_number_is_made_from_the_run() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/results");
    let file = directory.join("run.json");
    let run = Run::read(&file).unwrap();
    assert!(!run.quick, "the results of a quick run are not for docs");
    let remade = "`cargo versus --from docs/results/run.json --results docs/results` makes it";
    let page = fs::read_to_string(directory.join("README.md")).unwrap();
    assert_eq!(page, run.page(), "README.md is not the run's; {remade}");
    let pictures = plot::pictures(&run);
    for (name, picture) in &pictures {
        let found = fs::read_to_string(directory.join(name)).unwrap_or_default();
        assert_eq!(&found, picture, "{name} is not the run's; {remade}");
    }
    for entry in fs::read_dir(&directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = pictures.contains_key(&name) || ["README.md", "run.json"].contains(&&*name);
        assert!(known, "{name} belongs to no run");
    }
}
