import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { groupOf, serverOf } from '../../helpers/group.ts'
import { connect, rawSession } from '../../helpers/mcp.ts'
import { holdSocket, type RunningProxy, startProxy } from '../../helpers/proxy.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { waitFor } from '../../helpers/wait.ts'

/** Deeper than anything could write it again, in a text that is quickly sent. */
const DEEP = `${'['.repeat(50_000)}${']'.repeat(50_000)}`

/** What a server may say, each a JSON text; `called` is one whole message, said when a tool is called, and after. */
interface Said {
  readonly greeting?: string
  readonly tools?: string
  readonly prompts?: string
  readonly called?: string
}

const plain = { greeting: '{}', tools: '', prompts: '', called: '{"jsonrpc":"2.0","method":"notifications/none"}' }

const programOf = ({ greeting, tools, prompts, called }: Required<Said>) => `
import { createInterface } from 'node:readline'
const say = (text) => process.stdout.write(text + '\\n')
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line)
  if (id === undefined) return
  const answer = (result) => say('{"jsonrpc":"2.0","id":' + id + ',"result":' + result + '}')
  const capabilities = '{"tools":{},"prompts":{},"logging":{}}'
  if (method === 'initialize')
    answer('{"protocolVersion":"2025-11-25","capabilities":' + capabilities + ',"serverInfo":${greeting}}')
  else if (method === 'tools/list') answer('{"tools":[{"name":"go","inputSchema":{"type":"object"}${tools}}]}')
  else if (method === 'prompts/list') answer('{"prompts":[{"name":"p"${prompts}}]}')
  else if (method !== 'tools/call') answer('{}')
  else {
    say(${JSON.stringify(called)})
    answer('{"content":[]}')
    setImmediate(() => say(${JSON.stringify(called)}))
  }
})`

async function deepAndSound(said: Said) {
  const folder = await tempFolder()
  const socket = await holdSocket()
  const serverAt = async (name: string, what: Said) => {
    const file = join(folder.path, `${name}.mjs`)
    await writeFile(file, programOf({ ...plain, ...what }))
    return serverOf(name, { transport: { kind: 'stdio', command: process.execPath, args: [file], env: {}, cwd: '/' } })
  }
  const servers = [await serverAt('deep', said), await serverAt('sound', {})]
  const group = groupOf(servers, { listWait: 300 })
  const proxy = await startProxy({ group, socket, start: { owner: folder.path } })
  await waitFor(() => proxy.status()?.servers[1]?.state === 'ready')
  return {
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      socket[Symbol.dispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** The other server is called through a session that begins now. */
async function callsSound({ url }: RunningProxy): Promise<unknown> {
  const { ask } = await rawSession(`${url}/mcp`)
  return (await ask('tools/call', { name: 'sound_go' }))[0]?.result
}

test.each<[string, Said, string]>([
  ['a tool', { tools: `,"zz":${DEEP}` }, 'nested too deeply'],
  ['a prompt', { prompts: `,"zz":${DEEP}` }, 'nested too deeply'],
  ['its greeting', { greeting: `{"zz":${DEEP}}` }, 'nested too deeply'],
])('a server with %s nested deeper than anything could write costs the others nothing', async (_what, said, reason) => {
  await using at = await deepAndSound(said)
  await waitFor(() => at.proxy.log.some((line) => line.includes(reason)))
  expect(await callsSound(at.proxy)).toEqual({ content: [] })
  const { ask } = await rawSession(`${at.proxy.url}/mcp`)
  const tools = (await ask('tools/list'))[0]?.result?.tools
  expect(tools).toContainEqual(expect.objectContaining({ name: 'sound_go' }))
})

test.each([
  'notifications/message',
  'notifications/progress',
  'notifications/resources/updated',
  'notifications/anything',
])('%s nested deeper than anything could write is dropped', async (method) => {
  const params = `{"level":"error","progressToken":1,"progress":1,"uri":"a:b","data":${DEEP}}`
  await using at = await deepAndSound({ called: `{"jsonrpc":"2.0","method":"${method}","params":${params}}` })
  await waitFor(() => at.proxy.status()?.state === 'ready')
  await using session = await connect(`${at.proxy.url}/mcp`)
  await session.client.setLoggingLevel('debug')
  for (let i = 0; i < 3; i++)
    expect(
      await session.client.callTool({ name: 'deep_go' }, undefined, { onprogress: () => {}, timeout: 5000 }),
    ).toEqual({
      content: [],
    })
  expect(await callsSound(at.proxy)).toEqual({ content: [] })
})

test('lists nested as deep as may be are shown', async () => {
  const most = 990
  await using at = await deepAndSound({ tools: `,"zz":${'['.repeat(most)}${']'.repeat(most)}` })
  await waitFor(() => at.proxy.status()?.state === 'ready')
  const { ask } = await rawSession(`${at.proxy.url}/mcp`)
  const tools = (await ask('tools/list'))[0]?.result?.tools
  expect(tools).toHaveLength(2)
})
