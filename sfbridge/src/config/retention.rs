//! The settings of how long things are kept.

use core_service::ExpiringConfig;
use core_service::domain::{InvalidRetention, Keeping, Periods, Perishable, Retention};

use super::layers::{ConfigError, Layers};
use super::setting::Setting;
use super::value::{invalid, required};

/// When what is old goes.
pub(super) fn config(layers: &Layers) -> Result<ExpiringConfig, ConfigError> {
    let keeping = |setting| keeping(layers, setting);
    let periods = Periods {
        idempotency_keys: keeping(Setting::RetentionIdempotencyKeys)?,
        events: keeping(Setting::RetentionEvents)?,
        call_ratings: keeping(Setting::RetentionCallRatings)?,
        lead_enrichments: keeping(Setting::RetentionLeadEnrichments)?,
        open_notifications: keeping(Setting::RetentionQuarantine)?,
        resolved_notifications: keeping(Setting::RetentionQuarantineResolved)?,
        visits: keeping(Setting::RetentionVisits)?,
        calls: keeping(Setting::RetentionCalls)?,
    };
    let retention = Retention::new(periods).map_err(|problem| {
        let setting = match problem {
            InvalidRetention::KeysTooShort => Setting::RetentionIdempotencyKeys,
            InvalidRetention::BeforeKeys { what, .. } => setting_of(what),
        };
        match required(layers, setting) {
            Ok(value) => invalid(setting, value, &problem.to_string()),
            Err(missing) => missing,
        }
    })?;
    Ok(ExpiringConfig {
        retention,
        ..ExpiringConfig::default()
    })
}

/// The default of a setting that says how long something is kept.
pub(super) fn default_of(setting: Setting) -> Option<String> {
    let what = Perishable::ALL
        .into_iter()
        .find(|what| setting_of(*what) == setting)?;
    Some(Retention::default().of(what).to_string())
}

fn setting_of(what: Perishable) -> Setting {
    match what {
        Perishable::IdempotencyKey => Setting::RetentionIdempotencyKeys,
        Perishable::Event => Setting::RetentionEvents,
        Perishable::CallRating => Setting::RetentionCallRatings,
        Perishable::LeadEnrichment => Setting::RetentionLeadEnrichments,
        Perishable::OpenNotification => Setting::RetentionQuarantine,
        Perishable::ResolvedNotification => Setting::RetentionQuarantineResolved,
        Perishable::Visit => Setting::RetentionVisits,
        Perishable::Call => Setting::RetentionCalls,
    }
}

fn keeping(layers: &Layers, setting: Setting) -> Result<Keeping, ConfigError> {
    let value = required(layers, setting)?;
    let problem =
        "is not a time to keep things; write whole days from 1 up, such as 90d, or forever";
    parse(value.text.trim()).ok_or_else(|| invalid(setting, value, problem))
}

fn parse(text: &str) -> Option<Keeping> {
    /// Longer than anybody's records are old.
    const MOST: u32 = 36_500;

    if text == "forever" {
        return Some(Keeping::Forever);
    }
    let digits = text.strip_suffix('d')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let days = digits.parse().ok()?;
    (1..=MOST).contains(&days).then_some(Keeping::Days(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_keep_things_is_whole_days_or_forever() {
        for (text, expected) in [
            ("90d", Some(Keeping::Days(90))),
            ("1d", Some(Keeping::Days(1))),
            ("forever", Some(Keeping::Forever)),
            ("0d", None),
            ("90", None),
            ("+90d", None),
            ("12h", None),
            ("", None),
            ("d", None),
            ("99999999999d", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
