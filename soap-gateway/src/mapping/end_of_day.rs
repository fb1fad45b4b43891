//! The end of a day in a zone.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Offset, TimeZone};
use chrono_tz::Tz;

const DAY: i64 = 86_400;

/// Clocks are not changed more often than this, so a change between two looks
/// shows as another offset.
const LOOK_EVERY: i64 = 900;

/// The last second whose local date is the day; for a day that the zone left
/// out, the last second of the day before.
///
/// That is 23:59:59 where it exists, the later one where it exists twice, and
/// the last second before the jump where a jump swallows it.
pub(super) fn end_of_day(day: NaiveDate, zone: Tz) -> DateTime<chrono::Utc> {
    last_second(day, zone)
        .or_else(|| last_second(day.checked_sub_days(Days::new(1))?, zone))
        // No zone ever left out two days together.
        .unwrap_or_else(|| day.and_time(NaiveTime::MIN).and_utc())
}

/// The last second whose local date is the day.
///
/// Only the way from UTC to local time is asked for, because it is never
/// ambiguous; local time changes direction where clocks are put back.
fn last_second(day: NaiveDate, zone: Tz) -> Option<DateTime<chrono::Utc>> {
    let first_local = day.and_time(NaiveTime::MIN).and_utc().timestamp();
    let last_local = first_local + DAY - 1;
    let earliest = first_local - DAY;

    // Offsets are less than a day, so the day is over everywhere at `after`.
    // Stretches of one offset are tried from there backwards.
    let mut after = first_local + 2 * DAY;
    while after > earliest {
        let offset = offset_at(zone, after - 1)?;
        let last = (last_local - offset).min(after - 1);
        let start = start_of_offset(zone, after - 1, last.max(earliest))?;
        if last >= start && last + offset >= first_local {
            return DateTime::from_timestamp(last, 0);
        }
        after = start;
    }
    None
}

/// The first second from which on the offset is what it is at `end`, looked for
/// back to `enough`.
fn start_of_offset(zone: Tz, end: i64, enough: i64) -> Option<i64> {
    let offset = offset_at(zone, end)?;
    let mut same = end;
    while same > enough {
        let mut other = (same - LOOK_EVERY).max(enough);
        if offset_at(zone, other)? == offset {
            same = other;
            continue;
        }
        while same - other > 1 {
            let middle = other + (same - other) / 2;
            if offset_at(zone, middle)? == offset {
                same = middle;
            } else {
                other = middle;
            }
        }
        return Some(same);
    }
    Some(same)
}

/// Seconds east of UTC.
fn offset_at(zone: Tz, second: i64) -> Option<i64> {
    let time = DateTime::from_timestamp(second, 0)?.naive_utc();
    let offset = zone.offset_from_utc_datetime(&time).fix();
    Some(i64::from(offset.local_minus_utc()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(day: &str, zone: &str, expected: &str) {
        let end = end_of_day(day.parse().unwrap(), zone.parse().unwrap());
        assert_eq!(
            end.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            expected,
            "{day} {zone}"
        );
    }

    #[test]
    fn a_day_ends_at_23_59_59() {
        check("2026-03-01", "UTC", "2026-03-01T23:59:59Z");
        check("2024-07-01", "Europe/London", "2024-07-01T22:59:59Z");
        check("2024-01-15", "America/New_York", "2024-01-16T04:59:59Z");
        check("2024-01-15", "Pacific/Kiritimati", "2024-01-15T09:59:59Z");
        check("2024-01-15", "Asia/Kathmandu", "2024-01-15T18:14:59Z");
        check("1700-01-01", "Asia/Manila", "1700-01-02T15:56:07Z");
        check("4000-12-31", "Pacific/Honolulu", "4001-01-01T09:59:59Z");
    }

    #[test]
    fn where_23_59_59_happens_twice_the_later_counts() {
        check("2024-10-31", "Africa/Cairo", "2024-10-31T21:59:59Z");
        check("2025-10-30", "Africa/Cairo", "2025-10-30T21:59:59Z");
        check("2025-10-25", "Asia/Beirut", "2025-10-25T21:59:59Z");
        check("2026-04-04", "America/Santiago", "2026-04-05T03:59:59Z");
        check("2025-10-25", "America/Nuuk", "2025-10-26T01:59:59Z");
        // Alaska had the day twice when it moved to this side of the date line.
        check("1867-10-18", "America/Sitka", "1867-10-19T09:01:12Z");
    }

    #[test]
    fn where_23_59_59_does_not_exist_the_last_second_that_does_counts() {
        check("2024-03-30", "America/Nuuk", "2024-03-31T00:59:59Z");
        check("2025-03-29", "America/Nuuk", "2025-03-30T00:59:59Z");
        check("2018-05-04", "Asia/Pyongyang", "2018-05-04T14:59:59Z");
    }

    #[test]
    fn where_the_day_does_not_exist_the_second_before_the_jump_counts() {
        check("2011-12-30", "Pacific/Apia", "2011-12-30T09:59:59Z");
        check("2011-12-30", "Pacific/Fakaofo", "2011-12-30T10:59:59Z");
        check("1994-12-31", "Pacific/Kiritimati", "1994-12-31T09:59:59Z");
    }

    fn local_date(zone: Tz, time: DateTime<chrono::Utc>) -> NaiveDate {
        time.with_timezone(&zone).date_naive()
    }

    /// Looks at every second for a minute and a half, then at every minute for
    /// two days.
    fn assert_is_end(day: NaiveDate, zone: Tz) {
        let end = end_of_day(day, zone);
        let date = local_date(zone, end);
        let seconds = (1..90).chain((90..50 * 3_600).step_by(60));
        for later in seconds {
            let time = end + chrono::TimeDelta::seconds(later);
            assert_ne!(local_date(zone, time), day, "{zone} {end} is not the last");
        }
        if date != day {
            assert_eq!(date.succ_opt(), Some(day), "{zone} {end}");
            // The day would have to lie within the two days before.
            for earlier in (0..50 * 3_600).step_by(60) {
                let time = end - chrono::TimeDelta::seconds(earlier);
                assert_ne!(local_date(zone, time), day, "{zone} {end} is too early");
            }
        }
    }

    /// Any zone and a day from 1900 to 2040.
    fn zone_and_day() -> impl Strategy<Value = (Tz, NaiveDate)> {
        let zones = proptest::sample::select(&chrono_tz::TZ_VARIANTS[..]);
        (zones, 0..51_500_u64).prop_map(|(zone, days)| {
            let first = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap();
            (zone, first + Days::new(days))
        })
    }

    /// The first day from this one on whose offset differs from the day before
    /// at noon, within some years.
    fn next_change(zone: Tz, day: NaiveDate) -> Option<NaiveDate> {
        let offset = |day: &NaiveDate| {
            let noon = day.and_hms_opt(12, 0, 0).unwrap();
            zone.offset_from_utc_datetime(&noon).fix()
        };
        let mut days = day.iter_days().take(2_000);
        let first = offset(&days.next()?);
        days.find(|day| offset(day) != first)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn the_end_of_a_day_is_its_last_second((zone, day) in zone_and_day()) {
            assert_is_end(day, zone);
        }

        #[test]
        fn the_end_of_a_day_is_its_last_second_also_where_clocks_change(
            (zone, day) in zone_and_day()
        ) {
            if let Some(change) = next_change(zone, day) {
                assert_is_end(change - Days::new(2), zone);
                assert_is_end(change - Days::new(1), zone);
                assert_is_end(change, zone);
                assert_is_end(change + Days::new(1), zone);
            }
        }
    }
}
