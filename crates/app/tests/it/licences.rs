//! Every dependency may be used, changed and shipped by anybody: permissive licences only, as `deny.toml` lists them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

#[test]
fn licences_are_permissive() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let deny: toml::Table = std::fs::read_to_string(root.join("deny.toml")).unwrap().parse().unwrap();
    let allowed: BTreeSet<&str> = deny["licenses"]["allow"].as_array().unwrap().iter().filter_map(|v| v.as_str()).collect();
    let output =
        Command::new(env!("CARGO")).args(["metadata", "--format-version", "1", "--locked"]).current_dir(&root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "only {} packages", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !may_be_used(package["license"].as_str().unwrap_or_default(), &allowed))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "licences that deny.toml does not allow:\n{}", refused.join("\n"));
}

/// One alternative of the expression has only allowed licences.
fn may_be_used(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let bare = |text: &str| text.trim_matches([' ', '(', ')']).to_owned();
    let alternatives = expression.replace('/', " OR ");
    alternatives.split(" OR ").any(|all| all.split(" AND ").all(|one| allowed.contains(bare(one).as_str())))
}
