import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { routes } from '../../../src/proxy/downstream/routes.ts'
import { bearer, groupOf, stdioServer } from '../../helpers/group.ts'
import { startIssuer } from '../../helpers/issuer.ts'
import { post } from '../../helpers/mcp.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'
import { rawHead, rawStatus } from '../../helpers/raw-http.ts'

const token = 'correct-horse-battery-staple'
const other = 'another-horse-another-staple'

let socket: HeldSocket
let proxy: RunningProxy

beforeAll(async () => {
  socket = await holdSocket()
  const group = groupOf([stdioServer('one', 'echo')], {
    auth: bearer(token, other),
    allowedOrigins: ['https://app.example.com'],
  })
  proxy = await startReadyProxy({ group, socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const METHODS = ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'HEAD', 'TRACE', 'PROPFIND']

interface Asking {
  readonly method: string
  readonly path: string
  readonly lines?: readonly string[]
}

function ask({ method, path, lines = [] }: Asking): Promise<number | undefined> {
  const head = lines.some((line) => line.startsWith('Host')) ? lines : [`Host: ${socket.host}`, ...lines]
  return rawStatus(proxy.url, `${method} ${path} HTTP/1.1\r\n${head.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`)
}

const paths = routes.flatMap(({ path, isPublic }) => [
  { path: path.replace(':server', 'one'), isPublic },
  ...(path.includes(':server') ? [{ path: path.replace(':server', 'unknown'), isPublic }] : []),
])
const closed = paths.filter(({ isPublic }) => !isPublic).map(({ path }) => path)
const open = paths.filter(({ isPublic }) => isPublic).map(({ path }) => path)
const unknown = [
  ...['/', '/elsewhere', '/mcp/', '//mcp', '/MCP', '/servers', '/servers//mcp', '/servers/%2e%2e/mcp', '/alice/mcp'],
  ...['/livez/x', '/sse/', '/%6dcp', '/.well-known/openid-configuration', '/.well-known/oauth-protected-resource/x'],
]
const auth = `Authorization: Bearer ${token}`

test('D-23: the table has public routes, each known here', () => {
  expect(routes.filter(({ isPublic }) => isPublic).map(({ path }) => path)).toEqual([
    '/livez',
    '/readyz',
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-protected-resource/servers/:server/mcp',
  ])
})

describe.each([...closed, ...unknown])('D-23: %s', (path) => {
  const all = (lines: readonly string[]) => Promise.all(METHODS.map((method) => ask({ method, path, lines })))
  const each = (status: number) => METHODS.map(() => status)

  test(`D-23 D-21: ${path} denies every method without a token that is known`, async () => {
    expect(await all([])).toEqual(each(401))
    expect(await all([`Authorization: Bearer ${token}x`])).toEqual(each(401))
    expect(await all([`Authorization: Bearer ${token.slice(0, -1)}`])).toEqual(each(401))
    expect(await all([`Authorization: Basic ${token}`])).toEqual(each(401))
    expect(await all([`X-Authorization: Bearer ${token}`, `Cookie: token=${token}`])).toEqual(each(401))
  })

  test(`D-23 D-15 D-17: ${path} denies every method with a bad Host or Origin, whatever the token`, async () => {
    expect(await all(['Host: evil.example', auth])).toEqual(each(403))
    expect(await all(['Origin: http://evil.example', auth])).toEqual(each(403))
    expect(await all(['Origin: null', auth])).toEqual(each(403))
    expect(await all(['Sec-Fetch-Site: cross-site', auth])).toEqual(each(403))
  })
})

test.each(open)('D-23: %s is public, but not for a bad Host or Origin', async (path) => {
  expect([200, 404]).toContain(await ask({ method: 'GET', path }))
  for (const method of METHODS) {
    expect(await ask({ method, path, lines: ['Host: evil.example'] })).toBe(403)
    expect(await ask({ method, path, lines: ['Origin: http://evil.example'] })).toBe(403)
  }
})

test('D-21: a token in the address is none, and is not written down', async () => {
  for (const name of ['token', 'access_token', 'authorization'])
    expect(await ask({ method: 'POST', path: `/mcp?${name}=${token}` })).toBe(401)
  expect(await ask({ method: 'POST', path: `/mcp?token=${token}`, lines: [`Authorization: Bearer ${token}x`] })).toBe(
    401,
  )
  expect(proxy.log.join('\n')).toContain('"path":"/mcp"')
  expect(proxy.log.join('\n')).not.toContain(token)
})

test('D-21: a token of a megabyte never gets as far as being compared', async () => {
  const lines = [`Authorization: Bearer ${'x'.repeat(1024 * 1024)}`]
  expect(await ask({ method: 'POST', path: '/mcp', lines })).toBe(431)
  expect(await ask({ method: 'POST', path: '/mcp', lines: [auth] })).toBe(406)
})

test('D-21: two Authorization headers are not joined to one that is good', async () => {
  expect(await ask({ method: 'POST', path: '/mcp', lines: ['Authorization: Bearer x', auth] })).toBe(401)
})

test('the log names who came, by the name of the token', async () => {
  expect(await ask({ method: 'POST', path: '/mcp', lines: [`Authorization: Bearer ${other}`] })).toBe(406)
  await expect.poll(() => proxy.log.join('\n')).toContain('"token":"2"')
})

test('D-17 D-18: a page of a listed origin gets exactly that back, also with a refusal it must read', async () => {
  const listed = await rawHead(
    proxy.url,
    `POST /mcp HTTP/1.1\r\nHost: ${socket.host}\r\nOrigin: https://app.example.com\r\nContent-Length: 0\r\n\r\n`,
  )
  expect(listed).toMatch(/^HTTP\/1.1 401 /)
  expect(listed).toMatch(/access-control-allow-origin: https:\/\/app\.example\.com\r\n/)
  expect(listed).toMatch(/access-control-expose-headers: .*www-authenticate/)
  expect(listed).toMatch(/www-authenticate: Bearer\r\n/)
})

test.each(['http://evil.example', 'null', 'https://app.example.com.evil.example'])(
  'D-18: a preflight of %s is allowed nothing',
  async (origin) => {
    for (const path of [...closed, ...open]) {
      const head = await rawHead(
        proxy.url,
        `OPTIONS ${path} HTTP/1.1\r\nHost: ${socket.host}\r\nOrigin: ${origin}\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n\r\n`,
      )
      expect(head).toMatch(/^HTTP\/1.1 403 /)
      expect(head.toLowerCase()).not.toContain('access-control-allow-')
    }
  },
)

test('D-24: who somebody says to be, or to be in front of us, is nothing to us', async () => {
  const session = await sessionOf(token)
  const lies = {
    'x-user': 'admin',
    'x-forwarded-user': 'admin',
    'mcp-init-host': 'localhost',
    'x-forwarded-host': 'localhost',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'https',
    forwarded: 'host=localhost;for=127.0.0.1',
    'x-real-ip': '127.0.0.1',
  }
  const lines = Object.entries(lies).map(([name, value]) => `${name}: ${value}`)
  expect(await ask({ method: 'POST', path: '/mcp', lines: ['Host: evil.example', ...lines, auth] })).toBe(403)
  expect(await ask({ method: 'POST', path: '/mcp', lines })).toBe(401)
  expect(await ask({ method: 'POST', path: '/alice/mcp', lines: [...lines, auth] })).toBe(404)
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const with_ = (bearerToken: string) => ({
    ...lies,
    authorization: `Bearer ${bearerToken}`,
    'mcp-session-id': session,
  })
  expect((await post(`${proxy.url}/mcp`, ping, with_(token))).status).toBe(200)
  expect((await post(`${proxy.url}/mcp`, ping, with_(other))).status).toBe(404)
})

async function sessionOf(bearerToken: string): Promise<string> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
  const request = { jsonrpc: '2.0', id: 1, method: 'initialize', params }
  const response = await post(`${proxy.url}/mcp`, request, { authorization: `Bearer ${bearerToken}` })
  return response.headers.get('mcp-session-id') ?? ''
}

describe('with tokens of an authorization server', () => {
  test('D-23: clients find out where to get a token, and come in with it', async () => {
    await using issuer = await startIssuer()
    using own = await holdSocket()
    const auth = issuer.auth({ resource: '', scopes: ['mcp:use'] })
    await using guarded = await startReadyProxy({ group: groupOf([stdioServer('one', 'echo')], { auth }), socket: own })
    for (const path of ['/mcp', '/servers/one/mcp', '/servers/unknown/mcp']) {
      const refused = await post(`${guarded.url}${path}`, {})
      const challenge = refused.headers.get('www-authenticate') ?? ''
      const where = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? ''
      expect([refused.status, where]).toEqual([401, `${guarded.url}/.well-known/oauth-protected-resource${path}`])
      const found = await fetch(where)
      expect([found.status, found.headers.get('content-type')]).toEqual([200, 'application/json'])
      expect(await found.json()).toEqual({
        resource: `${guarded.url}${path}`,
        authorization_servers: [auth.issuer],
        scopes_supported: ['mcp:use'],
        bearer_methods_supported: ['header'],
      })
    }
    const root = await fetch(`${guarded.url}/.well-known/oauth-protected-resource`)
    expect(await root.json()).toMatchObject({ resource: `${guarded.url}/mcp` })
    const good = await issuer.token({ aud: `${guarded.url}/mcp`, scope: 'mcp:use', sub: 'ada' })
    const poor = await issuer.token({ aud: `${guarded.url}/mcp` })
    const begin = (jwt: string) => post(`${guarded.url}/mcp`, initialize, { authorization: `Bearer ${jwt}` })
    const begun = await begin(good)
    expect([begun.status, (await begin(poor)).status, (await begin(`${good}x`)).status]).toEqual([200, 403, 401])
    await expect.poll(() => guarded.log.join('\n')).toContain('"token":"ada"')
    expect(guarded.log.join('\n')).not.toContain(good.split('.')[2])
  })

  test('D-13: a session is of a subject, and goes on with its next token', async () => {
    await using issuer = await startIssuer()
    using own = await holdSocket()
    const group = groupOf([], { auth: issuer.auth() })
    await using guarded = await startReadyProxy({ group, socket: own })
    const begun = await post(`${guarded.url}/mcp`, initialize, await shown(issuer, 'ada'))
    const session = { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' }
    const ping = async (sub: string) =>
      (
        await post(
          `${guarded.url}/mcp`,
          { jsonrpc: '2.0', id: 1, method: 'ping' },
          { ...session, ...(await shown(issuer, sub)) },
        )
      ).status
    expect([await ping('ada'), await ping('eve')]).toEqual([200, 404])
  })
})

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
}

async function shown(issuer: Awaited<ReturnType<typeof startIssuer>>, sub: string) {
  return { authorization: `Bearer ${await issuer.token({ sub, jti: `${Math.random()}` })}` }
}
