//! How pages say things.

use serde_json::Value;

/// A member's name as people read it: `creditorAccount` and `creditor_account` are "creditor account".
pub(super) fn in_words(name: &str) -> String {
    let mut words = String::new();
    let mut was_lower = false;
    for character in name.chars() {
        if character == '_' || (was_lower && character.is_uppercase()) {
            words.push(' ');
        }
        was_lower = character.is_lowercase();
        if character != '_' {
            words.extend(character.to_lowercase());
        }
    }
    words
}

/// A value as people read it: an object as its members, an array as its elements.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(elements) => elements.iter().map(as_text).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            // Each part isolated (Unicode UAX 9), so that no text of one can turn the order of others.
            let isolated = |text: &str| format!("\u{2068}{text}\u{2069}");
            let member = |(name, value): (&String, &Value)| format!("{} {}", isolated(&in_words(name)), isolated(&as_text(value)));
            members.iter().map(member).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Scheme, host and port of a URL that was judged at registration.
pub(super) fn origin_of(uri: &str) -> &str {
    let start = uri.find("://").map_or(0, |colon| colon + 3);
    let end = uri.get(start..).and_then(|rest| rest.find(['/', '?'])).map_or(uri.len(), |end| start + end);
    uri.get(..end).unwrap_or_default()
}

/// A day as ISO 8601 writes it. Algorithm: days since 1970 to a civil date, as Howard Hinnant has published it.
pub(super) fn date(seconds: u64) -> String {
    let days = i64::try_from(seconds / 86_400).unwrap_or(0) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(1_798_761_599), "2026-12-31");
    }

    #[test]
    fn details_are_shown_in_words() {
        assert_eq!(
            (in_words("creditorAccount"), in_words("creditor_account")),
            ("creditor account".to_owned(), "creditor account".to_owned())
        );
        let amount = json!({ "currency": "EUR", "amount": "1.50", "of": [1, { "isoCode": true }] });
        let plain = as_text(&amount).replace(['\u{2068}', '\u{2069}'], "");
        assert_eq!(plain, "currency EUR, amount 1.50, of 1, iso code true");
    }

    #[test]
    fn origins_end_where_paths_begin() {
        assert_eq!(origin_of("https://c.example/cb?x=1"), "https://c.example");
        assert_eq!(origin_of("http://127.0.0.1:99?x"), "http://127.0.0.1:99");
    }
}
