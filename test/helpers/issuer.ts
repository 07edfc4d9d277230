import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import type { JwtAuth } from '../../src/config/profile.ts'
import { serve } from './serve.ts'

const ISSUER = 'https://login.example.com/'

interface Signer {
  readonly kid: string
  readonly alg: string
  readonly secret: CryptoKey
  readonly jwk: JWK
}

export async function signer(kid: string, alg = 'ES256'): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  return { kid, alg, secret: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** What the issuer answers when it is asked for its keys. */
interface Reply {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** An authorization server, as far as a resource server knows one: it publishes keys, and signs tokens. */
export async function startIssuer() {
  const first = await signer('first')
  let keys: readonly Signer[] = [first]
  let reply: Reply | 'never' = {}
  let fetches = 0
  const server = await serve((response) => {
    fetches++
    if (reply === 'never') return
    const { status = 200, headers = {}, body = JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }) } = reply
    response.writeHead(status, { 'content-type': 'application/jwk-set+json', ...headers }).end(body)
  })
  return {
    auth: (fields: Partial<JwtAuth> = {}): JwtAuth => ({
      type: 'jwt',
      issuer: ISSUER,
      jwks: `${server.url}/jwks`,
      audience: [],
      resource: 'https://mcp.example.com/mcp',
      scopes: [],
      ...fields,
    }),
    /** A good token, but for `claims` and `header`; a claim that is undefined is left out. */
    token: (claims: JWTPayload = {}, { by = first, header = {} } = {}) => {
      const seconds = Math.floor(Date.now() / 1000)
      const whole = { iss: ISSUER, sub: 'ada', aud: 'https://mcp.example.com/mcp', exp: seconds + 300, ...claims }
      return new SignJWT(whole).setProtectedHeader({ alg: by.alg, kid: by.kid, ...header }).sign(by.secret)
    },
    publish: (...published: readonly Signer[]) => {
      keys = published
    },
    answer: (next: Reply | 'never') => {
      reply = next
    },
    get fetches() {
      return fetches
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
