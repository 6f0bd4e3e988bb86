//! The people whom the providers of the tests know. Their password, where one is asked, is their name.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// Name to sign in with, full name, groups.
const PEOPLE: [(&str, &str, &[&str]); 3] =
    [("ada", "Ada Lovelace", &["app-admins", "design"]), ("jo", "Jo Everyone", &["everyone"]), ("noah", "Noah Nobody", &["visitors"])];

/// `people.json`, which the providers' own files read at every request.
pub(crate) struct People(PathBuf);

impl People {
    pub(crate) fn write(directory: &Path) -> Self {
        let file = Self(directory.join("people.json"));
        file.save(&PEOPLE.into_iter().map(|(uid, name, groups)| (uid.to_owned(), json!({ "name": name, "groups": groups }))).collect());
        file
    }

    /// Changes someone's groups, from their next login on.
    pub(crate) fn set_groups(&self, uid: &str, groups: &[&str]) {
        let mut people: Map<String, Value> = serde_json::from_str(&std::fs::read_to_string(&self.0).unwrap()).unwrap();
        people[uid]["groups"] = json!(groups);
        self.save(&people);
    }

    fn save(&self, people: &Map<String, Value>) {
        let unfinished = self.0.with_extension("new");
        std::fs::write(&unfinished, serde_json::to_string(people).unwrap()).unwrap();
        std::fs::rename(unfinished, &self.0).unwrap();
    }
}
