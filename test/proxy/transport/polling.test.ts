import { expect, test } from 'vitest'
import { readEvents } from '../../helpers/events.ts'
import { startFixture } from '../../helpers/fixture.ts'
import { groupOf, serverOf } from '../../helpers/group.ts'
import { connect, rawSession } from '../../helpers/mcp.ts'
import { holdSocket, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'

/** A proxy in front of a server that ends the stream of an answer after its first event and goes on with it later. */
async function polling() {
  const server = await startFixture('replies')
  const socket = await holdSocket()
  const far = serverOf('far', { transport: { kind: 'http', url: server.address, headers: {} } })
  const proxy = await startReadyProxy({ group: groupOf([far]), socket })
  const message = (fields: object) => `data: ${JSON.stringify({ jsonrpc: '2.0', ...fields })}\n\n`
  const result = message({ id: 'ID', result: { content: [{ type: 'text', text: 'late' }] } }).replace('"ID"', '$id')
  const call = {
    name: 'far_reply',
    arguments: { events: 'id: 1\nretry: 300\ndata: \n\n', resume: `id: 2\n${result}` },
  }
  return {
    url: `${proxy.url}/mcp`,
    call,
    lastEventIds: async () => Object(await (await fetch(new URL('/stats', server.address))).json()).lastEventIds,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      socket[Symbol.dispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

function post(url: string, session: string, params: object) {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  return readEvents(url, { method: 'POST', headers: { ...headers, 'mcp-session-id': session }, body })
}

test('a server that polls lets the client poll, and the answer waits for it', async () => {
  await using fixture = await polling()
  const { id } = await rawSession(fixture.url)
  const first = await post(fixture.url, id, fixture.call)
  await first.over
  expect([first.messages, first.retries]).toEqual([[], [1000, 300]])
  await waitFor(async () => (await fixture.lastEventIds()).length > 0)
  const headers = { accept: 'text/event-stream', 'mcp-session-id': id, 'last-event-id': first.lastId ?? '' }
  const rest = await readEvents(fixture.url, { headers })
  await rest.over
  expect(rest.messages).toMatchObject([{ id: 1, result: { content: [{ text: 'late' }] } }])
})

test('a client of an older revision just waits', async () => {
  await using fixture = await polling()
  const { id } = await rawSession(fixture.url, { protocolVersion: '2025-06-18' })
  const read = await post(fixture.url, id, fixture.call)
  await read.over
  expect(read.messages).toMatchObject([{ id: 1, result: { content: [{ text: 'late' }] } }])
})

test('a client of the SDK polls by itself', async () => {
  await using fixture = await polling()
  await using connected = await connect(fixture.url)
  const answer = await connected.client.callTool(fixture.call)
  expect(answer).toMatchObject({ content: [{ text: 'late' }] })
})
