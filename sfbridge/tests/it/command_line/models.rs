//! Attribution models of an installation.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::Server;

/// The models that the manual shows, each in a file.
fn of_the_manual(folder: &Path) -> Vec<PathBuf> {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/attribution.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let blocks = manual.split("```json\n").skip(1);
    let models = blocks.map(|block| block.split("```").next().unwrap());
    let files = models.enumerate().map(|(n, model)| {
        let path = folder.join(format!("{n}.json"));
        std::fs::write(&path, model).unwrap();
        path
    });
    files.collect()
}

fn ids(json: &Value) -> Vec<i64> {
    let models = json["attribution_models"].as_array().unwrap().iter();
    models.map(|model| model["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn the_models_of_the_manual_are_set_listed_and_taken_away() {
    let up = Server::up().await;
    let folder = tempfile::tempdir().unwrap();
    let files = of_the_manual(folder.path());
    assert_eq!(files.len(), 2);
    let flags: Vec<_> = files
        .iter()
        .map(|file| format!("--attribution-model @{}", file.display()))
        .collect();
    let create = format!("installations create 61 {}", flags.join(" "));
    let created = up.run(&create).await;
    for words in ["Paid, first click", "ATTRIBUTION_MODEL_TYPE_SPREAD", "uk-"] {
        assert!(created.ok().contains(words), "{words} in {created:?}");
    }
    let default = "installations update 61 --attribution-model-id 12";
    up.run(default).await.ok();

    let listed = up.run("installations models 61").await;
    let lines: Vec<_> = listed.ok().lines().collect();
    assert_eq!(lines.len(), 1 + 11 + 2, "{listed:?}");
    assert!(lines[6].starts_with('5'), "{listed:?}");
    assert!(lines[6].contains("all but direct"), "{listed:?}");
    assert!(
        lines[12].contains("ppc") && lines[12].contains("30"),
        "{listed:?}"
    );
    assert!(
        lines[13].contains("campaign beginsi \"uk-\" and"),
        "{listed:?}"
    );
    assert!(lines[13].ends_with("default"), "{listed:?}");
    let json = up.run("installations models 61 --json").await.json();
    assert_eq!(json["attribution_model_id"], 12);
    assert_eq!(ids(&json), (0..=12).collect::<Vec<_>>());

    // What is shown can be given again.
    let shown = up.run("installations show 61 --json").await.json();
    let path = folder.path().join("shown.json");
    std::fs::write(&path, shown["attribution_models"].to_string()).unwrap();
    let again = format!(
        "installations update 61 --attribution-model @{} --json",
        path.display()
    );
    let again = up.run(&again).await.json();
    assert_eq!(again["attribution_models"], shown["attribution_models"]);

    let none = "installations update 61 --no-attribution-models";
    let refused = up.run(none).await;
    assert!(
        refused.failed(1).contains("attribution model 12"),
        "{refused:?}"
    );
    up.run(&format!("{none} --attribution-model-id 0"))
        .await
        .ok();
    let shown = up.run("installations show 61 --json").await.json();
    assert_eq!(ids(&shown), Vec::<i64>::new());
}

#[tokio::test]
async fn a_model_that_is_wrong_is_refused_by_name() {
    let up = Server::up().await;
    let wrong = r#"{"id":11,"display_name":"A","type":"last","criteria":[{"field":"campain","op":"eq","value":"x"}]}"#;
    let create = format!("installations create 61 --attribution-model {wrong}");
    let refused = up.run(&create).await;
    for words in ["attribution_models[0].criteria[0].field", "`campaign`"] {
        assert!(refused.failed(1).contains(words), "{words} in {refused:?}");
    }
    let no_json = up.run("installations create 61 --attribution-model id=11");
    assert!(no_json.await.failed(2).contains("not JSON"));
}
