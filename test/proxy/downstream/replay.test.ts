import { connect } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Pulse } from '../../../src/proxy/downstream/pulse.ts'
import { Reply } from '../../../src/proxy/downstream/reply.ts'
import type { ResumableStream } from '../../../src/proxy/downstream/resumable.ts'
import { Session } from '../../../src/proxy/downstream/session.ts'
import { Streams } from '../../../src/proxy/downstream/streams.ts'
import type { Version } from '../../../src/proxy/mcp/era.ts'
import { type ReadEvents, readEvents } from '../../helpers/events.ts'
import { framed } from '../../helpers/framed.ts'
import { serve } from '../../helpers/serve.ts'
import { waitFor } from '../../helpers/wait.ts'

function sessionOf(version: Version = '2025-11-25'): Session {
  return new Session('id', {
    sid: 's',
    server: undefined,
    version,
    capabilities: {},
    clientInfo: {},
    group: 'g',
    principal: '',
  })
}

/** A server whose POST opens the stream of an answer, and whose GET goes on with it or opens the session's own. */
async function open(version?: Version) {
  const session = sessionOf(version)
  const opened: ResumableStream[] = []
  let streams: Streams | undefined
  const server = await serve((response, pulse, { method, headers }) => {
    streams ??= new Streams(pulse)
    if (method === 'POST') opened.push(streams.openAnswer(session, response))
    else {
      const cursor = streams.find(session, headers['last-event-id'])
      if (cursor) cursor.stream.resume(response, cursor.seq)
      else opened.push(streams.openStandalone(session, response))
    }
  })
  return {
    session,
    url: server.url,
    post: () => readEvents(server.url, { method: 'POST' }),
    get: (id = '') => readEvents(server.url, { headers: { 'last-event-id': id } }),
    find: (id: unknown, of = session) => streams?.find(of, id),
    beat: (ms: number) => streams?.beat(performance.now() + ms),
    stream: (n: number) => waitFor(() => opened[n]),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const body = (n: number) => JSON.stringify({ n })
const numbers = (events: readonly { readonly data: string }[]) =>
  events.flatMap(({ data }) => (data === '' ? [] : [JSON.parse(data).n]))

test('whatever is lost and resumed, a client that comes back gets everything once, in order', async () => {
  await using fixture = await open()
  let streams = 0
  const act = fc.constantFrom('send', 'send', 'break', 'part')
  const law = fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
    let read = await fixture.post()
    const stream = await fixture.stream(streams++)
    const seen: number[] = []
    let sent = 0
    await waitFor(() => read.lastId)
    for (const one of acts) {
      if (one === 'send') stream.send(body(++sent))
      else {
        if (one === 'break') read.abort()
        else stream.part(5)
        await read.over
        seen.push(...numbers(read.events))
        stream.send(body(++sent))
        read = await fixture.get(read.lastId ?? `${stream.name}:${seen.length}`)
        await waitFor(() => numbers(read.events).length > 0)
      }
    }
    stream.finish(body(++sent))
    await read.over
    seen.push(...numbers(read.events))
    expect(seen).toEqual(Array.from({ length: sent }, (_, i) => i + 1))
  })
  await fc.assert(law, { numRuns: 40 })
})

test('a server that polls lets its client poll: a pause, the end, and the rest for who comes back', async () => {
  await using fixture = await open()
  const first = await fixture.post()
  const stream = await fixture.stream(0)
  stream.send(body(1))
  stream.part(70)
  await first.over
  expect([first.retries, numbers(first.events)]).toEqual([[1000, 70], [1]])
  expect([stream.isOpen, stream.isAwaited]).toEqual([false, true])
  expect(stream.send(body(2))).toBe(true)
  const second = await fixture.get(first.lastId)
  stream.finish(body(3))
  await second.over
  expect(numbers(second.events)).toEqual([2, 3])
})

test('the stream of an older client stays open when the server polls', async () => {
  await using fixture = await open('2025-06-18')
  const read = await fixture.post()
  const stream = await fixture.stream(0)
  stream.part(70)
  expect(stream.isOpen).toBe(true)
  stream.finish(body(1))
  await read.over
  expect([read.retries, numbers(read.events)]).toEqual([[], [1]])
})

test('to a client without an id to come back with nothing is kept', async () => {
  await using fixture = await open('2025-06-18')
  const read = await fixture.post()
  const stream = await fixture.stream(0)
  read.abort()
  await waitFor(() => !stream.isOpen)
  expect([stream.isAwaited, stream.send(body(1))]).toEqual([false, false])
})

