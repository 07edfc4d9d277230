import { once } from 'node:events'
import net from 'node:net'
import { expect, test } from 'vitest'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { requestOf, send } from '../../helpers/modern.ts'
import { holdSocket, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'

const request = requestOf('subscriptions/listen', { notifications: { toolsListChanged: true } })

/** As many listens at once on one connection, without waiting for any answer. */
function pipelined(count: number): string {
  const body = JSON.stringify(request)
  const head = [
    'POST /mcp HTTP/1.1',
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    'MCP-Protocol-Version: 2026-07-28',
    'Mcp-Method: subscriptions/listen',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`.repeat(count)
}

/** Whether so many can listen at the same time. */
async function canListen(url: string, count: number): Promise<boolean> {
  const responses = await Promise.all(Array.from({ length: count }, () => send(url, request)))
  await Promise.all(responses.map((response) => response.body?.cancel()))
  return responses.every(({ status }) => status === 200)
}

test('what a client sent ahead of an answer takes no place once the client is gone', async () => {
  using socket = await holdSocket()
  const limits = { maxBody: 4096, maxSessions: 4 }
  await using proxy = await startReadyProxy({
    group: groupOf([stdioServer('one', 'all-features')], { limits }),
    socket,
  })
  for (let round = 0; round < 3; round++) {
    const client = net.connect(socket.port, socket.host)
    client.write(pipelined(6))
    await once(client, 'data')
    client.destroy()
  }
  expect(await waitFor(() => canListen(`${proxy.url}/mcp`, limits.maxSessions))).toBe(true)
})

test('requests sent ahead are answered in their order', async () => {
  using socket = await holdSocket()
  await using _proxy = await startReadyProxy({ group: groupOf([stdioServer('one', 'echo')]), socket })
  const client = net.connect(socket.port, socket.host)
  let text = ''
  client.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const paths = ['/livez', '/elsewhere', '/readyz']
  client.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`).join(''))
  await waitFor(() => (text.match(/HTTP\/1\.1/g) ?? []).length === 3)
  client.destroy()
  expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '404', '200'])
})
