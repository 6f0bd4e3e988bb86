//! Before people sign in through another connection: whose address fits the new one, and whose does not (row 51).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{EmailAddress, MemberRow};

/// What a switch of connections would meet. Each person is in one list only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preflight {
    /// Will be found by their address, or has signed in through the new connection already.
    pub ready: Vec<MemberRow>,
    /// Has no address, or one that the new connection does not take or know: will be a stranger there.
    pub unmatched: Vec<MemberRow>,
    /// Shares the address with somebody else here, or it stands several times at the new provider: nobody will be chosen.
    pub duplicate: Vec<MemberRow>,
    /// The address differs from the new provider's in case only. Usher compares without regard to case; other apps may not.
    pub case_only: Vec<MemberRow>,
}

/// Sorts people, each with whether the new connection knows them already. `takes` says whether it takes an address; `there` are the addresses at the new
/// provider, if somebody has a list.
#[must_use]
pub fn preflight(people: Vec<(MemberRow, bool)>, takes: impl Fn(&EmailAddress) -> bool, there: Option<&[EmailAddress]>) -> Preflight {
    let mut here: BTreeMap<String, usize> = BTreeMap::new();
    for email in people.iter().filter_map(|(row, _)| row.person.email.as_ref()) {
        *here.entry(email.folded().to_owned()).or_default() += 1;
    }
    let mut spellings: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for email in there.unwrap_or_default() {
        spellings.entry(email.folded()).or_default().push(email.as_str());
    }
    let mut answer = Preflight::default();
    for (row, is_known) in people {
        let Some(email) = row.person.email.clone().filter(|email| is_known || takes(email)) else {
            if is_known {
                answer.ready.push(row);
            } else {
                answer.unmatched.push(row);
            }
            continue;
        };
        let found = spellings.get(email.folded()).map(Vec::as_slice);
        let list = match found {
            _ if is_known => &mut answer.ready,
            _ if here.get(email.folded()).is_some_and(|count| *count > 1) => &mut answer.duplicate,
            Some([one]) if *one != email.as_str() => &mut answer.case_only,
            Some(several) if several.iter().collect::<BTreeSet<_>>().len() > 1 => &mut answer.duplicate,
            None if there.is_some() => &mut answer.unmatched,
            Some(_) | None => &mut answer.ready,
        };
        list.push(row);
    }
    answer
}
