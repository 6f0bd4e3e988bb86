//! Every way in which a SAML message, key or metadata document is refused.

/// Why something was refused. [`SamlError::code`] is stable and goes to the log and the audit; the text never quotes the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SamlError {
    // What any message must be before it is read.
    /// Larger than a SAML message has reason to be.
    #[error("the message is too large")]
    TooLarge,
    /// Not base64.
    #[error("the message is not base64")]
    NotBase64,
    /// Not a deflate stream.
    #[error("the message cannot be inflated")]
    NotDeflate,
    /// Not UTF-8.
    #[error("the message is not UTF-8")]
    NotUtf8,
    /// A document type declaration.
    #[error("the message has a document type declaration")]
    Doctype,
    /// A comment.
    #[error("the message has a comment")]
    Comment,
    /// A CDATA section.
    #[error("the message has a CDATA section")]
    Cdata,
    /// A processing instruction.
    #[error("the message has a processing instruction")]
    ProcessingInstruction,
    /// Not well-formed XML.
    #[error("the message is not well-formed XML")]
    NotXml,
    /// More nested elements than any SAML message has.
    #[error("the message is nested too deeply")]
    TooDeep,
    /// More elements, or more attributes on one element, than any SAML message has.
    #[error("the message has too many elements or attributes")]
    TooWide,
    /// Two elements with the same id.
    #[error("an id stands twice in the message")]
    DuplicateId,
    /// An id that is not an `NCName`.
    #[error("an id of the message is malformed")]
    IdMalformed,
    /// Not the shape of a SAML message; the text names the element.
    #[error("the message has the wrong structure at {0}")]
    Structure(&'static str),
    /// Not exactly one assertion.
    #[error("the message does not have exactly one assertion")]
    AssertionNotOne,
    /// A response inside the message.
    #[error("the message holds a response where none belongs")]
    ResponseNested,
    /// An assertion, plain or encrypted, anywhere but straight in the response; or an element that is only called so.
    #[error("the message holds an assertion where none belongs")]
    AssertionMisplaced,
    /// `Extensions`.
    #[error("the message has extensions")]
    ExtensionsRefused,
    /// `Advice`.
    #[error("the assertion has advice")]
    AdviceRefused,
    /// An issuer, a subject, a confirmation or a name where none belongs.
    #[error("the message names somebody where no name belongs")]
    NameMisplaced,
    /// An `Object` or `Manifest` of XML Signature, or an element that is only called so.
    #[error("a signature holds an object or a manifest")]
    ObjectRefused,
    /// An encrypted name.
    #[error("the message has an encrypted name")]
    EncryptedIdRefused,
    /// Another version than 2.0.
    #[error("the message is not of SAML 2.0")]
    VersionWrong,
    /// A value with elements in it, or none.
    #[error("the value of {0} is not one piece of text")]
    ValueNotText(&'static str),

    // Signatures.
    /// Nothing that we read is signed.
    #[error("no signature covers the assertion")]
    SignatureMissing,
    /// A signature that does not stand straight after the issuer of what it signs.
    #[error("a signature stands in the wrong place")]
    SignatureMisplaced,
    /// Not exactly one `SignedInfo`.
    #[error("a signature does not have exactly one SignedInfo")]
    SignedInfoNotOne,
    /// Not exactly one `Reference`.
    #[error("a signature does not have exactly one reference")]
    ReferenceNotOne,
    /// A signature with other parts than the profile has.
    #[error("a signature has the wrong structure at {0}")]
    SignatureShape(&'static str),
    /// A reference without an address, or with an empty one, which means the whole document.
    #[error("a signature refers to the whole document, or to nothing")]
    ReferenceEmpty,
    /// A reference to something outside of the message.
    #[error("a signature refers to something outside of the message")]
    ReferenceExternal,
    /// A reference by an expression.
    #[error("a signature refers to its content by an expression")]
    ReferenceXpointer,
    /// The reference does not name the element that the signature stands in.
    #[error("a signature refers to something else than its parent")]
    ReferenceWrong,
    /// Another transform than enveloped-signature and exclusive canonicalization.
    #[error("a signature asks for a transform that is not accepted")]
    TransformRefused,
    /// A canonicalization that is not exclusive, or with comments.
    #[error("a signature asks for a canonicalization that is not accepted")]
    CanonicalizationRefused,
    /// A signature algorithm that is not accepted.
    #[error("the algorithm of the signature is not accepted")]
    AlgorithmRefused,
    /// A signature algorithm for another kind of key than this connection has.
    #[error("the algorithm of the signature is for another kind of key than this connection's")]
    AlgorithmOfAnotherKey,
    /// A digest algorithm that is not accepted.
    #[error("the digest algorithm of the signature is not accepted")]
    DigestRefused,
    /// The digest does not fit the bytes.
    #[error("the signed content was changed")]
    DigestWrong,
    /// No pinned key of this connection made the signature.
    #[error("the signature was not made with a key of this connection")]
    SignatureWrong,
    /// A prefix without a namespace, or a namespace that is not an absolute URI.
    #[error("the message has a namespace that is not accepted")]
    NamespaceRefused,

    // Encryption.
    /// An encryption algorithm that is not accepted.
    #[error("the assertion is encrypted with an algorithm that is not accepted")]
    EncryptionRefused,
    /// Could not be decrypted; the same for every cause, on purpose.
    #[error("the assertion could not be decrypted")]
    DecryptionFailed,

    /// Encrypted in CBC mode without what the connection asks for then.
    #[error("the assertion is encrypted in CBC mode, and the response around it is not signed")]
    CbcUnsigned,

    // The query of the redirect binding.
    /// A parameter that stands twice, or a request and a response at once.
    #[error("a parameter stands twice in the query")]
    ParameterTwice,
    /// Parameters in another order than the one that is signed, or spelled so that two readers could differ.
    #[error("the parameters of the query are not those of a SAML message, in their order")]
    QueryMalformed,
    /// No signature algorithm.
    #[error("the query names no signature algorithm")]
    AlgorithmMissing,

    // What the message says.
    /// Another issuer of the response than the connection's.
    #[error("the issuer of the message is not this connection's identity provider")]
    MessageIssuerWrong,
    /// Another issuer of the assertion than the connection's.
    #[error("the issuer of the assertion is not this connection's identity provider")]
    IssuerWrong,
    /// The identity provider says that the login failed; with its second-level status when that is a known one.
    #[error("the identity provider answered that the login failed ({})", .0.unwrap_or("no known detail"))]
    StatusNotSuccess(Option<&'static str>),
    /// Meant for another address.
    #[error("the destination is not this connection's address")]
    DestinationWrong,
    /// A signed response without a destination (SAML Bindings 3.5.5.2).
    #[error("the signed response has no destination")]
    DestinationMissing,
    /// Confirmed for another address.
    #[error("the recipient is not this connection's address")]
    RecipientWrong,
    /// The response answers another request, or claims to answer one.
    #[error("the response does not answer the request that this browser started")]
    ResponseInResponseToWrong,
    /// The subject confirmation is for another request, or claims to be for one.
    #[error("the assertion does not answer the request that this browser started")]
    InResponseToWrong,
    /// The response, or the subject confirmation, answers no request.
    #[error("the message does not say which request it answers")]
    InResponseToMissing,
    /// Nobody asked, and this connection does not accept that.
    #[error("nobody asked for this login")]
    Unsolicited,
    /// No or several subject confirmations.
    #[error("the assertion does not have exactly one subject confirmation")]
    ConfirmationMissing,
    /// Another method than bearer.
    #[error("the subject confirmation is not a bearer confirmation")]
    ConfirmationNotBearer,
    /// A bearer confirmation may not have `NotBefore` (SAML Profiles 4.1.4.2).
    #[error("the subject confirmation has a start time, which is not allowed")]
    ConfirmationNotBefore,
    /// The subject confirmation has expired.
    #[error("the subject confirmation has expired")]
    ConfirmationExpired,
    /// The subject confirmation never ends (SAML Profiles 4.1.4.2).
    #[error("the subject confirmation has no end")]
    ConfirmationEndless,
    /// No conditions.
    #[error("the assertion has no conditions")]
    ConditionsMissing,
    /// A condition that we do not know (SAML Core 2.5.1.1: then the assertion cannot be valid).
    #[error("the assertion has a condition that is not known")]
    ConditionUnknown,
    /// Not valid yet.
    #[error("the assertion is not valid yet")]
    NotYetValid,
    /// Not valid any more.
    #[error("the message has expired")]
    Expired,
    /// No audience.
    #[error("the assertion does not say for whom it is")]
    AudienceMissing,
    /// For another service.
    #[error("the assertion is for another audience")]
    AudienceWrong,
    /// Issued too long ago.
    #[error("the message was issued too long ago")]
    IssuedTooLongAgo,
    /// Issued in the future.
    #[error("the message was issued in the future")]
    IssuedInFuture,
    /// A time that is missing, not in UTC, or outside the years 2000 to 2200.
    #[error("a time of the message is malformed")]
    TimeMalformed,
    /// No or several authentication statements.
    #[error("the assertion does not have exactly one authentication statement")]
    AuthnStatementMissing,
    /// The session at the identity provider is over.
    #[error("the session at the identity provider has ended")]
    SessionExpired,

    // Who it is.
    /// No `NameID`.
    #[error("the message has no NameID")]
    NameIdMissing,
    /// Several `NameID`s, or one of another namespace.
    #[error("the message does not have exactly one NameID")]
    NameIdNotOne,
    /// A name that changes at every login cannot name a person; configure a subject attribute.
    #[error("the NameID is transient: set a subject attribute for this connection")]
    SubjectTransient,
    /// The configured subject attribute did not come.
    #[error("the subject attribute is missing")]
    SubjectMissing,
    /// Empty, too long, or with blanks or invisible characters.
    #[error("the subject is empty, too long, or has characters that are not accepted")]
    SubjectMalformed,
    /// Two values where one is needed.
    #[error("the attribute for the {0} has several values")]
    AttributeAmbiguous(&'static str),
    /// Not an address.
    #[error("the email attribute is not an address")]
    EmailMalformed,

    // Settings of the connection.
    /// No key of the identity provider: nothing could ever be verified.
    #[error("the identity provider has no signing certificate")]
    NoKeys,
    /// A key that is too short or of an unknown kind.
    #[error("a key is too short or of a kind that is not accepted")]
    KeyRefused,
    /// Not a certificate.
    #[error("a certificate cannot be read")]
    CertificateMalformed,
    /// Not a private key, or not the certificate's.
    #[error("the private key cannot be read or does not belong to the certificate")]
    KeyMalformed,
    /// The metadata was not fetched yet.
    #[error("the identity provider's metadata has not been fetched")]
    MetadataMissing,
    /// Not metadata of one identity provider; the text says what is wrong.
    #[error("the metadata cannot be used: {0}")]
    MetadataMalformed(&'static str),
    /// An address that is not https (or loopback), or has a fragment or a password.
    #[error("an address of the identity provider is not accepted")]
    UrlRefused,
    /// Could not be written.
    #[error("the message could not be written")]
    WriteFailed,
    /// The machine has no randomness.
    #[error("the system's random number generator failed")]
    Random,
}

impl SamlError {
    /// The stable code: the variant's name in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.into()
    }
}

impl From<crate::random::RandomError> for SamlError {
    fn from(_: crate::random::RandomError) -> Self {
        Self::Random
    }
}
