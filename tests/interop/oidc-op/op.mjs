// A certified OpenID provider on loopback, for the tests and for trying things by hand.
//
//   npm ci && node op.mjs PORT
//
// It asks nobody for a password: `login_hint` signs in, and without one its page lets you choose.
//   CLIENT_ID, CLIENT_SECRET          the one client (usher, and a secret with characters that need encoding)
//   REDIRECT_URIS, LOGOUT_URIS        separated by blanks
//   ALGORITHM                         RS256 (default), PS256, ES256 or EdDSA for ID tokens
//   CLAIMS_IN=userinfo                email, name and groups come from userinfo only
//   CLIENT_AUTH                       private_key_jwt or tls_client_auth instead of the secret
//   CLIENT_JWK                        the client's public key, for private_key_jwt
//   TLS_FOLDER                        speak https: key.pem and crt.pem of the server, client-ca.pem for the clients' certificates
//   PUSHED=required                   no request but pushed ones
//   REFRESH=rotate                    refresh tokens, each good for once
//   PUBLIC_PORT                       the port of the issuer, when something stands in front of it
//   POST /_ctl/groups {user, groups}  changes a person's groups from the next login on
//   POST /_ctl/rotate                 new signing keys

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import Provider from 'oidc-provider';

const port = Number(process.argv[2] ?? 9400);
const env = process.env;
const issuer = `${env.TLS_FOLDER ? 'https' : 'http'}://op.localhost:${env.PUBLIC_PORT ?? port}`;
const list = (text) => (text ?? '').split(/\s+/).filter(Boolean);

const people = new Map(Object.entries({
  ada: { name: 'Ada Lovelace', email: 'ada@acme.example', email_verified: true, groups: ['app-admins', 'design'] },
  jo: { name: 'Jo Everyone', email: 'jo@acme.example', email_verified: true, groups: ['everyone'] },
  noah: { name: 'Noah Nobody', email: 'noah@acme.example', email_verified: true, groups: [] },
  eve: { name: 'Eve', email: 'ada@acme.example', email_verified: false, groups: ['everyone'] },
}));

function signingKeys() {
  const key = (type, options, alg) => {
    const encoding = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'jwk' } };
    const { privateKey } = generateKeyPairSync(type, { ...options, ...encoding });
    return { ...privateKey, kid: randomUUID(), alg, use: 'sig' };
  };
  return { keys: [
    key('rsa', { modulusLength: 2048 }, 'RS256'), key('rsa', { modulusLength: 2048 }, 'PS256'),
    key('ec', { namedCurve: 'P-256' }, 'ES256'), key('ed25519', {}, 'EdDSA'),
  ] };
}

// How the one client proves itself.
const proofs = {
  undefined: { client_secret: env.CLIENT_SECRET ?? 's e:c%r+e/t' },
  private_key_jwt: { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [JSON.parse(env.CLIENT_JWK ?? '{}')] } },
  tls_client_auth: { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'usher.acme.example' },
};

const client = {
  client_id: env.CLIENT_ID ?? 'usher',
  ...proofs[env.CLIENT_AUTH],
  require_pushed_authorization_requests: env.PUSHED === 'required',
  redirect_uris: list(env.REDIRECT_URIS),
  post_logout_redirect_uris: list(env.LOGOUT_URIS),
  grant_types: env.REFRESH ? ['authorization_code', 'refresh_token'] : ['authorization_code'],
  response_types: ['code'],
  id_token_signed_response_alg: env.ALGORITHM ?? 'RS256',
};

// Kept apart from the provider, so that sessions and codes outlive a rotation of keys.
const rows = new Map();
class Rows {
  constructor(kind) { this.kind = kind; }
  key(id) { return `${this.kind}:${id}`; }
  async upsert(id, row) { rows.set(this.key(id), row); }
  async find(id) { return rows.get(this.key(id)); }
  async findByUid(uid) { return [...rows].find(([key, row]) => key.startsWith(`${this.kind}:`) && row.uid === uid)?.[1]; }
  async findByUserCode() { return undefined; }
  async consume(id) { const row = rows.get(this.key(id)); if (row) row.consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { rows.delete(this.key(id)); }
  async revokeByGrantId(grant) { for (const [key, row] of rows) if (row.grantId === grant) rows.delete(key); }
}

const page = (title, body) => `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}`;

function provider() {
  return new Provider(issuer, {
    adapter: Rows,
    clients: [client],
    jwks: signingKeys(),
    cookies: { keys: ['only-for-tests'] },
    pkce: { required: () => true },
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    conformIdTokenClaims: env.CLAIMS_IN === 'userinfo',
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth', 'none'],
    acrValues: ['pwd', 'mfa'],
    rotateRefreshToken: true,
    discovery: { mtls_endpoint_aliases: { token_endpoint: `${issuer}/token` } },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
    findAccount: (ctx, sub) => people.has(sub) ? { accountId: sub, claims: () => ({ sub, ...people.get(sub) }) } : undefined,
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    // Nobody is asked for consent.
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid profile email groups');
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      mTLS: {
        enabled: true,
        tlsClientAuth: true,
        getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.(),
        certificateAuthorized: (ctx) => ctx.socket.authorized,
        certificateSubjectMatches: (ctx, property, expected) =>
          property === 'tls_client_auth_san_dns' && ctx.socket.getPeerX509Certificate().subjectAltName === `DNS:${expected}`,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          ctx.body = page('Sign out?', `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Yes</button>`);
        },
      },
    },
  });
}

let op = provider();
let answer = op.callback();

const body = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};

async function interaction(request, response) {
  const details = await op.interactionDetails(request, response);
  const user = request.method === 'POST' ? new URLSearchParams(await body(request)).get('user') : details.params.login_hint;
  if (!user) {
    const choices = [...people.keys()].map((name) => `<button name="user" value="${name}">${name}</button>`).join(' ');
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return response.end(page('Who are you?', `<form method="post">${choices}</form>`));
  }
  const result = people.has(user)
    ? { login: { accountId: user, amr: ['pwd'] } }
    : { error: 'access_denied', error_description: `nobody here is called ${user}` };
  return op.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

async function control(path, request, response) {
  if (path === '/_ctl/groups') {
    const { user, groups } = JSON.parse(await body(request));
    people.set(user, { ...people.get(user), groups });
  } else if (path === '/_ctl/rotate') {
    op = provider();
    answer = op.callback();
  } else {
    response.statusCode = 404;
  }
  response.end();
}

async function serve(request, response) {
  const path = new URL(request.url, issuer).pathname;
  try {
    if (path.startsWith('/interaction/')) await interaction(request, response);
    else if (request.method === 'POST' && path.startsWith('/_ctl/')) await control(path, request, response);
    else answer(request, response);
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
}

const file = (name) => readFileSync(`${env.TLS_FOLDER}/${name}`);
// Browsers have no certificate, so one is asked for and not demanded.
const server = env.TLS_FOLDER
  ? https.createServer(
    { key: file('key.pem'), cert: file('crt.pem'), ca: file('client-ca.pem'), requestCert: true, rejectUnauthorized: false }, serve)
  : http.createServer(serve);
server.listen(port, '127.0.0.1', () => console.log(issuer));
