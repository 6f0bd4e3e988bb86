//! The twelve people and six groups of the demo identity provider. Each person shows one thing that a login can meet.

/// The domain of everyone but the partner.
pub const DOMAIN: &str = "acme.example";

/// The six groups of Acme, as the provider sends them.
pub const GROUPS: [&str; 6] = ["app-owners", "app-admins", "everyone", "design", "engineering", "support"];

/// How many groups the person with many groups is in.
pub const MANY_GROUPS: usize = 300;

/// What the provider says about someone's groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// In these groups; none is an empty claim.
    Groups(&'static [&'static str]),
    /// In `everyone` and in so many project groups that there are [`MANY_GROUPS`].
    Many,
    /// The claim is left out, as some providers do for some people.
    ClaimLeftOut,
    /// The claim is replaced by a pointer, as Entra ID does above its limit.
    Overage,
}

/// Someone who can be picked at the demo identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoPerson {
    /// The form value that picks this person.
    pub id: &'static str,
    /// The display name.
    pub name: &'static str,
    /// The provider's stable subject: an employee number, never the address.
    pub subject: &'static str,
    /// The address.
    pub email: &'static str,
    /// The address that takes turns with [`Self::email`], for the person whose address changes.
    pub other_email: Option<&'static str>,
    /// What is said about groups.
    pub membership: Membership,
    /// What there is to see, in one sentence.
    pub shows: &'static str,
}

impl DemoPerson {
    /// The group values that are sent, when a list is sent at all.
    #[must_use]
    pub fn groups(&self) -> Option<Vec<String>> {
        match self.membership {
            Membership::Groups(groups) => Some(groups.iter().map(|&group| group.to_owned()).collect()),
            Membership::Many => {
                let projects = (1..MANY_GROUPS).map(|number| format!("project-{number:03}"));
                Some(projects.chain(["everyone".to_owned()]).collect())
            }
            Membership::ClaimLeftOut | Membership::Overage => None,
        }
    }

    /// The groups in a few words, for the page where people are picked.
    #[must_use]
    pub fn groups_in_words(&self) -> String {
        match self.membership {
            Membership::Groups([]) => "in no group".to_owned(),
            Membership::Groups(groups) => groups.join(", "),
            Membership::Many => format!("everyone and {} project groups", MANY_GROUPS - 1),
            Membership::ClaimLeftOut => "groups are not sent".to_owned(),
            Membership::Overage => "too many groups to send".to_owned(),
        }
    }

    /// The first letter of the name, for the round picture.
    #[must_use]
    pub fn initial(&self) -> &'static str {
        self.name.get(..1).unwrap_or_default()
    }
}

/// Finds a person by form value.
#[must_use]
pub fn find_person(id: &str) -> Option<&'static DemoPerson> {
    PEOPLE.iter().find(|person| person.id == id)
}

const fn person(
    id: &'static str,
    name: &'static str,
    subject: &'static str,
    email: &'static str,
    membership: Membership,
    shows: &'static str,
) -> DemoPerson {
    DemoPerson { id, name, subject, email, other_email: None, membership, shows }
}

/// Everyone, in the order in which the page shows them.
pub const PEOPLE: [DemoPerson; 12] = [
    person(
        "ada",
        "Ada Lovelace",
        "employee-1002",
        "ada@acme.example",
        Membership::Groups(&["app-admins", "design"]),
        "Start here: Admin by one group, a Premium seat by the other.",
    ),
    person(
        "noah",
        "Noah Webb",
        "employee-1003",
        "noah@acme.example",
        Membership::Groups(&[]),
        "In no group: a plain refusal, and nothing is created.",
    ),
    person(
        "olivia",
        "Olivia Owens",
        "employee-1001",
        "olivia@acme.example",
        Membership::Groups(&["app-owners"]),
        "The Primary Owner: her seat is kept for her, and no rule can shut her out.",
    ),
    person(
        "jo",
        "Jo Park",
        "employee-1004",
        "jo@acme.example",
        Membership::Groups(&["everyone"]),
        "User, with the highest seat that is free, because no group says which.",
    ),
    person(
        "mia",
        "Mia Santos",
        "employee-1005",
        "mia@acme.example",
        Membership::Groups(&["everyone", "design"]),
        "User, with a Premium seat by design.",
    ),
    person(
        "sam",
        "Sam Okafor",
        "employee-1006",
        "sam@acme.example",
        Membership::Groups(&["everyone", "app-admins", "engineering"]),
        "In two role groups: the higher role wins.",
    ),
    person(
        "max",
        "Max Hubner",
        "employee-1007",
        "max@acme.example",
        Membership::Many,
        "In 300 groups: one of them is mapped, and that one counts.",
    ),
    DemoPerson {
        id: "nina",
        name: "Nina Berg",
        subject: "employee-1008",
        email: "nina.berg@acme.example",
        other_email: Some("nina.vos@acme.example"),
        membership: Membership::Groups(&["everyone", "support"]),
        shows: "Sign in twice: her address changes, she stays the same member.",
    },
    person(
        "lena",
        "Lena Fischer",
        "employee-1009",
        "lena@acme.example",
        Membership::Groups(&["everyone"]),
        "Comes last: takes the last seat. In scenario seats-full she needs only to come first.",
    ),
    person(
        "tim",
        "Tim Novak",
        "employee-1010",
        "tim@acme.example",
        Membership::Groups(&["Everyone", "engineering"]),
        "His group is spelled Everyone: refused, and explain names the near miss.",
    ),
    person(
        "otto",
        "Otto Lindqvist",
        "employee-1011",
        "otto@acme.example",
        Membership::Overage,
        "His provider says \"too many groups\": unknown is not the same as none.",
    ),
    person(
        "rosa",
        "Rosa Blanc",
        "partner-0001",
        "rosa@partner.example",
        Membership::Groups(&["everyone"]),
        "From another domain, which nobody verified: refused.",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everyone_differs_in_id_subject_and_address() {
        assert_eq!(PEOPLE.iter().map(|p| p.id).collect::<BTreeSet<_>>().len(), 12);
        assert_eq!(PEOPLE.iter().map(|p| p.subject).collect::<BTreeSet<_>>().len(), 12);
        let emails: Vec<_> = PEOPLE.iter().flat_map(|p| [Some(p.email), p.other_email]).flatten().collect();
        assert_eq!(emails.iter().collect::<BTreeSet<_>>().len(), emails.len());
    }

    #[test]
    fn the_person_in_many_groups_is_in_exactly_that_many() {
        let groups = find_person("max").unwrap().groups().unwrap();
        assert_eq!(groups.iter().collect::<BTreeSet<_>>().len(), MANY_GROUPS);
        assert!(groups.contains(&"everyone".to_owned()));
    }
}
