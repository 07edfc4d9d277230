import { beforeAll, expect, test } from 'vitest'
import { readEvents } from '../helpers/events.ts'
import { fixturePath } from '../helpers/fixture.ts'
import { post, rawSession } from '../helpers/mcp.ts'
import { headOf, requestOf } from '../helpers/modern.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { built, type Detached, detached } from './detached.ts'

beforeAll(built)

test('P-08: replaced', async () => {
  const port = await freePort()
  await using d = await detached(yamlOf(port, ['one']))
  d.start()
  await d.answered()
  await d.client.ask('apply', { ...d.wish, watch: false })
  await ready(d)
  const url = `http://127.0.0.1:${port}/mcp`
  const session = await rawSession(url)
  const get = await readEvents(url, { headers: { accept: 'text/event-stream', 'mcp-session-id': session.id } })
  const request = requestOf('subscriptions/listen', { notifications: { toolsListChanged: true } }, 7)
  const listen = await readEvents(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headOf(request) },
    body: JSON.stringify(request),
  })
  const sse = await readEvents(`http://127.0.0.1:${port}/sse`, { headers: { accept: 'text/event-stream' } })
  await waitFor(() => sse.events.length === 1)
  const where = `http://127.0.0.1:${port}${sse.events[0]?.data}`
  expect(
    (
      await post(where, {
        jsonrpc: '2.0',
        id: 'i',
        method: 'initialize',
        params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
      })
    ).status,
  ).toBe(202)
  await waitFor(() => sse.events.length === 2)
  let over = 0
  for (const one of [get, listen, sse]) void one.over.then(() => over++)
  for (let round = 0; round < 3; round++) {
    const pid = (await ready(d)).groups[0]?.pid ?? 0
    await d.client.ask('restart', { groups: [] })
    expect((await ready(d)).groups[0]?.pid).not.toBe(pid)
    await waitFor(() => !isAlive(pid))
    expect(over).toBe(0)
    const before = [get.messages.length, listen.messages.length, sse.events.length]
    await d.folder.write({ 'mcpctl.yaml': yamlOf(port, round % 2 === 0 ? ['one', 'two'] : ['one']) })
    await d.client.ask('reload', { dryRun: false })
    await waitFor(
      () => get.messages.length > before[0]! && listen.messages.length > before[1]! && sse.events.length > before[2]!,
    )
    console.log(before, get.messages.slice(before[0]), listen.messages.slice(before[1]), sse.events.slice(before[2]))
    expect((await post(where, { jsonrpc: '2.0', id: `p${round}`, method: 'ping' })).status).toBe(202)
    await waitFor(() => sse.events.some(({ data }) => data.includes(`p${round}`)))
    expect((await session.ask('ping'))[0]?.result).toEqual({})
  }
})

function ready({ client }: Detached) {
  return waitFor(async () => {
    const status = await client.ask('status')
    return status.state === 'ready' ? status : undefined
  })
}

function yamlOf(port: number, names: readonly string[]): string {
  const servers = names.map((name) => `${name}: { command: ${process.execPath}, args: [${fixturePath('echo')}] }`)
  return `version: 1\nservers: { ${servers.join(', ')} }\nprofiles: { dev: { groups: { g: { port: ${port}, servers: [${names.join(', ')}] } } } }\n`
}
