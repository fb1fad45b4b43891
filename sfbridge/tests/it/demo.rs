//! The story of one lead, as newcomers see it.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

async fn told(arguments: &[&str]) -> (Option<i32>, String, String) {
    let free = "127.0.0.1:0";
    let mut command = Command::new(env!("CARGO_BIN_EXE_sfbridge"));
    command
        .args(["demo", "--once", "--simulator-listen", free])
        .args(["--gateway-listen", free, "--core-listen", free])
        .args(["--operator-listen", free])
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = command.output().await.unwrap();
    (
        ended.status.code(),
        String::from_utf8(ended.stdout).unwrap(),
        String::from_utf8(ended.stderr).unwrap(),
    )
}

#[tokio::test]
async fn the_demo_shows_a_lead_being_enriched_and_ends_by_itself_when_asked() {
    let (code, story, errors) = told(&["--json"]).await;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{story}");
    let end: Value = serde_json::from_str(&story).unwrap();
    let jobs = end["lead_enrichments"].as_array().unwrap();
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        assert_eq!(job["state"], "LEAD_ENRICHMENT_STATE_SUCCEEDED", "{job}");
        assert_eq!(job["written_fields"]["Infinity_Channel__c"], "PPC");
    }
    let path = &jobs[0]["written_fields"]["Infinity_Path__c"];
    assert_eq!(path, "SEO > Email > PPC > Direct");
}

#[tokio::test]
async fn the_demo_tells_people_each_step_and_shows_no_secret() {
    let (code, story, _) = told(&[]).await;
    assert_eq!(code, Some(0), "{story}");
    let steps = [
        "The tracked site records",
        "She fills in a form",
        "written into the Lead",
        "no loop",
        "WAITING_FOR_DATA",
        "goes on at once",
        "Try, in another terminal",
    ];
    let mut rest = story.as_str();
    for step in steps {
        let (_, after) = rest
            .split_once(step)
            .unwrap_or_else(|| panic!("{step} in {story}"));
        rest = after;
    }
    assert!(!story.contains("PRIVATE KEY") && !story.contains("pretended-secret"));
}

#[tokio::test]
async fn the_demo_touches_nothing_of_yours() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sfbridge.toml");
    std::fs::write(&file, "").unwrap();
    let (code, _, errors) = told(&["--config", file.to_str().unwrap()]).await;
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("leave --config out"), "{errors}");
}
