import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Era } from '../../../src/proxy/mcp/era.ts'
import type { RpcMessage } from '../../../src/proxy/mcp/rpc.ts'
import type { Connection } from '../../../src/proxy/upstream/connection.ts'
import { LinkFailure } from '../../../src/proxy/upstream/failure.ts'
import { LegacyConnection } from '../../../src/proxy/upstream/legacy.ts'
import { Line, type LineOptions } from '../../../src/proxy/upstream/line.ts'
import type { Link, LinkEvents } from '../../../src/proxy/upstream/link.ts'
import { ModernConnection } from '../../../src/proxy/upstream/modern.ts'
import { timing } from '../../../src/proxy/upstream/timing.ts'
import { createLog } from '../../../src/shared/log.ts'
import { toolCall } from './harness.ts'

interface Wire extends AsyncDisposable {
  readonly connection: Connection
  readonly events: LinkEvents
  readonly sent: readonly RpcMessage[]
  /** Why the owner was told that the connection is lost. */
  readonly lost: readonly LinkFailure[]
}

/** A connection over a link that ends in two arrays: what it sends is kept, what it receives the test says. */
async function wire(era: Era = 'legacy'): Promise<Wire> {
  const sent: RpcMessage[] = []
  const lost: LinkFailure[] = []
  const link: Link = {
    transport: 'http',
    pid: null,
    send: async (message) => void sent.push(message),
    agreed: () => {},
    listen: async () => {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
  const ends: LinkEvents[] = []
  const open = async (events: LinkEvents): Promise<Link> => {
    ends.push(events)
    return link
  }
  const options: LineOptions = {
    name: 'wire',
    declares: { capabilities: { sampling: {} }, clientInfo: {} },
    client: undefined,
    timeouts: { request: 'off', max: 'off' },
    timing,
    log: createLog({ level: 'error', write: () => {} }),
    events: {
      notified: () => {},
      stale: () => {},
      failed: () => {},
      answered: () => false,
      lost: (failure) => lost.push(failure),
    },
  }
  const line = await Line.open(open, options)
  const modern = { ...options, declares: { capabilities: {}, clientInfo: {} }, relist: async () => {} }
  const connection = era === 'legacy' ? new LegacyConnection(line, options) : new ModernConnection(line, modern)
  const [events] = ends
  if (!events) throw new Error('the link was not opened')
  return { connection, events, sent, lost, [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose]() }
}

const result = { content: [] }

test.each(['legacy', 'modern'] as const)(
  'brings every call to an end and stays, whatever a %s server says',
  async (era) => {
    const message = fc.record(
      {
        jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant('2.0') }, { weight: 1, arbitrary: fc.jsonValue() }),
        id: fc.oneof(fc.integer({ min: -1, max: 4 }), fc.constantFrom('1', '2', null), fc.jsonValue()),
        method: fc.oneof(
          fc.constantFrom('ping', 'notifications/progress', 'notifications/cancelled', 'notifications/message', 'x'),
          fc.jsonValue(),
        ),
        params: fc.oneof(fc.record({ progressToken: fc.integer({ min: 0, max: 3 }) }), fc.jsonValue()),
        result: fc.oneof(fc.constant(result), fc.jsonValue()),
        error: fc.oneof(fc.constant({ code: 1, message: 'x' }), fc.jsonValue()),
      },
      { requiredKeys: ['jsonrpc'] },
    )
    const value = fc.oneof({ weight: 4, arbitrary: message }, { weight: 1, arbitrary: fc.jsonValue() })
    const said = fc.array(fc.tuple(fc.oneof(value, fc.array(value)), fc.constantFrom(undefined, 1, 2, 'x')))
    await fc.assert(
      fc.asyncProperty(said, async (messages) => {
        await using it = await wire(era)
        const { connection, events, lost } = it
        const calls = [toolCall('a', {}, { progressToken: 0 }), toolCall('b')].map((call) => connection.call(call))
        const outcomes = Promise.allSettled(calls)
        for (const [one, origin] of messages) events.received(one, origin)
        for (const id of [1, 2]) events.received({ jsonrpc: '2.0', id, result }, id)
        for (const outcome of await outcomes)
          if (outcome.status === 'rejected')
            expect(outcome.reason).toMatchObject({ name: 'LinkFailure', kind: 'broken' })
        expect([lost, connection.end]).toEqual([[], undefined])
      }),
      { examples: [[[[{ jsonrpc: '2.0', result, error: null }, 1]]]] },
    )
  },
)

test('numbers its requests from 1 and keeps the order of parameters', async () => {
  await using it = await wire()
  const call = it.connection.call(toolCall('a', { z: 1, a: 2 }, { zz: 1, progressToken: 'p', aa: 2 }))
  it.events.received({ jsonrpc: '2.0', id: 1, result }, undefined)
  await call
  const params = '{"name":"a","arguments":{"z":1,"a":2},"_meta":{"zz":1,"progressToken":1,"aa":2}}'
  expect(it.sent.map((one) => JSON.stringify(one))).toEqual([
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`,
  ])
})

test('lets calls in flight finish when the session is lost, and takes no others', async () => {
  await using it = await wire()
  const { connection, events } = it
  const before = connection.call(toolCall('a'))
  const failure = new LinkFailure('session', 'forgotten')
  connection.lose(failure)
  await expect(connection.call(toolCall('b'))).rejects.toBe(failure)
  events.received({ jsonrpc: '2.0', id: 1, result }, 1)
  expect(await before).toMatchObject({ result })
  await connection.drained()
})

test('reports its end once', async () => {
  await using it = await wire()
  const failure = new LinkFailure('ended', 'gone')
  it.events.lost(failure)
  it.events.lost(new LinkFailure('ended', 'again'))
  expect(it.lost).toEqual([failure])
})