test('a client that does not come back in time is not waited for any longer', async () => {
  await using fixture = await open()
  const read = await fixture.post()
  const stream = await fixture.stream(0)
  const id = await waitFor(() => read.lastId)
  fixture.beat(120_000)
  expect(fixture.find(id)?.stream).toBe(stream)
  read.abort()
  await waitFor(() => stream.isAwaited)
  fixture.beat(50_000)
  expect(fixture.find(id)?.stream).toBe(stream)
  fixture.beat(70_000)
  expect([fixture.find(id), stream.isAwaited, stream.send(body(1))]).toEqual([undefined, false, false])
})

test('a client asked to wait longer is waited for longer', async () => {
  await using fixture = await open()
  const read = await fixture.post()
  const stream = await fixture.stream(0)
  stream.part(300_000)
  await read.over
  await waitFor(() => stream.isAwaited)
  fixture.beat(200_000)
  expect(fixture.find(read.lastId)?.stream).toBe(stream)
})

test('a finished stream is kept for a while, a hundred and twenty-eight of a session at most', async () => {
  await using fixture = await open()
  const reads: ReadEvents[] = []
  for (let i = 0; i < 130; i++) {
    const read = await fixture.post()
    const stream = await fixture.stream(i)
    stream.finish(body(i))
    await read.over
    reads.push(read)
  }
  const known = () => reads.filter(({ lastId }) => fixture.find(lastId)).length
  expect(known()).toBe(128)
  expect(fixture.find(reads[0]?.lastId)).toBeUndefined()
  fixture.beat(70_000)
  expect(known()).toBe(0)
})

test('an id means a stream of its own session only, and a place that was reached', async () => {
  await using fixture = await open()
  const read = await fixture.post()
  const stream = await fixture.stream(0)
  await waitFor(() => read.lastId)
  stream.send(body(1))
  expect(fixture.find(`${stream.name}:1`)).toEqual({ stream, seq: 1 })
  for (const id of [`${stream.name}:2`, `${stream.name}`, `${stream.name}:`, ':1', undefined, ['a']])
    expect(fixture.find(id)).toBeUndefined()
  expect(fixture.find(`${stream.name}:1`, sessionOf())).toBeUndefined()
  stream.end()
  await read.over
})

test('a new stream of the session’s own takes the place of the one before it', async () => {
  await using fixture = await open()
  const first = await fixture.get()
  const id = await waitFor(() => first.lastId)
  first.abort()
  await waitFor(async () => (await fixture.stream(0)).isAwaited)
  const second = await fixture.get('unknown')
  expect(fixture.find(id)).toBeUndefined()
  expect(fixture.find(await waitFor(() => second.lastId))).toBeDefined()
  // Ended by us it is none to come back to: a client would think that it has everything.
  const stream = await fixture.stream(1)
  stream.end()
  await second.over
  expect(fixture.find(second.lastId)).toBeUndefined()
})

const megabyte = 1024 * 1024

test.each([
  ['a large message to a client that is there', false, 'send', []],
  ['a large response to a client that is there', false, 'finish', []],
  ['a large message to a client that is away', true, 'send', []],
  ['a large response to a client that is away', true, 'finish', [1]],
] as const)('%s is kept only when nobody could have got it otherwise', async (_what, isAway, verb, kept) => {
  await using fixture = await open()
  const read = await fixture.post()
  const stream = await fixture.stream(0)
  const id = await waitFor(() => read.lastId)
  if (isAway) read.abort()
  if (isAway) await waitFor(() => stream.isAwaited)
  stream[verb](JSON.stringify({ n: 1, text: 'x'.repeat(2 * megabyte) }))
  const again = await fixture.get(id)
  if (verb === 'send') stream.end()
  await again.over
  expect(numbers(again.events)).toEqual(kept)
})

test('of a long absence the oldest messages are lost, the response never', async () => {
  await using fixture = await open()
  const read = await fixture.post()
  const stream = await fixture.stream(0)
  const id = await waitFor(() => read.lastId)
  read.abort()
  await waitFor(() => stream.isAwaited)
  for (let n = 1; n <= 1000; n++) stream.send(body(n))
  stream.finish(body(1001))
  const again = await fixture.get(id)
  await again.over
  expect(numbers(again.events)).toEqual(Array.from({ length: 256 }, (_, i) => 746 + i))
})

