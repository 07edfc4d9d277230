import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer as createPlain } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { createPool } from '../../../src/proxy/upstream/http-client.ts'
import { defer } from '../../../src/shared/async.ts'
import { startFixture } from '../../helpers/fixture.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { http, observe, serverOf } from './harness.ts'
import { certify, certifyItself, connectElsewhere, requestElsewhere, restartElsewhere } from './tls.ts'

test.each([
  ['localhost', 'one nobody vouches for', 2, false],
  ['elsewhere.test', 'one with the name of another', 2, true],
  ['localhost', 'one that has expired', -1, true],
  ['localhost', 'one that is as it should be', 2, true],
] as const)('U-26: a certificate for %s, %s, is taken for what it is', async (host, _what, days, trusted) => {
  await using folder = await tempFolder()
  const { cert, key, authority } = await certify(folder.path, host, days)
  await using server = await startFixture('http', [], { CERT: cert, KEY: key })
  const outcome = await connectElsewhere(server.address, trusted ? { NODE_EXTRA_CA_CERTS: authority } : {})
  expect(outcome).toEqual(expectedFor({ host, trusted, isValid: days > 0 }))
})

test('U-26: a certificate that vouches for itself is not trusted, and that is said', async () => {
  await using folder = await tempFolder()
  const { cert, key } = await certifyItself(folder.path, 'localhost')
  await using server = await startFixture('http', [], { CERT: cert, KEY: key })
  const { state, lastError } = await connectElsewhere(server.address, {})
  expect([state, lastError]).toEqual([
    'failed',
    expect.stringContaining('the certificate is not trusted: DEPTH_ZERO_SELF_SIGNED_CERT'),
  ])
})

test('U-26: a server that speaks TLS 1.0 only is not spoken to, and that is said', async () => {
  await using folder = await tempFolder()
  const { cert, key } = await certify(folder.path, 'localhost')
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const server = createServer({ cert: await readFile(cert), key: await readFile(key), ...old })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const { port } = server.address() as AddressInfo
  await using fixture = observe(serverOf(http(`https://localhost:${port}/mcp`), { restart: { backoff: 60_000 } }))
  await fixture.upstream.settled()
  expect(fixture.upstream.lastError).toBe('the server speaks no version of TLS from 1.2 on')
  await new Promise((resolve) => server.close(resolve))
})

test('U-26: a handshake that stalls is given up in time, and its socket with it', async () => {
  const gone = defer<void>()
  const server = createPlain((socket) =>
    socket
      .on('error', () => {})
      .on('close', () => gone.resolve())
      .resume(),
  )
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const { port } = server.address() as AddressInfo
  await using pool = createPool({ origin: `https://localhost:${port}`, idle: 60_000, connect: 100, warm: 1 })
  const asked = pool.request({ method: 'POST', path: '/', headers: {} }, () => ({ chunk() {}, end() {} }))
  await expect(asked).rejects.toThrow('no connection in time')
  await gone.promise
  await new Promise((resolve) => server.close(resolve))
})

test.each([
  { title: 'shakes hands once for requests in a row', close: false, expected: ['new'] },
  { title: 'resumes the session on another connection', close: true, expected: ['new', 'resumed', 'resumed'] },
])('$title, and says that it speaks HTTP/1.1 to that host', async ({ close, expected }) => {
  await using folder = await tempFolder()
  const { cert, key, authority } = await certify(folder.path, 'localhost')
  const greetings: { session: string; name: unknown; protocol: unknown }[] = []
  const answer = `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n${close ? 'connection: close\r\n' : ''}\r\nok`
  const options = { cert: await readFile(cert), key: await readFile(key), ALPNProtocols: ['h2', 'http/1.1'] }
  const server = createServer(options, (socket: TLSSocket & { servername?: unknown }) => {
    const session = socket.isSessionReused() ? 'resumed' : 'new'
    greetings.push({ session, name: socket.servername, protocol: socket.alpnProtocol })
    socket.on('error', () => {}).on('data', respond(socket, answer))
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const { port } = server.address() as AddressInfo
  await requestElsewhere(`https://localhost:${port}`, { NODE_EXTRA_CA_CERTS: authority })
  expect(greetings).toEqual(expected.map((session) => ({ session, name: 'localhost', protocol: 'http/1.1' })))
  await new Promise((resolve) => server.close(resolve))
})

test('trusts no other certificate for having trusted the one before', async () => {
  await using one = await tempFolder()
  await using other = await tempFolder()
  const { authority } = await certify(one.path, 'localhost')
  await certify(other.path, 'localhost')
  const folders = [one.path, other.path, one.path]
  const outcomes = await restartElsewhere(folders, { NODE_EXTRA_CA_CERTS: authority })
  expect(outcomes).toEqual(['ok', expect.stringContaining('the certificate is not trusted'), 'ok'])
})

/** Answers once the request is wholly there. */
function respond(socket: TLSSocket, answer: string): (bytes: Buffer) => void {
  let text = ''
  return (bytes) => {
    text += bytes.toString('latin1')
    const [, length] = /content-length: (\d+)/.exec(text) ?? []
    if (length === undefined || text.length < text.indexOf('\r\n\r\n') + 4 + Number(length)) return
    text = ''
    socket.write(answer)
  }
}

interface Certificate {
  readonly host: string
  readonly trusted: boolean
  readonly isValid: boolean
}

function expectedFor({ host, trusted, isValid }: Certificate): { state: string; lastError: string | null } {
  if (!isValid) return { state: 'failed', lastError: 'the certificate has expired' }
  if (host !== 'localhost') {
    const hint = 'use the host name the certificate is for in "url"'
    return { state: 'failed', lastError: `the certificate is for another host name (${hint})` }
  }
  if (trusted) return { state: 'ready', lastError: null }
  const hint = 'let NODE_EXTRA_CA_CERTS name the file of the certificate authority'
  return { state: 'failed', lastError: `the certificate is not trusted: UNABLE_TO_VERIFY_LEAF_SIGNATURE (${hint})` }
}
