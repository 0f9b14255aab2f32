// An identity provider for tests: the real protocol, made-up people. It listens on a port of its own, prints its
// address, and ends with its standard input.
//
// Anybody may log in under any name, which is the subject. The clients differ in what is wrong with their tokens:
//   yunheng          nothing
//   yunheng-short    the token lives for one minute
//   yunheng-borrowed the token is one for another client
//   another          is not ours at all
// With a second address it has a place to log out at, from which browsers are sent back there; without one it has none.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [callback, home] = process.argv.slice(2);
const client = (client_id) => ({
  client_id,
  client_secret: `secret of ${client_id}`,
  redirect_uris: [callback],
  post_logout_redirect_uris: home ? [home] : [],
  response_types: ['code'],
  grant_types: ['authorization_code'],
});

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: ['yunheng', 'yunheng-short', 'yunheng-borrowed', 'another'].map(client),
    ttl: {
      IdToken: (_ctx, _token, of) => (of.clientId === 'yunheng-short' ? 60 : 3600),
      AccessToken: 3600,
      Interaction: 3600,
      Session: 3600,
      Grant: 3600,
    },
    cookies: { keys: ['test'] },
    features: { rpInitiatedLogout: { enabled: Boolean(home) } },
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route !== 'token' || ctx.oidc.client?.clientId !== 'yunheng-borrowed' || !ctx.body?.id_token) return;
    const own = JSON.parse(Buffer.from(ctx.body.id_token.split('.')[1], 'base64url'));
    const another = await provider.Client.find('another');
    const token = new provider.IdToken({ sub: own.sub }, { client: another, ctx });
    token.scope = 'openid';
    token.set('nonce', own.nonce);
    ctx.body.id_token = await token.issue({ use: 'idtoken' });
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
process.stdin.on('end', () => process.exit(0)).resume();
