//! A response that an administrator pasted, read to see what a login with it would mean. Nothing of it is verified, and it signs nobody in.

use super::response::find_unverified_assertion;
use super::xml::MAX_XML_BYTES;
use super::{SamlError, identity, message, xml};
use crate::core::{ConnectionId, Identity, SamlSettings};

/// Who a response or an assertion says it is about, by the attributes that the connection names: as XML, or in base64 as browsers post it. At most
/// 256 KiB of XML. `None`: the assertion is encrypted, so nothing can be read.
///
/// # Errors
/// [`SamlError`]: too large, not such a message, or without a subject.
pub fn read_unverified(connection: &ConnectionId, settings: &SamlSettings, unverified: &str) -> Result<Option<Identity>, SamlError> {
    let text = unverified.trim();
    let unverified_xml = if text.starts_with('<') { text.to_owned() } else { message::decode_post(text)? };
    if unverified_xml.len() > MAX_XML_BYTES {
        return Err(SamlError::TooLarge);
    }
    let document = xml::parse(&unverified_xml)?;
    let Some(assertion) = find_unverified_assertion(document.root_element())? else { return Ok(None) };
    let person = identity::read(assertion, settings)?;
    Ok(Some(Identity {
        connection: connection.clone(),
        subject: person.subject,
        email: person.email,
        name: person.name,
        groups: person.groups,
        idp_initiated: false,
    }))
}
