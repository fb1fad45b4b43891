//! Attribution models: the built-in ones, and those of an installation.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::TimeDelta;
use sfbridge_values::{ShortText, Timestamp};

use super::{AttributionModelId, Considered};
use crate::domain::criteria::folded;
use crate::domain::{Criteria, Criterion, InvalidCriteria, NewCriterion, Visit};

/// A rule that shares a journey out over its visits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributionModel {
    id: AttributionModelId,
    display_name: ShortText,
    kind: ModelKind,
    lookback_days: u16,
    first_weight: u16,
    last_weight: u16,
    channels: Channels,
    criteria: Criteria,
    /// Whether the latest visit stands in when the channels leave none.
    falls_back: bool,
}

/// What a model does with the visits that it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// The earliest ever has it all.
    InfiniteFirst,
    /// The latest ever has it all.
    InfiniteLast,
    /// The earliest within the look-back has it all.
    First,
    /// The latest within the look-back has it all.
    Last,
    /// All within the look-back have a share.
    Spread,
}

/// Which channels a model looks at. Names and types count alike, in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Channels {
    /// All.
    #[default]
    All,
    /// These only.
    Include(BTreeSet<String>),
    /// All but these.
    Exclude(BTreeSet<String>),
}

/// A custom model as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttributionModel {
    /// Its id, which is none of a built-in model.
    pub id: AttributionModelId,
    /// A name for people.
    pub display_name: ShortText,
    /// What it does.
    pub kind: ModelKind,
    /// How far it looks back; `None` means 90 days.
    pub lookback_days: Option<u32>,
    /// The first visit's weight where others have 1; `None` means 3.
    pub first_weight: Option<u32>,
    /// The last visit's weight; `None` means 3.
    pub last_weight: Option<u32>,
    /// Which channels it looks at.
    pub channels: Channels,
    /// What holds of the visits that it looks at.
    pub criteria: Vec<NewCriterion>,
}

/// Why a custom model is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttributionModel {
    /// The id is one of a built-in model.
    #[error("is the id of a built-in model; custom ones are numbered from 11 on")]
    BuiltIn,
    /// Nobody could tell it from others.
    #[error("is empty; a model needs a name for people")]
    DisplayName,
    /// The look-back is out of range.
    #[error("is not from 1 to 3650 days")]
    Lookback,
    /// The first visit's weight is out of range.
    #[error("is not from 1 to 1000")]
    FirstWeight,
    /// The last visit's weight is out of range.
    #[error("is not from 1 to 1000")]
    LastWeight,
    /// Too many channels, or one without a name.
    #[error("are not 1 to 100 names")]
    Channels,
    /// Something is wrong with the criteria.
    #[error(transparent)]
    Criteria(#[from] InvalidCriteria),
}

impl InvalidAttributionModel {
    /// The field at fault within the model, spelled as in the contract.
    pub fn field(&self) -> String {
        match self {
            Self::BuiltIn => "id".to_owned(),
            Self::DisplayName => "display_name".to_owned(),
            Self::Lookback => "lookback_days".to_owned(),
            Self::FirstWeight => "first_weight".to_owned(),
            Self::LastWeight => "last_weight".to_owned(),
            Self::Channels => "channels".to_owned(),
            Self::Criteria(invalid) => invalid.field(),
        }
    }
}

const DEFAULT_LOOKBACK_DAYS: u16 = 90;
const DEFAULT_WEIGHT: u16 = 3;

