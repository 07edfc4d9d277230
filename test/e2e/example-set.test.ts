import { expect, test } from 'vitest'
import { markedProcesses } from '../helpers/processes.ts'
import { connect, exampleSet, freeOffset } from '../helpers/project.ts'
import { waitFor } from '../helpers/wait.ts'

test('dev comes up without a variable and without network, and a client uses every local server', async () => {
  await using project = await exampleSet()
  await project.ok(['up', 'dev', '-d', '--wait', '--port-offset', `${await freeOffset()}`])
  const status = await project.status()
  expect(status).toMatchObject({ project: 'examples', profile: 'dev', state: 'ready', config: { state: 'current' } })
  expect(status.groups.map(({ name }) => name)).toEqual(['local-fast'])
  expect(status.groups[0]?.servers.map(({ name, state }) => [name, state])).toEqual([
    ['thinking', 'ready'],
    ['filesystem', 'ready'],
    ['memory', 'ready'],
    ['everything', 'ready'],
  ])

  await using client = await connect(status.groups[0]?.url ?? '')
  const names = (await client.listTools()).tools.map(({ name }) => name)
  expect(names).toContain('thinking_sequentialthinking')
  expect(names).toContain('memory_read_graph')
  expect(names).toContain('filesystem_read_text_file')
  expect(names).not.toContain('filesystem_write_file')
  const echo = await client.callTool({ name: 'everything_echo', arguments: { message: 'hello' } })
  expect(echo.content).toEqual([{ type: 'text', text: 'Echo: hello' }])
})

test('prod without its network serves local-fast and says which servers failed and why', async () => {
  await using project = await exampleSet()
  const dead = 'http://127.0.0.1:9/mcp'
  const env = { GEOTAB_MCP_URL: dead, CONTEXT7_MCP_URL: dead, NOCODB_MCP_URL: dead, BASEROW_MCP_URL: dead }
  await project.ok(['up', 'prod', '-d', '--wait', '--port-offset', `${await freeOffset()}`], env)
  const { groups, state } = await project.status()
  expect(state).toBe('degraded')
  expect(groups.map((group) => [group.name, group.state])).toEqual([
    ['local-fast', 'ready'],
    ['lan', 'degraded'],
    ['remote-slow', 'degraded'],
  ])
  expect(new Set(groups.map(({ pid }) => pid)).size).toBe(3)
  expect(new Set(groups.map(({ port }) => port)).size).toBe(3)
  const remote = groups.find(({ name }) => name === 'remote-slow')?.servers ?? []
  expect(remote.map(({ name }) => name)).toEqual(['context7', 'nocodb', 'baserow'])
  for (const server of remote) {
    expect(server.state).toBe('backoff')
    expect(server.lastError).toMatch(/refused/)
  }
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  'a foreground up ends on %s with exit 0 and leaves no process',
  async (signal) => {
    await using project = await exampleSet()
    const up = project.start(['up', 'dev', '--port-offset', `${await freeOffset()}`])
    await waitFor(async () => (await project.status()).state === 'ready', 20_000)
    up.kill(signal)
    expect((await up).exitCode).toBe(0)
    expect(markedProcesses(project.temp.path)).toEqual([])
    expect((await project.run(['status'])).exitCode).toBe(4)
  },
)
