import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { startFixture } from '../../helpers/fixture.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { certify, connectElsewhere, requestElsewhere, restartElsewhere } from './tls.ts'

test.each([
  { title: 'trusts a server through the authority NODE_EXTRA_CA_CERTS names', host: 'localhost', trusted: true },
  { title: 'U-26 refuses a server nobody vouches for', host: 'localhost', trusted: false },
  { title: 'U-26 refuses a server with the name of another', host: 'elsewhere.test', trusted: true },
])('$title', async ({ host, trusted }) => {
  await using folder = await tempFolder()
  const { cert, key, authority } = await certify(folder.path, host)
  await using server = await startFixture('http', [], { CERT: cert, KEY: key })
  const outcome = await connectElsewhere(server.address, trusted ? { NODE_EXTRA_CA_CERTS: authority } : {})
  expect(outcome).toEqual(expectedFor(host, trusted))
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

function expectedFor(host: string, trusted: boolean): { state: string; lastError: string | null } {
  if (host !== 'localhost') {
    const hint = 'use the host name the certificate is for in "url"'
    return { state: 'failed', lastError: `the certificate is for another host name (${hint})` }
  }
  if (trusted) return { state: 'ready', lastError: null }
  const hint = 'let NODE_EXTRA_CA_CERTS name the file of the certificate authority'
  return { state: 'failed', lastError: `the certificate is not trusted: UNABLE_TO_VERIFY_LEAF_SIGNATURE (${hint})` }
}
