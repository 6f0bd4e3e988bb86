//! Configuration: it comes from the operator, over the console, and over the API.

use std::collections::BTreeMap;
use std::path::Path;

use usher::config::{check_text, org};

/// org.toml, and the same text as usher.toml. Every fault can be shown, and what is read is read the same way twice.
pub(crate) fn org_toml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // A value may name a file: that is the operator's right, and not looked for here.
    if text.contains("file:") {
        return;
    }
    let read = || org::parse(Path::new("org.toml"), text, &BTreeMap::new());
    match read() {
        Ok((settings, warnings)) => {
            assert_eq!(read().ok().map(|(again, _)| format!("{again:?}")), Some(format!("{settings:?}")));
            let _ = usher::config::render_all(&warnings, false);
        }
        Err(faults) => drop(faults.render(false)),
    }
    let _ = usher::config::render_all(&check_text(Path::new("usher.toml"), text), false);
}
