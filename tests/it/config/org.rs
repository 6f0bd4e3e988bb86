//! org.toml into settings.

use usher::core::{IdpSource, Mode, Protocol};

use super::{Folder, ORG, codes_of, org_findings};

#[test]
fn a_sound_file_has_no_warnings_and_keeps_its_order() {
    let (settings, warnings) = Folder::new().with("org.toml", ORG).load_org().unwrap();
    assert!(warnings.is_empty());
    let organization = &settings.organizations[0];
    assert_eq!(organization.mode, Mode::Jit);
    assert_eq!(
        organization.seat_tiers.iter().map(|seats| (seats.tier.as_str(), seats.owned)).collect::<Vec<_>>(),
        [("Premium", 20), ("Standard", 250)]
    );
    let admin = organization.role_mappings.iter().find(|mapping| mapping.role.as_str() == "Admin").unwrap();
    assert_eq!(admin.groups.iter().map(|group| group.value.as_str()).collect::<Vec<_>>(), ["app-admins", "it-platform"]);
}

#[test]
fn a_group_may_have_a_label_and_is_taken_as_it_is() {
    let text = ORG.replace("[\"everyone\"]", "[{ value = \"8f1c\", label = \"Everyone\" }, \" group with spaces \", \"env:prod\"]");
    let (settings, _) = Folder::new().with("org.toml", &text).load_org().unwrap();
    let user = settings.organizations[0].role_mappings.iter().find(|mapping| mapping.role.as_str() == "User").unwrap();
    let groups: Vec<_> = user.groups.iter().map(|group| (group.value.as_str(), group.label.as_deref())).collect();
    assert_eq!(groups, [("8f1c", Some("Everyone")), ("group with spaces", None), ("env:prod", None)]);
}

/// A provider described by hand, or by a file.
fn with_saml(fields: &str) -> String {
    let (before, rest) = ORG.split_once("protocol").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    format!("{before}protocol = \"saml\"\ndomains = [\"acme.example\"]\n{fields}\n\n{after}")
}

#[test]
fn metadata_is_read_from_a_file_beside() {
    let folder = Folder::new().with("okta.xml", "<?xml version=\"1.0\"?><md:EntityDescriptor/>");
    let folder = folder.with("org.toml", &with_saml("idp_metadata = \"file:okta.xml\""));
    let (settings, _) = folder.load_org().unwrap();
    let Protocol::Saml(saml) = &settings.connections[0].protocol else { panic!() };
    assert!(matches!(&saml.idp, IdpSource::Metadata(xml) if xml.contains("EntityDescriptor")));
}

#[test]
fn a_provider_described_by_hand_may_have_several_certificates() {
    let fields = "entity_id = \"https://idp\"\nsso_url = \"https://idp.acme.example/sso\"\n\
                  certificates = [\"MIIBAA==\", \"-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\"]";
    let (settings, _) = Folder::new().with("org.toml", &with_saml(fields)).load_org().unwrap();
    let Protocol::Saml(saml) = &settings.connections[0].protocol else { panic!() };
    assert!(matches!(&saml.idp, IdpSource::Manual { certificates, slo_url: None, .. } if certificates.len() == 2));
}

#[test]
fn documents_that_are_not_metadata_are_refused_at_first_sight() {
    for (document, code) in [
        ("not xml", "U035"),
        ("<html></html>", "U035"),
        ("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><EntityDescriptor/>", "U035"),
    ] {
        let folder = Folder::new().with("okta.xml", document).with("org.toml", &with_saml("idp_metadata = \"file:okta.xml\""));
        assert_eq!(folder.load_org().unwrap_err().list()[0].code.as_str(), code, "{document}");
    }
}

#[test]
fn a_private_provider_must_be_meant() {
    for issuer in ["https://10.0.0.8", "http://127.0.0.1:9000", "http://idp.localhost", "https://[fd00::1]", "https://169.254.169.254"] {
        let text = ORG.replace("https://login.microsoftonline.com/8f1c/v2.0", issuer);
        assert_eq!(codes_of("org.toml", &text), ["U038"], "{issuer}");
        assert_eq!(codes_of("org.toml", &text.replace("client_id", "internal = true\nclient_id")), Vec::<&str>::new(), "{issuer}");
    }
}

#[test]
fn row_53_no_spelling_of_primary_owner_is_a_role() {
    for name in ["Primary Owner", "primary_owner", "PRIMARY-OWNER", "PrimaryOwner"] {
        assert_eq!(codes_of("org.toml", &ORG.replace("Admin = [", &format!("\"{name}\" = ["))), ["U042"], "{name}");
    }
}

#[test]
fn row_22_one_group_under_two_roles_is_a_warning() {
    let findings = org_findings(&ORG.replace("[\"everyone\"]", "[\"everyone\", \"it-platform\"]"));
    assert!(findings.starts_with("warning[W001]") && findings.contains("\"it-platform\" is mapped to Admin and to User"), "{findings}");
}

#[test]
fn row_28_seat_mappings_with_one_tier_are_a_warning() {
    assert_eq!(codes_of("org.toml", &ORG.replace(", { name = \"Standard\", seats = 250 }", "")), ["W002"]);
}

#[test]
fn a_domain_that_waits_for_dns_is_loaded_and_not_verified() {
    let text = ORG.replace("\"operator\"", "\"dns\"").replace("primary_owner = \"olivia@acme.example\"\n", "");
    let (settings, warnings) = Folder::new().with("org.toml", &text).load_org().unwrap();
    assert_eq!(settings.domains[0].verified, None);
    assert_eq!(warnings.iter().map(|warning| warning.code.as_str()).collect::<Vec<_>>(), ["W003"]);
}
