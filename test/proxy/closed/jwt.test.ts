import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { exportSPKI, generateKeyPair, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { JwtAuth } from '../../../src/config/profile.ts'
import { isDenial } from '../../../src/proxy/downstream/denial.ts'
import { jwtGate } from '../../../src/proxy/downstream/jwt-gate.ts'
import { signer, startIssuer } from '../../helpers/issuer.ts'

let issuer: Awaited<ReturnType<typeof startIssuer>>
let now: number

beforeEach(async () => {
  now = Date.now()
  issuer = await startIssuer()
})

afterEach(() => issuer[Symbol.asyncDispose]())

function open(fields: Partial<JwtAuth> = {}) {
  return jwtGate(issuer.auth(fields), { host: '127.0.0.1', now: () => now })
}

type Gate = ReturnType<typeof open>

function coming(token: string | undefined, server?: string) {
  const request = new IncomingMessage(new Socket())
  if (token !== undefined) request.headers = { authorization: `Bearer ${token}` }
  return { request, server }
}

/** The name of who was let in, else the status and the challenge. */
async function outcome(gate: Gate, token: string | undefined, server?: string) {
  const answer = await gate.admit(coming(token, server))
  if (!isDenial(answer)) return answer.name
  return [answer.status, answer.headers?.['www-authenticate'] ?? answer.headers?.['retry-after']]
}

const seconds = () => Math.floor(now / 1000)
const metadata = 'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"'
const refused = (why: string) => [401, `Bearer error="invalid_token", error_description="${why}", ${metadata}`]

test('a token of the issuer lets in whom it names', async () => {
  expect(await outcome(open(), await issuer.token())).toBe('ada')
})

test('without a token the answer says where to get one, and names no error', async () => {
  expect(await outcome(open(), undefined)).toEqual([401, `Bearer ${metadata}`])
  expect(await outcome(open({ scopes: ['a', 'b'] }), undefined)).toEqual([401, `Bearer scope="a b", ${metadata}`])
  expect(issuer.fetches).toBe(0)
})

test.each([
  ['expired', () => ({ exp: seconds() - 11 }), 'The token has expired'],
  ['without an end', () => ({ exp: undefined }), 'The token says no time at which it ends'],
  ['not valid yet', () => ({ nbf: seconds() + 30 }), 'The token is not valid yet'],
  ['of another issuer', () => ({ iss: 'https://login.example.com' }), 'The token is of another issuer'],
  ['of no issuer', () => ({ iss: undefined }), 'The token is of another issuer'],
  ['for nobody', () => ({ sub: undefined }), 'The token names no subject'],
  ['for a subject without a name', () => ({ sub: '' }), 'The token names no subject'],
  ['for a subject that is no text', () => ({ sub: ['ada'] as never }), 'The token names no subject'],
  ['for another audience', () => ({ aud: 'https://mcp.example.com/mcp/' }), 'The token is for another audience'],
  ['for no audience', () => ({ aud: undefined }), 'The token names no audience'],
] as const)('D-21: a token %s is refused', async (_what, claims, why) => {
  expect(await outcome(open(), await issuer.token(claims() as JWTPayload))).toEqual(refused(why))
})

test('clocks may differ by a few seconds', async () => {
  expect(await outcome(open(), await issuer.token({ exp: seconds() - 5, nbf: seconds() + 5 }))).toBe('ada')
})

test('D-21: no signature, one with a shared secret, a stranger’s and a changed one are refused', async () => {
  const gate = open()
  const claims = { iss: 'https://login.example.com/', sub: 'ada', aud: 'https://mcp.example.com/mcp' }
  const { publicKey } = await generateKeyPair('RS256', { extractable: true })
  const asSecret = new TextEncoder().encode(await exportSPKI(publicKey))
  const shared = new SignJWT({ ...claims, exp: seconds() + 300 }).setProtectedHeader({ alg: 'HS256', kid: 'first' })
  const stranger = await signer('first')
  const good = await issuer.token()
  const [head = '', , signature = ''] = good.split('.')
  const other = Buffer.from(JSON.stringify({ ...claims, sub: 'eve', exp: seconds() + 300 })).toString('base64url')
  const notAccepted = refused('The token is signed in a way that is not accepted')
  const wrong = refused('The signature of the token is wrong')
  const none = new UnsecuredJWT({ ...claims, exp: seconds() + 300 }).encode()
  expect(await outcome(gate, none)).toEqual(notAccepted)
  expect(await outcome(gate, await shared.sign(asSecret))).toEqual(notAccepted)
  expect(await outcome(gate, await issuer.token({}, { by: stranger }))).toEqual(wrong)
  expect(await outcome(gate, `${head}.${other}.${signature}`)).toEqual(wrong)
  expect(await outcome(gate, `${head}.${other}.`)).not.toBe('eve')
  for (const text of ['x', '..', `${good}.x`, 'a'.repeat(1_000_000)])
    expect(await outcome(gate, text)).toEqual(refused('The token is no JWT that can be verified'))
})

test('a shared secret among the keys of the issuer verifies nothing', async () => {
  const secret = { kty: 'oct', kid: 'shared', alg: 'HS256', k: Buffer.alloc(32, 7).toString('base64url') }
  issuer.answer({ body: JSON.stringify({ keys: [secret] }) })
  const by = { kid: 'shared', alg: 'HS256', secret: (await importJWK(secret)) as never, jwk: secret }
  const token = await issuer.token({}, { by })
  expect(await outcome(open(), token)).toEqual(refused('The token is signed in a way that is not accepted'))
})

test('a token lacking a scope is not enough, whatever else it has', async () => {
  const gate = open({ scopes: ['mcp:use', 'mcp:read'] })
  const challenge = `Bearer error="insufficient_scope", scope="mcp:use mcp:read", ${metadata}`
  expect(await outcome(gate, await issuer.token())).toEqual([403, challenge])
  expect(await outcome(gate, await issuer.token({ scope: 'mcp:use' }))).toEqual([403, challenge])
  expect(await outcome(gate, await issuer.token({ scope: 'mcp:user mcp:read' }))).toEqual([403, challenge])
  expect(await outcome(gate, await issuer.token({ scope: 'x mcp:read mcp:use' }))).toBe('ada')
  expect(await outcome(gate, await issuer.token({ scp: ['mcp:read', 'mcp:use'] }))).toBe('ada')
})

test('a token for one server opens its address alone, one for the group all of them', async () => {
  const gate = open()
  const one = await issuer.token({ aud: ['https://other.example', 'https://mcp.example.com/servers/a/mcp'] })
  const group = await issuer.token()
  expect(await outcome(gate, one, 'a')).toBe('ada')
  expect(await outcome(gate, one, 'b')).toMatchObject([401, expect.stringContaining('servers/b/mcp')])
  expect(await outcome(gate, one)).toEqual(refused('The token is for another audience'))
  expect(await outcome(gate, group, 'b')).toBe('ada')
})

test('where the profile names audiences, only those count', async () => {
  const gate = open({ audience: ['api://mcp', 'api://old'] })
  expect(await outcome(gate, await issuer.token({ aud: 'api://old' }))).toBe('ada')
  expect(await outcome(gate, await issuer.token())).toMatchObject([401, expect.any(String)])
})

test('principals are of an issuer and a subject, whatever token shows them', async () => {
  const gate = open()
  const of = async (sub: string) => await gate.admit(coming(await issuer.token({ sub, jti: `${Math.random()}` })))
  expect(await of('ada')).toEqual(await of('ada'))
  expect(await of('ada')).not.toMatchObject({ principal: Reflect.get(await of('eve'), 'principal') })
})

test('a token is verified once, at once from then on, and no longer than it is good', async () => {
  const gate = open()
  const token = await issuer.token({ exp: seconds() + 60 })
  expect(await outcome(gate, token)).toBe('ada')
  expect(gate.admit(coming(token))).toMatchObject({ name: 'ada' })
  now += 71_000
  expect(await outcome(gate, token)).toEqual(refused('The token has expired'))
})

test('a key that was taken back is good for ten minutes at most', async () => {
  const gate = open()
  const token = await issuer.token({ exp: seconds() + 3600 })
  expect(await outcome(gate, token)).toBe('ada')
  issuer.publish(await signer('second'))
  now += 10 * 60_000 + 1
  expect(await outcome(gate, token)).toEqual(refused('The token is signed with a key the issuer does not publish'))
})

test('a new key is looked for, but not for every token that names one', async () => {
  const gate = open()
  expect(await outcome(gate, await issuer.token())).toBe('ada')
  const second = await signer('second', 'RS256')
  issuer.publish(second)
  const token = await issuer.token({}, { by: second })
  for (let i = 0; i < 20; i++)
    expect(await outcome(gate, token)).toEqual(refused('The token is signed with a key the issuer does not publish'))
  expect(issuer.fetches).toBe(1)
  now += 31_000
  expect(await outcome(gate, token)).toBe('ada')
  expect(issuer.fetches).toBe(2)
})

test('many tokens at once fetch the keys once', async () => {
  const gate = open()
  const tokens = await Promise.all(Array.from({ length: 50 }, (_, i) => issuer.token({ sub: `${i}` })))
  const names = await Promise.all(tokens.map((token) => outcome(gate, token)))
  expect(names).toEqual(tokens.map((_, i) => `${i}`))
  expect(issuer.fetches).toBe(1)
})

test.each([
  ['fails', { status: 500 }],
  ['leads elsewhere', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }],
  ['says no JSON', { body: '<html>' }],
  ['says no keys', { body: '{}' }],
  ['says too much', { body: `{"keys":[],"x":"${'x'.repeat(1024 * 1024)}"}` }],
] as const)('when the issuer %s nobody comes in, and it is not asked by each who tries', async (_what, reply) => {
  const gate = open()
  issuer.answer(reply)
  const token = await issuer.token()
  const tries = await Promise.all(Array.from({ length: 10 }, () => outcome(gate, token)))
  expect(new Set(tries.map(String))).toEqual(new Set(['503,5']))
  expect(await outcome(gate, token)).toEqual([503, '5'])
  expect(issuer.fetches).toBe(1)
  issuer.answer({})
  now += 3000
  expect(await outcome(gate, token)).toBe('ada')
})

test('when nobody is there to ask, nobody comes in', async () => {
  expect(await outcome(open({ jwks: 'http://127.0.0.1:9/jwks' }), await issuer.token())).toEqual([503, '5'])
})

test('an issuer that never answers is not waited for without end', async () => {
  issuer.answer('never')
  const gate = jwtGate(issuer.auth(), { host: '127.0.0.1', patience: 100 })
  expect(await outcome(gate, await issuer.token())).toEqual([503, '5'])
})
