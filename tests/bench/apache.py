"""Apache with the modules that do a part of this work, each with somebody signed in by a message of a provider that exists only here."""
import base64, datetime, http.client, json, os, re, secrets, subprocess, time, urllib.parse, zlib

from machine import *

KEY, CERT = ROOT / "tests/fixtures/saml/idp.key.pem", ROOT / "tests/fixtures/saml/idp.crt.pem"
IDP = "https://idp.acme.example/metadata"
MODULES = ["mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http", "headers"]


def targets(directory, running, upstream):
    """What wrk can be pointed at: Apache alone, with mod_auth_mellon, with mod_auth_openidc."""
    need("apache2", "apache2")
    need("xmlsec1", "xmlsec1")
    for module in ("mellon", "openidc"):
        if not pathlib.Path(f"/usr/lib/apache2/modules/mod_auth_{module}.so").exists():
            need(f"mod_auth_{module}.so", f"libapache2-mod-auth-{module}")
    made = []
    for name, configure, sign_in in [("Apache, plain proxy", None, None), ("Apache, mod_auth_mellon", mellon, mellon_session),
                                     ("Apache, mod_auth_openidc", openidc, openidc_session)]:
        port = free_port()
        place = directory / name.split("_")[-1].replace(", ", "-").replace(" ", "-")
        place.mkdir(mode=0o755)
        modules, conf = configure(place, port) if configure else ([], "")
        process = serve(place, running, port, upstream, modules, conf)
        cookie = sign_in(port) if sign_in else None
        made.append({"name": name, "url": f"http://127.0.0.1:{port}/one-kib", "headers": [f"Cookie: {cookie}"] if cookie else [],
                     "pids": [process.pid], "group": "proxying"})
    return made


def serve(place, running, port, upstream, modules, conf):
    loaded = "\n".join(f"LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so" for module in MODULES + modules)
    (place / "apache.conf").write_text(f"""
ServerRoot {place}
ServerName 127.0.0.1
PidFile {place}/pid
DefaultRuntimeDir {place}
Mutex posixsem
ErrorLog {place}/error.log
User www-data
Group www-data
Listen 127.0.0.1:{port}
{loaded}
StartServers 1
ServerLimit 1
ThreadLimit 128
ThreadsPerChild 128
MaxRequestWorkers 128
KeepAlive On
MaxKeepAliveRequests 0
{conf}
<Location "/mellon">
  ProxyPass !
</Location>
ProxyPass "/" "http://127.0.0.1:{upstream}/"
""")
    process = start(running, SERVER_CORE, ["/usr/sbin/apache2", "-DFOREGROUND", "-f", place / "apache.conf"])
    wait_for(port)
    return process


def mellon(place, port):
    certificate = "".join(CERT.read_text().split("-----")[2].split())
    (place / "idp.xml").write_text(f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{IDP}">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing">
<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.acme.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>""")
    for name, source in [("sp.key", KEY), ("sp.crt", CERT)]:
        (place / name).write_text(source.read_text())
    return ["auth_mellon"], f"""
MellonLockFile {place}/mellon.lock
MellonCacheSize 100
<Location "/">
  AuthType Mellon
  Require valid-user
  MellonEnable auth
  MellonEndpointPath /mellon
  MellonSecureCookie Off
  MellonSPentityId http://127.0.0.1:{port}/mellon/metadata
  MellonSPPrivateKeyFile {place}/sp.key
  MellonSPCertFile {place}/sp.crt
  MellonIdPMetadataFile {place}/idp.xml
</Location>"""


class Browser:
    """As much of one as a login needs."""

    def __init__(self, port):
        self.port, self.cookies = port, {}

    def ask(self, method, url, form=None):
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), "Accept": "text/html"}
        body = urllib.parse.urlencode(form) if form else None
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, "")), body, headers)
        answer = connection.getresponse()
        answer.read()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name.strip()] = value
        return answer

    def session(self, path="/one-kib"):
        answer = self.ask("GET", path)
        assert answer.status == 200, f"{answer.status} {answer.headers}"
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


def mellon_session(port):
    browser = Browser(port)
    to = browser.ask("GET", "/one-kib").headers["Location"]
    while not to.startswith("https://idp.acme.example/"):
        to = browser.ask("GET", to).headers["Location"]
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(to).query)
    request = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15).decode()
    acs = f"http://127.0.0.1:{port}/mellon/postResponse"
    response = saml_response(re.search(r'\bID="([^"]+)"', request)[1], acs, f"http://127.0.0.1:{port}/mellon/metadata")
    answer = browser.ask("POST", acs, {"SAMLResponse": base64.b64encode(response).decode(), "RelayState": query["RelayState"][0]})
    assert answer.status == 303, f"mod_auth_mellon refuses the login: {answer.status}"
    return browser.session()


def saml_response(in_response_to, acs, audience):
    now = datetime.datetime.now(datetime.timezone.utc)
    at = lambda minutes: (now + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assertion = "_" + secrets.token_hex(16)
    text = f"""<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_{secrets.token_hex(16)}" Version="2.0" IssueInstant="{at(0)}" Destination="{acs}" InResponseTo="{in_response_to}"><saml:Issuer>{IDP}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion ID="{assertion}" Version="2.0" IssueInstant="{at(0)}"><saml:Issuer>{IDP}</saml:Issuer><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#{assertion}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">ada</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{at(5)}" Recipient="{acs}" InResponseTo="{in_response_to}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{at(-1)}" NotOnOrAfter="{at(5)}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{at(0)}" SessionIndex="_1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="email"><saml:AttributeValue>ada@acme.example</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>everyone</saml:AttributeValue><saml:AttributeValue>engineering</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"""
    command = ["xmlsec1", "--sign", "--privkey-pem", f"{KEY},{CERT}", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "-"]
    return subprocess.run(command, input=text.encode(), check=True, capture_output=True).stdout


def openidc(place, port):
    (place / "op.crt").write_text(CERT.read_text())
    return ["auth_openidc"], f"""
OIDCProviderIssuer {IDP}
OIDCProviderAuthorizationEndpoint https://idp.acme.example/authorize
OIDCProviderVerifyCertFiles bench#{place}/op.crt
OIDCClientID bench
OIDCResponseType id_token
OIDCResponseMode form_post
OIDCRedirectURI http://127.0.0.1:{port}/redirect_uri
OIDCCryptoPassphrase {secrets.token_hex(16)}
OIDCSessionType server-cache
OIDCCacheType shm
OIDCCookieSameSite Off
<Location "/">
  AuthType openid-connect
  Require claim groups:engineering
</Location>"""


def openidc_session(port):
    browser = Browser(port)
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(browser.ask("GET", "/one-kib").headers["Location"]).query)
    now = int(time.time())
    claims = {"iss": IDP, "aud": "bench", "sub": "ada", "email": "ada@acme.example", "groups": ["everyone", "engineering"],
              "nonce": query["nonce"][0], "iat": now, "exp": now + 300}
    encode = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")
    signed = encode(b'{"alg":"RS256","kid":"bench"}') + b"." + encode(json.dumps(claims).encode())
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", KEY], input=signed, check=True, capture_output=True).stdout
    answer = browser.ask("POST", "/redirect_uri", {"id_token": (signed + b"." + encode(signature)).decode(), "state": query["state"][0]})
    assert answer.status == 302, f"mod_auth_openidc refuses the login: {answer.status}"
    return browser.session()
