// An OpenID Provider on the loopback for tests: node provider.mjs REDIRECT_URI [PORT]; prints its issuer once it listens.
// Whoever signs in is who they say: "ann" has ann@provider.example, confirmed; "nobody" has no address.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const server = createServer();
server.listen(Number(process.argv[3] ?? 0), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'vitrine',
      client_secret: 'a secret with % and + and :',
      redirect_uris: [process.argv[2]],
    }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'locale'] },
    scopes: ['openid', 'email', 'profile'],
    pkce: { required: () => true },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => id.startsWith('nobody') ? { sub: id } : {
        sub: id,
        email: `${id}@provider.example`,
        email_verified: !id.startsWith('unsure'),
        name: `${id} of the provider`,
        locale: 'de-AT',
      },
    }),
  });
  server.on('request', provider.callback());
  process.stdout.write(`${issuer}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
