import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { groupOf, serverOf } from '../helpers/group.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../helpers/proxy.ts'
import { waitFor } from '../helpers/wait.ts'
import { cells, titleOf } from './cells.ts'
import { connect } from './client.ts'
import { type Json, type Mirror, startMirror } from './mirror.ts'
import { anything, meta, noisy, text } from './noise.ts'
import { runs, seed } from './runs.ts'
import { withoutMeta } from './translations.ts'
import { Wire } from './wire.ts'

let mirror: Mirror
let wire: Wire
let socket: HeldSocket

beforeAll(async () => {
  wire = new Wire()
  mirror = await startMirror()
  socket = await holdSocket()
})

afterAll(async () => {
  await mirror[Symbol.asyncDispose]()
  await wire[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const capabilities = { tools: {}, resources: { subscribe: true }, logging: {} }
const uri = 'news://one'
const updated = noisy({}, { title: text, _meta: meta }).map((params) => ({
  jsonrpc: '2.0',
  method: 'notifications/resources/updated',
  params: { ...params, uri },
}))
const logged = noisy({ level: fc.constantFrom('info', 'error'), data: anything }, { logger: text, _meta: meta }).map(
  (params) => ({ jsonrpc: '2.0', method: 'notifications/message', params }),
)

describe.each(cells.map((cell) => ({ title: titleOf(cell), cell })))('$title', ({ cell }) => {
  let proxy: RunningProxy

  beforeAll(async () => {
    const behind = mirror.server(cell.server, `news-${cell.client}`)
    await behind.load({ initialize: { capabilities, serverInfo: {} }, discover: { capabilities } })
    const transport = { kind: 'http', url: behind.url ?? '', headers: {} } as const
    proxy = await startReadyProxy({ group: groupOf([serverOf('news', { protocol: cell.server, transport })]), socket })
  })

  afterAll(() => proxy[Symbol.asyncDispose]())

  test('what belongs to no request arrives as it was said, in order', async () => {
    const client = await connect(cell.client, wire, `${proxy.url}/servers/news/mcp`)
    using listening = await client.listen([uri])
    // In the modern era there are no log messages outside of requests.
    const kinds = cell.client === 'legacy' && cell.server === 'legacy' ? fc.oneof(updated, logged) : updated
    const said = fc.sample(kinds, { seed, numRuns: Math.min(runs, 500) })
    const behind = mirror.server(cell.server, `news-${cell.client}`)
    await waitFor(async () => (await behind.listeners()) > 0)
    for (const message of said) await behind.broadcast(message)
    const news = () => listening.heard.map(unstamped).filter(({ method }) => !isAcknowledgement(method))
    await waitFor(() => news().length >= said.length)
    expect(news(), `seed ${seed}`).toEqual(JSON.parse(JSON.stringify(said)).map(unstamped))
  })
})

/** The modern era stamps what it sends with the request that asked for it: every hop with its own. */
function unstamped({ params, ...message }: Json): Json {
  return { ...message, params: withoutMeta(params as Json, ['io.modelcontextprotocol/subscriptionId']) }
}

function isAcknowledgement(method: unknown): boolean {
  return method === 'notifications/subscriptions/acknowledged'
}
