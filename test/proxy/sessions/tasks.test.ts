import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixturePath } from '../../helpers/fixture.ts'
import { groupOf, serverOf, stdioServer } from '../../helpers/group.ts'
import { type Message, rawSession } from '../../helpers/mcp.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'
import { type WireClient, wireClient } from './wire.ts'

let socket: HeldSocket
let proxy: RunningProxy

function tasksServer(name: string) {
  const args = [fixturePath('tasks')]
  const transport = { kind: 'stdio', command: process.execPath, args, env: { NAME: name }, cwd: '/' } as const
  return serverOf(name, { transport })
}

beforeAll(async () => {
  socket = await holdSocket()
  const servers = [tasksServer('a'), tasksServer('b'), stdioServer('plain', 'echo')]
  proxy = await startReadyProxy({ group: groupOf(servers), socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

type Ask = Awaited<ReturnType<typeof rawSession>>['ask']

async function begin(ask: Ask, name = 'a_begin'): Promise<string> {
  const [answer] = await ask('tools/call', { name, task: { ttl: 1000 }, _meta: { progressToken: 'p' } })
  return JSON.parse(JSON.stringify(answer?.result)).task.taskId
}

const idsOf = (answers: Message[]) => JSON.parse(JSON.stringify(answers[0]?.result)).tasks.map(taskIdOf).sort()
const taskIdOf = ({ taskId }: { taskId: string }) => taskId

test('D-35: a task’s server is found by its id, for the one who began it', async () => {
  const [mine, other] = await Promise.all([rawSession(`${proxy.url}/mcp`), rawSession(`${proxy.url}/mcp`)])
  const [a, b] = [await begin(mine.ask), await begin(mine.ask, 'b_begin')]
  expect((await mine.ask('tasks/get', { taskId: a }))[0]?.result).toMatchObject({ taskId: a, zz: 'kept' })
  expect((await mine.ask('tasks/get', { taskId: b }))[0]?.result).toMatchObject({ taskId: b })
  for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel'])
    expect((await other.ask(method, { taskId: a }))[0]?.error).toEqual({ code: -32602, message: `Unknown task: ${a}` })
  expect((await mine.ask('tasks/cancel', { taskId: a }))[0]?.result).toMatchObject({ status: 'cancelled' })
})

test('on a server’s own address its tasks are not everybody’s either', async () => {
  const [mine, other] = await Promise.all([
    rawSession(`${proxy.url}/servers/a/mcp`),
    rawSession(`${proxy.url}/servers/a/mcp`),
  ])
  const taskId = await begin(mine.ask, 'begin')
  expect((await mine.ask('tasks/get', { taskId }))[0]?.result).toMatchObject({ taskId })
  expect((await other.ask('tasks/get', { taskId }))[0]?.error).toMatchObject({ code: -32602 })
  const listed = async ({ ask }: { ask: Ask }) => {
    const found: string[] = []
    for (let cursor: unknown; ; ) {
      const [answer] = await ask('tasks/list', cursor === undefined ? {} : { cursor })
      found.push(...idsOf([answer ?? {}]))
      cursor = answer?.result?.nextCursor
      if (cursor === undefined) return found
    }
  }
  expect(await listed(mine)).toEqual([taskId])
  expect(await listed(other)).toEqual([])
})

test('the list has the own tasks of all servers on one page', async () => {
  const mine = await rawSession(`${proxy.url}/mcp`)
  const other = await rawSession(`${proxy.url}/mcp`)
  const own: string[] = []
  for (const name of ['a_begin', 'b_begin', 'a_begin']) {
    own.push(await begin(mine.ask, name))
    await begin(other.ask, name)
  }
  expect(idsOf(await mine.ask('tasks/list'))).toEqual(own.sort())
  expect((await mine.ask('tasks/list', { cursor: 'x' }))[0]?.error).toMatchObject({ code: -32602 })
})

test('tasks are declared where a server has them', async () => {
  const { initialized } = await rawSession(`${proxy.url}/mcp`)
  expect(JSON.parse(JSON.stringify(initialized?.result)).capabilities.tasks).toEqual({
    list: {},
    cancel: {},
    requests: { tools: { call: {} } },
  })
  const plain = await rawSession(`${proxy.url}/servers/plain/mcp`)
  expect((await plain.ask('tasks/get', { taskId: 'x' }))[0]?.error).toMatchObject({ code: -32601 })
})

const call = (client: WireClient, name: string, args = {}) => client.ask('tools/call', { name, arguments: args })

async function begun({ ask }: WireClient): Promise<string> {
  const answer = await ask('tools/call', { name: 'a_begin', task: {}, _meta: { progressToken: 'late' } })
  return JSON.parse(JSON.stringify(answer.result)).task.taskId
}

test('status and late progress go to who began the task, whoever is calling meanwhile', async () => {
  await using mine = await wireClient(`${proxy.url}/mcp`)
  await using other = await wireClient(`${proxy.url}/mcp`)
  const taskId = await begun(mine)
  await call(other, 'a_step', { taskId })
  await waitFor(() => mine.heard.length === 2)
  expect(mine.heard).toMatchObject([
    { method: 'notifications/progress', params: { progressToken: 'late' } },
    { method: 'notifications/tasks/status', params: { taskId, zz: 'kept' } },
  ])
  expect(other.heard).toEqual([])
})

test('a task’s question goes to who waits for its result, and to nobody while nobody does', async () => {
  await using mine = await wireClient(`${proxy.url}/mcp`, { elicitation: {} })
  await using other = await wireClient(`${proxy.url}/mcp`, { elicitation: {} })
  const taskId = await begun(mine)
  await call(other, 'a_inquire', { taskId })
  const waiting = mine.ask('tasks/result', { taskId })
  const question = await waitFor(async () => {
    await call(other, 'a_inquire', { taskId })
    return mine.questions()[0]
  })
  await mine.answer(question, { action: 'decline' })
  await call(other, 'a_finish', { taskId })
  expect((await waiting).result).toMatchObject({ content: [] })
  expect(other.questions()).toEqual([])
})
