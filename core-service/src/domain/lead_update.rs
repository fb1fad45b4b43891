//! What an enrichment writes into a Lead.

use sfbridge_values::FieldName;

use super::{
    FieldTexts, LeadField, LeadTarget, LeadValue, MarketingData, OverwritePolicy, TimeZone,
    WrittenMarks,
};

/// What there is to decide about a Lead.
#[derive(Debug)]
pub struct LeadState<'a> {
    /// The organisation's fields, as far as they can be had. Without them every
    /// field is taken for a long text.
    pub fields: Option<&'a [LeadField]>,
    /// What the Lead shows by field. A field that is not there is not known.
    pub present: &'a FieldTexts,
    /// What sfbridge wrote last, or was about to.
    pub written: &'a WrittenMarks,
    /// What to do when a field holds something else. Unset: keep what tells of
    /// the first contact, write over the rest.
    pub overwrite_policy: Option<OverwritePolicy>,
    /// For texts that show a time.
    pub zone: TimeZone,
}

/// What is to become of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedField {
    /// Where the value comes from, and where it goes.
    pub target: LeadTarget,
    /// The decision.
    pub decision: Decision,
    /// The value in the field's form, where there is one.
    pub value: Option<LeadValue>,
    /// Whether the value was cut to the field's length.
    pub is_cut: bool,
}

/// What is to become of a field, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is written.
    Write,
    /// The Lead holds the value already.
    Unchanged,
    /// The Lead holds another value, which is to be kept.
    Kept,
    /// Nothing is known of the attribute.
    NoValue,
    /// The organisation has no such field.
    NoField,
    /// An API user may not write it.
    ReadOnly,
    /// The field can't hold such a value.
    Misfit,
}

/// Decides for each target what is to become of it.
pub fn plan(
    targets: &[LeadTarget],
    data: &MarketingData<'_>,
    lead: &LeadState<'_>,
) -> Vec<PlannedField> {
    let one = |target: &LeadTarget| {
        let (decision, value, is_cut) = lead.decide(target, data);
        PlannedField {
            target: target.clone(),
            decision,
            value,
            is_cut,
        }
    };
    targets.iter().map(one).collect()
}

impl LeadState<'_> {
    fn decide(
        &self,
        target: &LeadTarget,
        data: &MarketingData<'_>,
    ) -> (Decision, Option<LeadValue>, bool) {
        let Some(value) = data.value(&target.attribute) else {
            return (Decision::NoValue, None, false);
        };
        let kind = match self.field(&target.field) {
            Ok(field) if !field.is_updateable => return (Decision::ReadOnly, None, false),
            Ok(field) => field.kind,
            Err(decision) => return (decision, None, false),
        };
        let Ok(formatted) = kind.format(&value, self.zone) else {
            return (Decision::Misfit, None, false);
        };
        let decision = match self.present.get(&target.field).map(str::trim) {
            None | Some("") => Decision::Write,
            Some(present) if formatted.value.is_held_as(present) => Decision::Unchanged,
            Some(present) if self.may_replace(target, &kind.canonical(present)) => Decision::Write,
            Some(_) => Decision::Kept,
        };
        (decision, Some(formatted.value), formatted.is_cut)
    }

    fn field(&self, name: &FieldName) -> Result<LeadField, Decision> {
        let Some(fields) = self.fields else {
            return Ok(LeadField::unknown(name));
        };
        let field = fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name.as_str()));
        field.cloned().ok_or(Decision::NoField)
    }

    /// Whether another value may be written over. What sfbridge wrote itself
    /// always may.
    fn may_replace(&self, target: &LeadTarget, present: &str) -> bool {
        let is_ours = self.written.is_ours(target.field.as_str(), present);
        let overwrites = match self.overwrite_policy {
            Some(OverwritePolicy::Always) => true,
            Some(OverwritePolicy::Empty) => false,
            None => !target.is_first_touch(),
        };
        is_ours || overwrites
    }
}

#[cfg(test)]
mod tests;
