// A certified OpenID provider on loopback, for the tests and for trying things by hand.
//
//   npm ci && node op.mjs PORT
//
// It asks nobody for a password: `login_hint` signs in, and without one its page lets you choose.
//   CLIENT_ID, CLIENT_SECRET          the one client (usher, and a secret with characters that need encoding)
//   REDIRECT_URIS, LOGOUT_URIS        separated by blanks
//   ALGORITHM                         RS256 (default), PS256, ES256 or EdDSA for ID tokens
//   CLAIMS_IN=userinfo                email, name and groups come from userinfo only
//   PUBLIC_PORT                       the port of the issuer, when something stands in front of it
//   POST /_ctl/groups {user, groups}  changes a person's groups from the next login on
//   POST /_ctl/rotate                 new signing keys

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import http from 'node:http';
import Provider from 'oidc-provider';

const port = Number(process.argv[2] ?? 9400);
const env = process.env;
const issuer = `http://op.localhost:${env.PUBLIC_PORT ?? port}`;
const list = (text) => (text ?? '').split(/\s+/).filter(Boolean);

const people = new Map(Object.entries({
  ada: { name: 'Ada Lovelace', email: 'ada@acme.example', email_verified: true, groups: ['app-admins', 'design'] },
  jo: { name: 'Jo Everyone', email: 'jo@acme.example', email_verified: true, groups: ['everyone'] },
  noah: { name: 'Noah Nobody', email: 'noah@acme.example', email_verified: true, groups: [] },
  eve: { name: 'Eve', email: 'ada@acme.example', email_verified: false, groups: ['everyone'] },
}));

function signingKeys() {
  const key = (type, options, alg) => {
    const { privateKey } = generateKeyPairSync(type, options);
    return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg, use: 'sig' };
  };
  return { keys: [
    key('rsa', { modulusLength: 2048 }, 'RS256'), key('rsa', { modulusLength: 2048 }, 'PS256'),
    key('ec', { namedCurve: 'P-256' }, 'ES256'), key('ed25519', {}, 'EdDSA'),
  ] };
}

const client = {
  client_id: env.CLIENT_ID ?? 'usher',
  client_secret: env.CLIENT_SECRET ?? 's e:c%r+e/t',
  redirect_uris: list(env.REDIRECT_URIS),
  post_logout_redirect_uris: list(env.LOGOUT_URIS),
  grant_types: ['authorization_code'],
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

http.createServer(async (request, response) => {
  const path = new URL(request.url, issuer).pathname;
  try {
    if (path.startsWith('/interaction/')) await interaction(request, response);
    else if (request.method === 'POST' && path.startsWith('/_ctl/')) await control(path, request, response);
    else answer(request, response);
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
}).listen(port, '127.0.0.1', () => console.log(issuer));
