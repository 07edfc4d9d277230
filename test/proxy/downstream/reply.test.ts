import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { Reply } from '../../../src/proxy/downstream/reply.ts'
import { EventStream } from '../../../src/proxy/downstream/stream.ts'
import { framed } from '../../helpers/framed.ts'
import { serve } from '../../helpers/serve.ts'
import { waitFor } from '../../helpers/wait.ts'

const single = { expected: 1, isBatch: false }

test('a response that comes first is plain JSON', async () => {
  await using server = await serve((response, pulse) => new Reply({ response, pulse, ...single }).respond('{"a":"ü"}'))
  const response = await fetch(server.url)
  expect([response.headers.get('content-type'), response.headers.get('content-length')]).toEqual([
    'application/json',
    '10',
  ])
  expect(await response.text()).toBe('{"a":"ü"}')
})

test('anything before the response makes it a stream, in order', async () => {
  await using server = await serve((response, pulse) => {
    const reply = new Reply({ response, pulse, ...single })
    reply.send('{"n":1}')
    reply.send('{"n":2}')
    reply.respond(framed('{"r":3}'))
  })
  const response = await fetch(server.url)
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const events = ['{"n":1}', '{"n":2}', '{"r":3}'].map((data) => `event: message\ndata: ${data}\n\n`)
  expect(await response.text()).toBe(events.join(''))
})

test('a long silence makes it a stream, a quiet stream is kept alive by comments', async () => {
  await using server = await serve((response, pulse) => {
    const reply = new Reply({ response, pulse, ...single })
    reply.beat(performance.now() + 7000)
    expect(response.headersSent).toBe(false)
    reply.beat(performance.now() + 9000)
    expect(response.headersSent).toBe(true)
    reply.respond('{}')
  })
  expect(await (await fetch(server.url)).text()).toBe('event: message\ndata: {}\n\n')
  await using quiet = await serve((response, pulse) => {
    const stream = new EventStream(response, pulse)
    stream.beat(performance.now() + 14_000)
    stream.beat(performance.now() + 16_000)
    stream.end()
  })
  expect(await (await fetch(quiet.url)).text()).toBe(': keepalive\n\n')
})

test('a cancelled request ends without a response, a batch with those that are left', async () => {
  await using server = await serve((response, pulse) => new Reply({ response, pulse, ...single }).abandon())
  expect(await (await fetch(server.url)).text()).toBe('')
  await using batch = await serve((response, pulse) => {
    const reply = new Reply({ response, pulse, expected: 3, isBatch: true })
    reply.respond('{"id":2}')
    reply.abandon()
    reply.respond(framed('{"id":1}'))
  })
  expect(await (await fetch(batch.url)).json()).toEqual([{ id: 2 }, { id: 1 }])
})

test('D-31: a reader that stops reading is cut off once more than a mebibyte waits for it', async () => {
  let sent = 0
  let stream: EventStream | undefined
  await using server = await serve((response, pulse) => {
    stream = new EventStream(response, pulse)
  })
  const deaf = connect(server.port, '127.0.0.1')
  deaf.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  deaf.pause()
  await waitFor(() => stream)
  const chunk = 'x'.repeat(100_000)
  await waitFor(() => {
    if (stream?.send(chunk)) sent += chunk.length
    return !stream?.isOpen
  })
  expect(sent).toBeLessThan(16 * 1024 * 1024)
  deaf.destroy()
})

test('a burst that is too much at once costs its middle, never the response', async () => {
  const chunk = JSON.stringify('x'.repeat(500_000))
  let skipped = 0
  await using server = await serve((response, pulse) => {
    const reply = new Reply({ response, pulse, ...single })
    for (let i = 0; i < 40; i++) if (!reply.send(chunk)) skipped++
    reply.respond('{"id":1}')
  })
  const text = await (await fetch(server.url)).text()
  expect(text.endsWith('event: message\ndata: {"id":1}\n\n')).toBe(true)
  expect(skipped).toBeGreaterThan(0)
})

test('one message of sixteen mebibytes passes', async () => {
  const big = JSON.stringify('x'.repeat(16 * 1024 * 1024 - 2))
  await using server = await serve((response, pulse) => {
    const reply = new Reply({ response, pulse, ...single })
    reply.send('{}')
    reply.respond(big)
  })
  expect((await (await fetch(server.url)).text()).length).toBeGreaterThan(big.length)
})
