import { afterAll, beforeAll, expect, test } from 'vitest'
import { hasTwins } from '../../../src/proxy/mcp/twins.ts'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { type Message, messages, post, rawSession } from '../../helpers/mcp.ts'
import { requestOf, send } from '../../helpers/modern.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'
import { rawHead, rawStatus } from '../../helpers/raw-http.ts'

let socket: HeldSocket
let proxy: RunningProxy
let url: string

beforeAll(async () => {
  socket = await holdSocket()
  const one = stdioServer('one', 'all-features', { tools: { allow: ['echo'], deny: [], rename: {}, override: {} } })
  proxy = await startReadyProxy({ group: groupOf([one]), socket })
  url = `${proxy.url}/mcp`
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

async function isServing(): Promise<void> {
  expect((await (await rawSession(url)).ask('ping'))[0]?.result).toEqual({})
}

function head(...lines: readonly string[]): string {
  const all = [`Host: ${socket.host}`, 'Content-Type: application/json', 'Accept: */*', ...lines]
  return `POST /mcp HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n`
}

const MiB = 1024 * 1024

test('D-03: a body that says to be five mebibytes is refused before any of it is read', async () => {
  expect(await rawStatus(url, head(`Content-Length: ${5 * MiB}`))).toBe(413)
  expect(await rawStatus(url, head(`Content-Length: ${4 * MiB + 1}`))).toBe(413)
})

test('D-03: a body without end is cut at the limit', async () => {
  const chunk = `${MiB.toString(16)}\r\n${' '.repeat(MiB)}\r\n`
  expect(await rawStatus(url, head('Transfer-Encoding: chunked') + chunk.repeat(5))).toBe(413)
  await isServing()
})

test.each([
  ['lists', '['.repeat(100_000) + ']'.repeat(100_000)],
  ['lists that do not end', '['.repeat(100_000)],
  ['objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  [
    'objects in arguments',
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"one_echo","arguments":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}}`,
  ],
])('D-04: %s nested a hundred thousand deep are refused, and the proxy lives', async (_what, body) => {
  const session = await rawSession(url)
  const response = await session.send(body)
  expect([response.status, (await messages(response))[0]?.error?.code]).toEqual([400, -32700])
  await isServing()
})

test.each([
  ['invalid JSON', '{"jsonrpc":"2.0",', 400, -32700],
  ['nothing', '', 400, -32700],
  ['two values', '{} {}', 400, -32700],
  ['not a number of JSON', '{"jsonrpc":"2.0","id":NaN,"method":"ping"}', 400, -32700],
  ['a text', '"ping"', 400, -32600],
  ['null', 'null', 400, -32600],
  ['a method that is none', '{"jsonrpc":"2.0","id":1,"method":7}', 400, -32600],
  ['params that are a list', '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', 400, -32600],
] as const)('D-05: %s is refused', async (_what, body, status, code) => {
  const response = await (await rawSession(url)).send(body)
  expect([response.status, (await messages(response))[0]?.error?.code]).toEqual([status, code])
})

test('D-05: another type than JSON, and bytes that are not UTF-8, are refused', async () => {
  expect((await post(url, {}, { 'content-type': 'text/plain' })).status).toBe(415)
  expect((await post(url, {}, { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415)
  for (const bytes of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80]]) {
    const body = Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":"'),
      Buffer.from(bytes),
      Buffer.from('","method":"ping"}'),
    ])
    const headers = { 'content-type': 'application/json', accept: '*/*' }
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(400)
  }
})

const long = `{"p":"${'x'.repeat(8000)}"}`
const call = (params: string, rest = '') => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{${params}}${rest}}`

test.each([
  ['two names', call('"name":"one_echo","name":"one_pid"')],
  ['two names around long arguments', call(`"name":"one_echo","arguments":${long},"name":"one_pid"`)],
  ['two methods', call('"name":"one_echo"', ',"method":"ping"')],
  ['two params', call('"name":"one_echo"', ',"params":{"name":"one_pid"}')],
  ['two URIs', '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"a:1","uri":"a:2"}}'],
])('D-05: %s are refused, whichever of them a policy would look at', async (_what, body) => {
  const response = await (await rawSession(url)).send(body)
  expect([response.status, (await messages(response))[0]?.error?.code]).toEqual([400, -32600])
})

test.each([
  [call('"name":"x","arguments":{"name":1,"name":2,"uri":1,"uri":2}'), false],
  [call('"name":"x","arguments":{"a":[{"name":1},{"name":2}]}'), false],
  [call('"name":"x","_meta":{"name":1,"method":"name"}'), false],
  [call('"name":"a\\"name\\":","arguments":{"name":"name"}'), false],
  [call('"name": "x" , "x":{"name":{}} , "name" : "y"'), true],
  [`[${call('"name":"x"')},${call('"name":"x"')}]`, false],
  [`[${call('"name":"x"')},${call('"name":"x","name":"y"')}]`, true],
  ['{"method":"a","id":[{"method":"b"}],"method":"c"}', true],
  ['{"id":"\\\\","method":"a","method":"b"}', true],
  [call('"name":"x\\\\","uri":"\\\\\\"name\\","'), false],
  [call('"name":"\\"{\\\\","uri":"[","name":1'), true],
  ['{"method":"name","name":"method"}', false],
])('D-05: that %s names something twice is %s', (text, expected) => {
  JSON.parse(text)
  expect(hasTwins(text)).toBe(expected)
})

test('D-05: names that escapes make the same go on as what was judged, once', async () => {
  const session = await rawSession(url)
  const [answer] = await messages(await session.send(call('"name":"one_echo","\\u006eame":"one_pid"')))
  expect(answer?.error).toEqual({ code: -32602, message: 'Unknown tool: one_pid' })
})

test('D-06: the modern era and every revision but one have no batches', async () => {
  const batch = [{ jsonrpc: '2.0', id: 1, method: 'ping' }]
  for (const protocolVersion of ['2024-11-05', '2025-06-18', '2025-11-25'])
    expect((await (await rawSession(url, { protocolVersion })).send(batch)).status).toBe(400)
  const modern = requestOf('tools/list')
  expect((await post(url, [modern], { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' })).status).toBe(
    400,
  )
})

test.each([
  ['1.5', 200, '1.5'],
  ['-1', 200, '-1'],
  ['9007199254740991', 200, '9007199254740991'],
  ['"9007199254740993"', 200, '"9007199254740993"'],
  [`"${'x'.repeat(10_240)}"`, 200, `"${'x'.repeat(10_240)}"`],
  ['""', 200, '""'],
  ['9007199254740993', 400, undefined],
  ['-9007199254740993', 400, undefined],
  ['1e400', 400, undefined],
  ['null', 400, undefined],
  ['{"a":1}', 400, undefined],
  ['[1]', 400, undefined],
  ['true', 400, undefined],
])('D-07: the id %s comes back to the letter, or is refused', async (id, status, answered) => {
  const session = await rawSession(url)
  for (const body of [
    `{"jsonrpc":"2.0","id":${id},"method":"ping"}`,
    `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"one_echo"}}`,
    `{"jsonrpc":"2.0","id":${id},"method":"tools/list"}`,
  ]) {
    const response = await session.send(body)
    const text = await response.text()
    expect(response.status).toBe(status)
    if (answered !== undefined) expect(text).toContain(`"id":${answered}`)
  }
})

test('D-07: two calls under one id at the same time are both answered, each on its own response', async () => {
  const session = await rawSession(url)
  const echo = (nonce: string) => session.ask('tools/call', { name: 'one_echo', arguments: { nonce } }, 7)
  const answers = await Promise.all(['a', 'b', 'c'].map(echo))
  expect(answers.map(([answer]) => [answer?.id, textOf(answer)])).toEqual(
    ['a', 'b', 'c'].map((nonce) => [7, JSON.stringify({ nonce })]),
  )
})

function textOf(answer: Message | undefined): unknown {
  const [item] = (answer?.result?.content as { text: string }[] | undefined) ?? []
  return item?.text
}

test('D-08: unknown and removed methods are not found, in the status too where the era has it so', async () => {
  const session = await rawSession(url)
  for (const method of ['never/heard', 'server/discover', 'subscriptions/listen']) {
    const response = await session.send({ jsonrpc: '2.0', id: 1, method, params: {} })
    if (method === 'never/heard') expect(response.status).toBe(200)
    expect((await messages(response))[0]?.error?.code).toBeLessThan(0)
  }
  expect((await session.ask('never/heard'))[0]?.error?.code).toBe(-32601)
  for (const method of ['never/heard', 'ping', 'logging/setLevel', 'resources/subscribe', 'initialize', 'tasks/list']) {
    const response = await send(url, requestOf(method))
    expect([method, response.status, (await messages(response))[0]?.error?.code]).toEqual([method, 404, -32601])
  }
})

test('D-08: an unknown notification is taken and means nothing', async () => {
  const session = await rawSession(url)
  const legacy = await session.send({ jsonrpc: '2.0', method: 'notifications/never/heard', params: {} })
  const modern = await post(
    url,
    { jsonrpc: '2.0', method: 'notifications/never/heard' },
    { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'notifications/never/heard' },
  )
  expect([legacy.status, await legacy.text(), modern.status, await modern.text()]).toEqual([202, '', 202, ''])
  await isServing()
})

const initialize = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} })
const LENGTH = `Content-Length: ${initialize.length}`

test('D-26: a whole request, from which what follows differs, is served', async () => {
  expect(await rawStatus(url, `${head(LENGTH)}${initialize}`)).toBe(200)
})

test.each([
  ['a length and chunks', `${LENGTH}\r\nTransfer-Encoding: chunked`, 400],
  ['chunks and a length', `Transfer-Encoding: chunked\r\n${LENGTH}`, 400],
  ['two lengths', `Content-Length: 7\r\n${LENGTH}`, 400],
  ['two equal lengths', `${LENGTH}\r\n${LENGTH}`, 400],
  ['a length with a sign', `Content-Length: +${initialize.length}`, 400],
  ['a coding that is none', 'Transfer-Encoding: xchunked', 400],
  ['a coding twice', 'Transfer-Encoding: chunked, identity', 400],
  ['a space before the colon', `Content-Length : ${initialize.length}`, 400],
  ['a folded line', `X-A: 1\r\n 2\r\n${LENGTH}`, 400],
  ['a folded line with a tab', `X-A: 1\r\n\tContent-Length: 7\r\n${LENGTH}`, 400],
  ['a bare carriage return', `X-A: 1\rX-B: 2\r\n${LENGTH}`, 400],
  ['a line that is none', `${LENGTH}\r\n\rX`, 400],
  ['a zero byte', `X-A: \0\r\n${LENGTH}`, 400],
  ['three thousand fields', `${Array.from({ length: 3000 }, (_, i) => `X-${i}: 1`).join('\r\n')}\r\n${LENGTH}`, 431],
  [
    'a hundred and twenty fields',
    `${Array.from({ length: 120 }, (_, i) => `X-${i}: 1`).join('\r\n')}\r\n${LENGTH}`,
    431,
  ],
  ['twenty kilobytes of one field', `X-A: ${'x'.repeat(20_000)}\r\n${LENGTH}`, 431],
])('D-26: %s: refused before anything is served', async (_what, lines, status) => {
  const answer = await rawHead(url, `${head(lines)}${initialize}`)
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).not.toContain('200 OK')
  await isServing()
})

test.each([
  [{ 'content-encoding': 'gzip' }, 415],
  [{ 'content-encoding': 'deflate' }, 415],
  [{ 'content-encoding': 'br' }, 415],
  [{ 'content-encoding': 'identity' }, 200],
])('D-36: a body with %j is answered with %i', async (headers, status) => {
  expect((await post(url, JSON.parse(initialize), headers)).status).toBe(status)
})
