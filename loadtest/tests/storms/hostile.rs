//! Names that are meant to be taken for something else by whoever reads a report.

use tempfile::TempDir;

use crate::program::{Leave, run};

const SCENARIO: &str = r#"
name = "</title><script src='http://192.0.2.1/name.js'></script>"
title = "\"'><img src=http://192.0.2.1/title.png onerror=alert(1)>"
seconds = 1

[[classes]]
name = "</script><script>alert('class')</script>"
flow = "trusted-sign-in"
device = "trusted"
arrivals = { rate = 10 }
"#;

/// Beginnings of what a browser would run or load.
const LIVE: [&str; 6] = ["<script", "<img", "<link", "<iframe", "@import", "url("];

#[test]
fn no_page_of_a_run_takes_a_name_for_more_than_text_or_loads_anything() {
    let directory = TempDir::new().unwrap();
    let scenario = directory.path().join("hostile.toml");
    std::fs::write(&scenario, SCENARIO).unwrap();
    let report = directory.path().join("report");
    let (scenario, out) = (scenario.display().to_string(), report.display().to_string());
    let _leave = Leave::wait();
    let (_, shown) = run(&["storm", &scenario, "--seed", "1", "--quiet", "--report", &out]);
    let files = std::fs::read_dir(&report).unwrap().map(|entry| entry.unwrap().path());
    let pages: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "html"))
        .collect();
    assert!(!pages.is_empty(), "{shown}");
    for path in pages {
        let page = std::fs::read_to_string(&path).unwrap().to_lowercase();
        assert!(page.contains("alert("), "{}: the names are there", path.display());
        for live in LIVE {
            assert!(!page.contains(live), "{}: {live}", path.display());
        }
        for loaded in page
            .split(['<', '>'])
            .filter(|tag| tag.contains("src=") || tag.contains("href="))
        {
            assert!(
                loaded.starts_with("a ") || !loaded.contains("//"),
                "{}: {loaded}",
                path.display()
            );
        }
    }
    let goose = std::fs::read(report.join("goose.json")).unwrap();
    let goose = serde_json::from_slice::<serde_json::Value>(&goose).unwrap();
    assert!(
        goose.to_string().contains("alert('class')"),
        "Goose's own figures name the class"
    );
}
