import { expect, test } from 'vitest'
import { isSameConnection } from '../../src/config/connection.ts'
import type { Server } from '../../src/config/profile.ts'
import { serverOf } from '../helpers/group.ts'

const server = serverOf('a')
const transport = { kind: 'http', url: 'http://127.0.0.1:9/mcp', headers: {} } as const

test.each<[string, Partial<Server>, boolean]>([
  ['nothing', {}, true],
  ['the order of its keys', { transport: { headers: {}, url: transport.url, kind: 'http' } }, true],
  ['the prefix', { prefix: 'x' }, true],
  ['filters', { tools: { ...server.tools, allow: ['x'] } }, true],
  ['what is required', { required: true }, true],
  ['deadlines', { timeouts: { ...server.timeouts, request: 'off', max: 1, connect: 2 } }, true],
  ['how long connections are kept', { timeouts: { ...server.timeouts, idle: 1 } }, false],
  ['the url', { transport: { ...transport, url: 'http://127.0.0.1:8/mcp' } }, false],
  ['a header', { transport: { ...transport, headers: { a: 'b' } } }, false],
  ['the transport', { transport: { ...transport, kind: 'sse' } }, false],
  ['whether it is enabled', { enabled: false }, false],
])('a server that differs in %s keeps its connection: %#', (_what, fields, keeps) => {
  expect(isSameConnection({ ...server, ...fields }, server)).toBe(keeps)
})
