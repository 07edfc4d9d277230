import { expect, test } from 'vitest'
import { Backlog } from '../../../src/proxy/bridge/backlog.ts'
import type { RpcNotification } from '../../../src/proxy/mcp/rpc.ts'

const progress = (nth: number) => notification('notifications/progress', nth)
const log = (nth: number) => notification('notifications/message', nth)

function notification(method: string, nth: number): RpcNotification {
  return { jsonrpc: '2.0', method, params: { nth } }
}

test('gives everything back in order, once', () => {
  const backlog = new Backlog(3)
  for (const one of [log(1), progress(2), log(3)]) backlog.add(one)
  expect(backlog.take()).toEqual([log(1), progress(2), log(3)])
  expect(backlog.take()).toEqual([])
})

test('lets the oldest progress go when there is too much, then the oldest of all', () => {
  const backlog = new Backlog(3)
  for (const one of [log(1), progress(2), progress(3), log(4), log(5)]) backlog.add(one)
  expect(backlog.take()).toEqual([log(1), log(4), log(5)])
  for (const one of [log(1), log(2), log(3), log(4)]) backlog.add(one)
  expect(backlog.take()).toEqual([log(2), log(3), log(4)])
})