impl AttributionModel {
    /// The built-in models, by their ids from 0 on.
    pub fn built_in() -> [Self; 11] {
        use ModelKind::{First, InfiniteFirst, InfiniteLast, Last, Spread};

        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let ppc = || Channels::Include(names(&["ppc"]));
        let not_direct = || Channels::Exclude(names(&["direct"]));
        let rows = [
            ("Last Click (Absolute)", InfiniteLast, 1, 1, Channels::All),
            ("Last Click (Infinite)", InfiniteLast, 1, 1, not_direct()),
            ("First Click (Infinite)", InfiniteFirst, 1, 1, Channels::All),
            ("First Click", First, 1, 1, Channels::All),
            ("First Click Weighted", Spread, 3, 1, Channels::All),
            ("Last Click", Last, 1, 1, not_direct()),
            ("Last Click Weighted", Spread, 1, 3, Channels::All),
            ("Equally Weighted", Spread, 1, 1, Channels::All),
            ("First and Last Click Weighted", Spread, 3, 3, Channels::All),
            ("Equally Weighted (PPC Only)", Spread, 1, 1, ppc()),
            ("First Click Weighted (PPC Only)", Spread, 3, 1, ppc()),
        ];
        let mut ids = AttributionModelId::built_in();
        rows.map(|(name, kind, first_weight, last_weight, channels)| Self {
            id: ids.next().unwrap_or_default(),
            display_name: ShortText::new(name).unwrap_or_default(),
            kind,
            lookback_days: DEFAULT_LOOKBACK_DAYS,
            first_weight,
            last_weight,
            falls_back: matches!(channels, Channels::Exclude(_)),
            channels,
            criteria: Criteria::default(),
        })
    }

    /// The built-in model of an id.
    pub fn find(id: AttributionModelId) -> Option<Self> {
        Self::built_in().into_iter().find(|model| model.id == id)
    }

    /// A custom model.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn custom(new: NewAttributionModel) -> Result<Self, Vec<InvalidAttributionModel>> {
        use InvalidAttributionModel as Invalid;

        let NewAttributionModel {
            id,
            display_name,
            kind,
            lookback_days,
            first_weight,
            last_weight,
            channels,
            criteria,
        } = new;
        let mut faults = Vec::new();
        if id.is_built_in() {
            faults.push(Invalid::BuiltIn);
        }
        if display_name.as_str().trim().is_empty() {
            faults.push(Invalid::DisplayName);
        }
        let mut within = |number, default, greatest, invalid| {
            within(number, default, greatest).unwrap_or_else(|| {
                faults.push(invalid);
                default
            })
        };
        let lookback_days = within(
            lookback_days,
            DEFAULT_LOOKBACK_DAYS,
            3_650,
            Invalid::Lookback,
        );
        let first_weight = within(first_weight, DEFAULT_WEIGHT, 1_000, Invalid::FirstWeight);
        let last_weight = within(last_weight, DEFAULT_WEIGHT, 1_000, Invalid::LastWeight);
        let channels = channels.folded().unwrap_or_else(|| {
            faults.push(Invalid::Channels);
            Channels::All
        });
        let criteria = Criteria::parse(&criteria, &Visit::FIELDS).unwrap_or_else(|invalid| {
            faults.extend(invalid.into_iter().map(Invalid::Criteria));
            Criteria::default()
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            id,
            display_name,
            kind,
            lookback_days,
            first_weight,
            last_weight,
            channels,
            criteria,
            falls_back: false,
        })
    }

    /// What one would ask for to have it, without the numbers that are of no
    /// meaning to its kind. No custom model falls back as some built-in ones do.
    pub fn as_asked(&self) -> NewAttributionModel {
        let (looks_back, weighs) = match self.kind {
            ModelKind::InfiniteFirst | ModelKind::InfiniteLast => (false, false),
            ModelKind::First | ModelKind::Last => (true, false),
            ModelKind::Spread => (true, true),
        };
        NewAttributionModel {
            id: self.id,
            display_name: self.display_name.clone(),
            kind: self.kind,
            lookback_days: looks_back.then(|| self.lookback_days()),
            first_weight: weighs.then(|| self.first_weight()),
            last_weight: weighs.then(|| self.last_weight()),
            channels: self.channels.clone(),
            criteria: self.criteria.iter().map(Criterion::as_asked).collect(),
        }
    }

    /// Its id.
    pub fn id(&self) -> AttributionModelId {
        self.id
    }

    /// Its name for people.
    pub fn display_name(&self) -> &ShortText {
        &self.display_name
    }

    /// What it does.
    pub fn kind(&self) -> ModelKind {
        self.kind
    }

    /// How far it looks back, in days. Of no meaning to the kinds that look
    /// back for ever.
    pub fn lookback_days(&self) -> u32 {
        self.lookback_days.into()
    }

    /// The first visit's weight under [`ModelKind::Spread`].
    pub fn first_weight(&self) -> u32 {
        self.first_weight.into()
    }

    /// The last visit's weight under [`ModelKind::Spread`].
    pub fn last_weight(&self) -> u32 {
        self.last_weight.into()
    }

    /// Which channels it looks at.
    pub fn channels(&self) -> &Channels {
        &self.channels
    }

    /// What holds of the visits that it looks at.
    pub fn criteria(&self) -> &Criteria {
        &self.criteria
    }

    /// Whether it takes the latest visit when its channels leave none.
    pub fn falls_back(&self) -> bool {
        self.falls_back
    }

    fn looks_at(&self, visit: &Visit) -> bool {
        self.channels.admit(visit) && self.criteria.hold(|field| visit.value(field))
    }

    /// The visits that have a share, the earliest first.
    pub(super) fn select<'a>(
        &self,
        considered: &Considered<'a>,
        as_of: Timestamp,
    ) -> Vec<&'a Visit> {
        let visits = match self.kind {
            ModelKind::InfiniteFirst | ModelKind::InfiniteLast => considered.visits(),
            ModelKind::First | ModelKind::Last | ModelKind::Spread => {
                considered.since(as_of, TimeDelta::days(self.lookback_days.into()))
            }
        };
        let mut fitting = visits.iter().filter(|visit| self.looks_at(visit));
        let one = match self.kind {
            ModelKind::Spread => return fitting.collect(),
            ModelKind::InfiniteFirst | ModelKind::First => fitting.next(),
            ModelKind::InfiniteLast | ModelKind::Last => fitting.next_back(),
        };
        let stand_in = || considered.visits().last().filter(|_| self.falls_back);
        one.or_else(stand_in).into_iter().collect()
    }

    /// The weight of a visit by its place among those selected.
    pub(super) fn weight(&self, place: usize, count: usize) -> u32 {
        if self.kind != ModelKind::Spread {
            return 1;
        }
        let first = if place == 0 { self.first_weight } else { 1 };
        let last = if place + 1 == count {
            self.last_weight
        } else {
            1
        };
        first.max(last).into()
    }
}