test('all that is kept has one bound: the oldest streams give way', async () => {
  const session = sessionOf()
  const opened: ResumableStream[] = []
  let streams: Streams | undefined
  await using server = await serve((response, pulse) => {
    streams ??= new Streams(pulse)
    opened.push(streams.openAnswer(session, response))
  })
  const large = JSON.stringify('x'.repeat(15 * megabyte))
  const ids: string[] = []
  for (let i = 0; i < 6; i++) {
    const read = await readEvents(server.url, { method: 'POST' })
    ids.push(await waitFor(() => read.lastId))
    read.abort()
    const stream = await waitFor(() => opened[i])
    await waitFor(() => stream.isAwaited)
    stream.finish(large)
  }
  const kept = ids.map((id) => streams?.find(session, id) !== undefined)
  expect(kept.filter(Boolean).length).toBeLessThanOrEqual(4)
  expect(kept.at(-1)).toBe(true)
  expect(kept[0]).toBe(false)
})

test('a reader that stops reading loses its connection, not its place', async () => {
  await using fixture = await open()
  const deaf = connect(Number(new URL(fixture.url).port), '127.0.0.1')
  deaf.write('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n')
  deaf.pause()
  const stream = await fixture.stream(0)
  let sent = 0
  await waitFor(() => {
    stream.send(JSON.stringify({ n: ++sent, text: 'x'.repeat(100_000) }))
    return !stream.isOpen
  })
  expect(sent).toBeLessThan(200)
  stream.finish(body(++sent))
  deaf.destroy()
  const again = await fixture.get(`${stream.name}:0`)
  await again.over
  const rest = numbers(again.events)
  expect(rest.length).toBeLessThanOrEqual(11)
  expect(rest).toEqual(rest.map((_, i) => sent - rest.length + i + 1))
})

/** A server that answers every POST by a reply whose stream can be resumed. */
async function reply(act: (reply: Reply, pulse: Pulse) => void, version?: Version) {
  const session = sessionOf(version)
  return serve((response, pulse) => {
    const streams = new Streams(pulse)
    const stream = () => streams.openAnswer(session, response)
    act(new Reply({ response, pulse, expected: 1, isBatch: false, open: stream }), pulse)
  })
}

test.each([
  ['the response', (one: Reply) => one.respond('{"r":1}'), 'application/json', '{"r":1}'],
  [
    'a message first',
    (one: Reply) => {
      one.send('{"n":1}')
      one.respond('{"r":1}')
    },
    'text/event-stream',
    'id: S:0\nretry: 1000\ndata: \n\nid: S:1\nevent: message\ndata: {"n":1}\n\nid: S:2\nevent: message\ndata: {"r":1}\n\n',
  ],
  [
    'bytes that are ready',
    (one: Reply) => {
      one.send(framed('{"n":1}'))
      one.respond(framed('{"r":1}'))
    },
    'text/event-stream',
    'id: S:0\nretry: 1000\ndata: \n\nid: S:1\nevent: message\ndata: {"n":1}\n\nid: S:2\nevent: message\ndata: {"r":1}\n\n',
  ],
  [
    'eight seconds of silence',
    (one: Reply) => {
      one.beat(performance.now() + 9000)
      one.respond('{"r":1}')
    },
    'text/event-stream',
    'id: S:0\nretry: 1000\ndata: \n\nid: S:1\nevent: message\ndata: {"r":1}\n\n',
  ],
  [
    'a server that polls',
    (one: Reply) => one.part(70),
    'text/event-stream',
    'id: S:0\nretry: 1000\ndata: \n\nretry: 70\n\n',
  ],
  ['a cancellation', (one: Reply) => one.abandon(), 'text/event-stream', ''],
])('an answer that begins with %s is what it must be', async (_what, act, type, text) => {
  await using server = await reply(act)
  const response = await fetch(server.url)
  expect(response.headers.get('content-type')).toBe(type)
  expect(response.headers.get('x-accel-buffering')).toBe(type === 'text/event-stream' ? 'no' : null)
  expect((await response.text()).replaceAll(/[\da-f]{8}-\d+/g, 'S')).toBe(text)
})

test('after a server polled, its questions and its answer wait for the client', async () => {
  let made: Reply | undefined
  await using server = await reply((one) => {
    made = one
    one.part(5)
  })
  const read = await readEvents(server.url)
  await read.over
  const one = await waitFor(() => made)
  expect(one.isOpen).toBe(true)
  expect(one.send('{"n":1}')).toBe(true)
  one.respond('{"r":1}')
  expect([one.isOpen, one.send('{"n":2}')]).toEqual([false, false])
})

test('an answer that would have been JSON has nothing to come back for', async () => {
  let made: Reply | undefined
  await using server = await reply((one) => {
    made = one
  })
  const controller = new AbortController()
  const asked = fetch(server.url, { signal: controller.signal }).catch(() => {})
  const one = await waitFor(() => made)
  controller.abort()
  await asked
  await waitFor(() => !one.isOpen)
  expect(one.send('{"n":1}')).toBe(false)
  one.part(1)
  one.respond('{"r":1}')
})
