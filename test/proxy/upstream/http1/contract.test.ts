import { describe, expect, test } from 'vitest'
import { createPool, fallbackPool } from '../../../../src/proxy/upstream/http-client.ts'
import type { PoolOptions } from '../../../../src/proxy/upstream/pool.ts'
import { freePort } from '../../../helpers/ports.ts'
import { waitFor } from '../../../helpers/wait.ts'
import { byteServer, ok, post, Received, receive } from './bytes.ts'

const limits = { idle: 60_000, connect: 5000, warm: 1 }

describe.each([
  ['on sockets of our own', createPool],
  ['on undici', fallbackPool],
])('the HTTP client %s', (_kind, create) => {
  const poolOf = ({ origin }: { origin: string }, more: Partial<PoolOptions> = {}) =>
    create({ ...limits, origin, ...more })

  test.each([
    ['with a length', ok('hello'), 200, 'hello'],
    ['with no body', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
    ['that was not modified', 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n', 304, ''],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
      200,
      'hello',
    ],
    [
      'in chunks with trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: t\r\n\r\n5\r\nhello\r\n0\r\nt: 1\r\nu: 2\r\n\r\n',
      200,
      'hello',
    ],
    ['after early hints', `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok('hello')}`, 200, 'hello'],
    ['with a long reason and none', 'HTTP/1.1 404\r\ncontent-length: 2\r\n\r\nno', 404, 'no'],
  ])('takes an answer %s, and another one on the same connection', async (_how, bytes, status, body) => {
    await using server = await byteServer(({ socket }) => socket.write(bytes, 'latin1'))
    await using pool = poolOf(server)
    for (let i = 0; i < 2; i++) {
      const received = await receive(pool)
      expect([received.head?.status, received.body, received.isComplete]).toEqual([status, body, true])
      // Our own client does not need this; the other one would open a connection within the tick.
      await new Promise(setImmediate)
    }
    expect(server.sockets).toHaveLength(1)
  })

  test.each([
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nhello'],
    ['without a length', 'HTTP/1.1 200 OK\r\n\r\nhello'],
  ])('takes the end of the connection for the end of an answer %s', async (_how, bytes) => {
    await using server = await byteServer(({ socket }) => socket.end(bytes))
    await using pool = poolOf(server)
    expect((await receive(pool)).body).toBe('hello')
    expect((await receive(pool)).body).toBe('hello')
    expect(server.sockets).toHaveLength(2)
  })

  test('reads names in any case, values in latin1, and repeated headers as several', async () => {
    const fields = ['X-One: \xe9', 'Set-Cookie: a', 'set-cookie: b', '__proto__: c']
    await using server = await byteServer(({ socket }) => socket.write(ok('', fields), 'latin1'))
    await using pool = poolOf(server)
    const { head } = await receive(pool)
    expect(head?.headers['x-one']).toBe('\xe9')
    expect(head?.headers['set-cookie']).toEqual(['a', 'b'])
  })

  test('reads a head of many fields', async () => {
    const fields = Array.from({ length: 100 }, (_, i) => `x-${i}: ${i}`)
    await using server = await byteServer(({ socket }) => socket.write(ok('', fields)))
    await using pool = poolOf(server)
    const { head } = await receive(pool)
    expect([head?.headers['x-0'], head?.headers['x-99'], head?.headers['content-length']]).toEqual(['0', '99', '0'])
  })

  test.each([
    ['nothing', '', 'the server closed the connection'],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-', undefined],
    ['less than announced', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello', 'the server closed the connection'],
    ['half a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhello', undefined],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n', undefined],
    [
      'two kinds of length',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      undefined,
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 4\r\n\r\nhello', undefined],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', undefined],
    ['another protocol', 'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nabc', undefined],
    [
      'a head that does not end',
      `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`,
      'the head of the answer is too large',
    ],
  ])('fails as unreachable when the answer is %s', async (_what, bytes, message) => {
    await using server = await byteServer(({ socket }) => socket.end(bytes))
    await using pool = poolOf(server)
    await expect(receive(pool)).rejects.toMatchObject({ name: 'LinkFailure', kind: 'unreachable' })
    if (message) await expect(receive(pool)).rejects.toThrow(message)
    await waitFor(() => server.open === 0)
  })

  test('fails as unreachable where nobody listens', async () => {
    await using pool = poolOf({ origin: `http://127.0.0.1:${await freePort()}` })
    await expect(receive(pool)).rejects.toMatchObject({ kind: 'unreachable', message: 'connection refused' })
  })

  test('fails where the name is not known', async () => {
    await using pool = poolOf({ origin: 'http://nobody.invalid' })
    await expect(receive(pool)).rejects.toMatchObject({ kind: 'unreachable', message: /^the host name/ })
  })

  test('sends body and headers of any script', async () => {
    await using server = await byteServer(({ socket }) => socket.write(ok()))
    await using pool = poolOf(server)
    await receive(pool, { headers: { 'x-name': 'J\xfcrgen', 'x-key': 'k' }, more: { 'x-more': 'm' }, body: '"日本"' })
    const [request = ''] = server.requests
    const lines = Buffer.from(request, 'latin1').toString('latin1').split('\r\n')
    expect(lines[0]).toBe('POST /mcp?a=1 HTTP/1.1')
    expect(lines).toEqual(expect.arrayContaining(['x-name: J\xfcrgen', 'x-key: k', 'x-more: m', 'content-length: 8']))
    expect(lines).toContain(`host: ${server.origin.slice('http://'.length)}`)
    expect(Buffer.from(lines.at(-1) ?? '', 'latin1').toString()).toBe('"日本"')
  })

  test('lets a header of one request stand over the one of all', async () => {
    await using server = await byteServer(({ socket }) => socket.write(ok()))
    await using pool = poolOf(server)
    await receive(pool, { headers: { accept: 'a', 'x-key': 'k' }, more: { accept: 'b' } })
    expect(server.requests[0]?.match(/accept: .*/g)).toEqual(['accept: b'])
  })

  test('reaches a server by its IPv6 address', async () => {
    await using server = await byteServer(({ socket }) => socket.write(ok()), '::1')
    await using pool = poolOf(server)
    expect((await receive(pool)).body).toBe('ok')
    expect(server.requests[0]).toContain(`host: ${server.origin.slice('http://'.length)}\r\n`)
  })

  test.each([
    ['a line break in a value', { 'x-a': 'b\r\nx-evil: 1' }],
    ['a line feed in a value', { 'x-a': 'b\nx-evil: 1' }],
    ['a line break in a name', { 'x-a: b\r\nx-evil': '1' }],
    ['a character that is no byte', { 'x-a': '日本' }],
    ['another length', { 'content-length': '1' }],
    ['another framing', { 'transfer-encoding': 'chunked' }],
  ])('sends no header with %s', async (_what, headers) => {
    await using server = await byteServer(({ socket }) => socket.write(ok()))
    await using pool = poolOf(server)
    await expect(receive(pool, { headers })).rejects.toMatchObject({ name: 'LinkFailure' })
    await expect(receive(pool, { more: headers })).rejects.toMatchObject({ name: 'LinkFailure' })
    expect(server.requests).toEqual([])
    expect((await receive(pool)).body).toBe('ok')
  })

  test('ends with what the reader throws, and closes the connection', async () => {
    await using server = await byteServer(({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello'),
    )
    await using pool = poolOf(server)
    const broken = new Error('too large')
    const refuse = (): never => {
      throw broken
    }
    await expect(pool.request(post, () => ({ chunk: refuse, end() {} }))).rejects.toBe(broken)
    await waitFor(() => server.sockets[0]?.destroyed === true)
  })

  test('ends with the reason it is cut off for', async () => {
    await using server = await byteServer(({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello'),
    )
    await using pool = poolOf(server)
    const received = new Received()
    const sent = pool.request(post, received.open)
    await waitFor(() => received.body === 'hello')
    const reason = new Error('enough')
    received.cut(reason)
    await expect(sent).rejects.toBe(reason)
    await waitFor(() => server.sockets[0]?.destroyed === true)
  })

  test('closes the connection of a request that is given up, and no other one', async () => {
    await using server = await byteServer(({ socket }, request) => {
      if (request.includes('/quick')) socket.write(ok())
    })
    await using pool = poolOf(server)
    pool.widen()
    const abort = new AbortController()
    const reason = new Error('given up')
    const slow = receive(pool, { signal: abort.signal })
    await waitFor(() => server.requests.length === 1)
    await receive(pool, { path: '/quick' })
    abort.abort(reason)
    await expect(slow).rejects.toBe(reason)
    await waitFor(() => server.sockets[0]?.destroyed === true)
    await receive(pool, { path: '/quick' })
    expect(server.sockets[1]?.destroyed).toBe(false)
  })

  test('opens no connection for a request that was given up before', async () => {
    await using server = await byteServer(({ socket }) => socket.write(ok()))
    await using pool = poolOf(server)
    const reason = new Error('given up')
    await expect(receive(pool, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect((await receive(pool)).body).toBe('ok')
    expect(server.sockets).toHaveLength(1)
  })

  test('opens another connection after an answer that says so', async () => {
    await using server = await byteServer(({ socket }) => socket.write(ok('ok', ['connection: close'])))
    await using pool = poolOf(server)
    await receive(pool)
    await receive(pool)
    expect(server.sockets).toHaveLength(2)
    await waitFor(() => server.open === 0)
  })

  test('takes an answer that comes before the request was sent, and does not use the connection again', async () => {
    const early = 'HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno'
    await using server = await byteServer(({ socket, connection }) => connection > 0 && socket.write(ok()))
    await using pool = poolOf(server)
    const large = receive(pool, { body: 'x'.repeat(16 * 1024 * 1024) })
    await waitFor(() => server.sockets.length === 1)
    server.sockets[0]?.pause().write(early)
    expect((await large).head?.status).toBe(413)
    expect((await receive(pool)).body).toBe('ok')
    expect(server.sockets).toHaveLength(2)
  })

  test('fails what is under way when it is disposed, and takes nothing more', async () => {
    await using server = await byteServer(() => {})
    const pool = poolOf(server)
    const sent = receive(pool)
    const failed = expect(sent).rejects.toMatchObject({ name: 'LinkFailure' })
    await waitFor(() => server.requests.length === 1)
    await pool[Symbol.asyncDispose]()
    await failed
    await expect(receive(pool)).rejects.toMatchObject({ name: 'LinkFailure' })
    await waitFor(() => server.open === 0)
  })
})
