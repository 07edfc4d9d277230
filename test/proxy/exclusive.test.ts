import { expect, test } from 'vitest'
import { groupOf, stdioServer } from '../helpers/group.ts'
import { rawSession } from '../helpers/mcp.ts'
import { isAlive } from '../helpers/processes.ts'
import { configure, holdSocket, type RunningProxy, startReadyProxy } from '../helpers/proxy.ts'
import { waitFor } from '../helpers/wait.ts'

const pidOf = (proxy: RunningProxy) => proxy.status()?.servers[0]?.pid ?? 0

test('an exclusive server ends before its next process starts, and calls wait for that', async () => {
  using socket = await holdSocket()
  const exclusive = (stateful: boolean) => groupOf([stdioServer('a', 'echo', { exclusive: true, stateful })])
  await using proxy = await startReadyProxy({ group: exclusive(false), socket })
  const session = await rawSession(`${proxy.url}/mcp`)
  const pid = pidOf(proxy)
  expect(await configure(proxy, exclusive(true))).toEqual([])
  const [answer] = await session.ask('tools/call', { name: 'a_echo', arguments: { text: 'x' } })
  expect(answer?.result).toEqual({ content: [{ type: 'text', text: 'x' }] })
  expect(isAlive(pid)).toBe(false)
  await waitFor(() => pidOf(proxy) !== 0 && pidOf(proxy) !== pid)
})
