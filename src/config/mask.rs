//! Stars over secrets that are written into a file, so that a pointer into the line never shows them.

/// Keys whose values are secret, unless they only say where the secret is.
const SECRET_KEYS: [&str; 6] = ["client_secret", "client_key", "service_account", "key", "database", "redis"];

/// The text with every secret value starred out. Offsets of bytes stay what they were.
pub(super) fn star_out_secrets(text: &str) -> String {
    let mut shown = text.to_owned();
    for key in SECRET_KEYS {
        let mut from = 0;
        while let Some(found) = shown.get(from..).and_then(|rest| rest.find(key)) {
            let after_key = from + found + key.len();
            from = after_key;
            let stands_alone = !shown.get(..after_key - key.len()).is_some_and(|before| before.ends_with(is_key_char));
            if let Some((start, end)) = stands_alone.then(|| value_after(&shown, after_key)).flatten() {
                let value = shown.get(start..end).unwrap_or_default();
                if is_secret(key, value) {
                    let stars: String = value.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
                    shown.replace_range(start..end, &stars);
                }
                from = end;
            }
        }
    }
    shown
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn is_secret(key: &str, value: &str) -> bool {
    let elsewhere = value.starts_with("env:") || value.starts_with("file:");
    // The address of a server is worth seeing as long as it carries no password, neither before the host nor behind the question mark.
    let harmless = matches!(key, "database" | "redis") && !value.contains(['@', '?']);
    !elsewhere && !harmless
}

/// Where the string after `key =` starts and ends; to the end of the line (or file) when it is not closed.
fn value_after(text: &str, offset: usize) -> Option<(usize, usize)> {
    let rest = text.get(offset..)?;
    let value = rest.trim_start_matches(['"', '\'']).trim_start().strip_prefix('=')?.trim_start_matches([' ', '\t']);
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| value.starts_with(quote))?;
    let body = value.strip_prefix(quote)?;
    let start = text.len() - body.len();
    let limit = if quote.len() == 3 { body.len() } else { body.find('\n').unwrap_or(body.len()) };
    let length = closing(body.get(..limit)?, quote).unwrap_or(limit);
    Some((start, start + length))
}

fn closing(body: &str, quote: &str) -> Option<usize> {
    if quote.starts_with('\'') {
        return body.find(quote);
    }
    // A quote behind a backslash does not close a basic string.
    let mut escaped = false;
    body.char_indices().find_map(|(at, c)| {
        if escaped {
            escaped = false;
            return None;
        }
        escaped = c == '\\';
        body.get(at..)?.starts_with(quote).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::star_out_secrets;

    #[test]
    fn a_secret_is_starred_out_and_nothing_moves() {
        let text = "client_secret = \"a\\\"bc\"  # kept\nx = { client_secret = 'ä', y = 1 }\n";
        let shown = star_out_secrets(text);
        assert_eq!(shown, "client_secret = \"*****\"  # kept\nx = { client_secret = '**', y = 1 }\n");
        assert_eq!(shown.len(), text.len());
    }

    #[test]
    fn an_unclosed_secret_is_starred_out_to_the_end_of_the_line() {
        assert_eq!(star_out_secrets("client_secret = \"abc\nx = 1"), "client_secret = \"***\nx = 1");
    }

    #[test]
    fn where_a_secret_is_may_be_seen() {
        for text in ["key = \"file:/run/key\"", "client_secret = \"env:SECRET\"", "database = \"sqlite\"", "monkey = \"abc\""] {
            assert_eq!(star_out_secrets(text), text);
        }
    }

    #[test]
    fn a_password_in_a_database_address_is_starred_out() {
        for text in [
            "database = \"postgres://u:hunter2@h/db\"",
            "database = \"postgres://h/db?user=u&password=hunter2\"",
            "redis = \"redis+sentinel://h/service?sentinel_password=hunter2\"",
        ] {
            assert!(!star_out_secrets(text).contains("hunter2"), "{text}");
        }
    }
}
