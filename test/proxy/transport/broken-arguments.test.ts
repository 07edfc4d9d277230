import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FixtureProcess, startFixture } from '../../helpers/fixture.ts'
import { groupOf, serverOf, stdioServer } from '../../helpers/group.ts'
import { messages, rawSession } from '../../helpers/mcp.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'

const PARSE_ERROR = -32700
const servers = ['pipe', 'http', 'events', 'modern'] as const

let fixtures: readonly FixtureProcess[]
let socket: HeldSocket
let proxy: RunningProxy

beforeAll(async () => {
  fixtures = await Promise.all([
    startFixture('sdk-1', ['http'], { NOTE: 'note://one' }),
    startFixture('legacy-sse'),
    startFixture('modern-http', [], { SPEAKS: 'modern' }),
  ])
  const [http = '', events = '', modern = ''] = fixtures.map(({ address }) => address)
  const at = (name: string, url: string) => serverOf(name, { transport: { kind: 'auto', url, headers: {} } })
  const group = groupOf([stdioServer('pipe', 'echo'), at('http', http), at('events', events), at('modern', modern)])
  socket = await holdSocket()
  proxy = await startReadyProxy({ group, socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
  for (const fixture of fixtures) await fixture[Symbol.asyncDispose]()
})

const text = 'ü'.repeat(5000)
/** As the one or the other server reads it. */
const said = (words: string) => ({ text: words, said: words })
const long = JSON.stringify(said(text)).slice(1, -1)
const other = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}'

describe.each(servers)('arguments for the %s server that are no JSON', (server) => {
  const call = (args: string) =>
    `{"jsonrpc":"2.0","id":"mine","method":"tools/call","params":{"name":"${server}_echo","arguments":${args}}}`

  test.each([
    ['few', '{"text" 1}'],
    ['many', `{${long},"a" 1}`],
    ['many, with half a value', `{${long},"a":tru}`],
    ['many, with another message on a line of its own', `{${long},"a":\n${other}\n}{}`],
    ['many, with a line break in a string', `{${long},"a":"\n"}`],
    ['many, cut short', `{${long}`],
    ['many, with one brace too much', `{${long}}}`],
  ])('are answered as such, and harm nobody else: %s', async (_what, args) => {
    const [broken, sound] = await Promise.all([rawSession(`${proxy.url}/mcp`), rawSession(`${proxy.url}/mcp`)])
    const before = sound.ask('tools/call', { name: `${server}_echo`, arguments: said('before') })
    const [answer] = await messages(await broken.send(call(args)))
    expect(answer?.error?.code).toBe(PARSE_ERROR)
    expect(JSON.stringify(answer)).not.toContain('ü')
    const after = broken.ask('tools/call', { name: `${server}_echo`, arguments: said('after') })
    expect(JSON.stringify(await before)).toContain('before')
    expect(JSON.stringify(await after)).toContain('after')
  })

  test('are told from many that are', async () => {
    const { send } = await rawSession(`${proxy.url}/mcp`)
    const [answer] = await messages(await send(call(`{${long},"a": [ 1.0, true, {"b":null} ]}`)))
    expect(answer).toMatchObject({ id: 'mine', result: {} })
    expect(JSON.stringify(answer).includes(text)).toBe(true)
  })
})