impl Channels {
    /// Whether a visit came through one of them.
    fn admit(&self, visit: &Visit) -> bool {
        let is_named = |names: &BTreeSet<String>| {
            [&visit.channel_type, &visit.channel_name]
                .into_iter()
                .any(|name| names.contains(fold(name).as_ref()))
        };
        match self {
            Self::All => true,
            Self::Include(names) => is_named(names),
            Self::Exclude(names) => !is_named(names),
        }
    }

    /// The same, to be compared without regard to case. `None` when they are
    /// too many, or none, or one has no name.
    fn folded(self) -> Option<Self> {
        const MAX: usize = 100;

        let folded = |names: BTreeSet<String>| {
            let names: BTreeSet<_> = names.iter().map(|name| fold(name).into_owned()).collect();
            let is_usable = (1..=MAX).contains(&names.len()) && !names.contains("");
            is_usable.then_some(names)
        };
        match self {
            Self::All => Some(Self::All),
            Self::Include(names) => folded(names).map(Self::Include),
            Self::Exclude(names) => folded(names).map(Self::Exclude),
        }
    }
}

/// A channel's name without regard to case.
fn fold(name: &str) -> Cow<'_, str> {
    folded(Cow::Borrowed(name.trim()))
}

/// A number with a default, from 1 to a greatest.
fn within(number: Option<u32>, default: u16, greatest: u16) -> Option<u16> {
    let number = number.map_or(Ok(default), u16::try_from).ok()?;
    (1..=greatest).contains(&number).then_some(number)
}
