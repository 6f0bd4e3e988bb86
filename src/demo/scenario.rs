//! What can be different about a demo from its start.

/// A named start of the demo (`--scenario NAME`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::Display, strum::EnumString, strum::EnumIter)]
#[strum(serialize_all = "kebab-case")]
pub enum Scenario {
    /// A healthy provider, and seats for eight.
    #[default]
    Default,
    /// One seat is free beside the Primary Owner's: the first person takes it, the second is told that none is left.
    SeatsFull,
    /// The provider sends no groups for anyone, as after a lost mapping there.
    GroupsMissing,
}

impl Scenario {
    /// Seats owned: (Premium, Standard).
    #[must_use]
    pub const fn seats(self) -> (u32, u32) {
        match self {
            Self::Default | Self::GroupsMissing => (5, 3),
            Self::SeatsFull => (1, 1),
        }
    }

    /// What is different, in one sentence for the pages; `None` when nothing is.
    #[must_use]
    pub const fn notice(self) -> Option<&'static str> {
        match self {
            Self::Default => None,
            Self::SeatsFull => {
                Some("Scenario seats-full: one seat is free. Sign in as Lena, who takes it, and then as Jo, who finds none.")
            }
            Self::GroupsMissing => Some(
                "Scenario groups-missing: this provider sends no groups for anyone. Nobody new comes in on a guess; the Primary Owner always does.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_named_as_on_the_command_line() {
        assert_eq!("seats-full".parse(), Ok(Scenario::SeatsFull));
        assert_eq!(Scenario::GroupsMissing.to_string(), "groups-missing");
    }
}
