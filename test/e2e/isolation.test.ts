import { expect, test } from 'vitest'
import { startFixture } from '../helpers/fixture.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive } from '../helpers/processes.ts'
import { connect, makeProject, stdioServer } from '../helpers/project.ts'
import { waitFor } from '../helpers/wait.ts'

test('a killed proxy is back by itself on the same port and the other group does not notice', async () => {
  const [one, two] = [await freePort(), await freePort()]
  await using project = await makeProject({
    'mcpctl.yaml': `
version: 1
servers: { echo: ${stdioServer('echo')} }
profiles:
  only:
    groups:
      one: { port: ${one}, servers: [echo] }
      two: { port: ${two}, servers: [echo] }
`,
  })
  await project.ok(['up', '-d', '--wait'])
  const [first, second] = (await project.status()).groups
  await using survivor = await connect(second?.url ?? '')
  await using client = await connect(first?.url ?? '')
  process.kill(first?.pid ?? 0, 'SIGKILL')
  // The session outlives the process: the very same client goes on.
  await waitFor(async () => (await client.listTools()).tools.length > 0)
  const back = await waitFor(async () => {
    const group = await project.group('one')
    return group.state === 'ready' && group.pid !== first?.pid ? group : null
  })
  expect(back).toMatchObject({ port: one, restarts: 1 })
  expect((await project.group('two')).pid).toBe(second?.pid)
  expect((await survivor.listTools()).tools.length).toBeGreaterThan(0)
})

test('slow servers cost what one costs, lists then cost the servers nothing, and a hung one changes neither', async () => {
  const delay = 600
  await using a = await startFixture('http', ['0'], { DELAY: `${delay}` })
  await using b = await startFixture('http', ['0'], { DELAY: `${delay}` })
  await using c = await startFixture('http', ['0'], { DELAY: `${delay}` })
  await using d = await startFixture('http', ['0'], { DELAY: `${delay}` })
  await using hung = await startFixture('hanging', ['0'])
  const port = await freePort()
  await using project = await makeProject({
    'mcpctl.yaml': `
version: 1
defaults: { timeouts: { connect: 8s } }
servers:
  a: { url: "${a.address}" }
  b: { url: "${b.address}" }
  c: { url: "${c.address}" }
  d: { url: "${d.address}" }
  hung: { url: "${hung.address}" }
profiles:
  only: { groups: { slow: { port: ${port}, servers: [a, b, c, d, hung] } } }
`,
  })
  const started = performance.now()
  await project.ok(['up', '-d'])
  await waitFor(async () => {
    const { servers } = await project.group('slow')
    return servers.filter(({ state }) => state === 'ready').length === 4
  })
  // One server needs handshake, initialized and lists: three delays. The sum over four would be twelve.
  expect(performance.now() - started).toBeLessThan(12 * delay)
  const group = await project.group('slow')
  expect(group.state).toBe('starting')
  expect(group.servers.find(({ name }) => name === 'hung')?.state).toBe('connecting')

  await using client = await connect(group.url)
  const before = await requests([a, b, c, d])
  for (let round = 0; round < 100; round++) expect((await client.listTools()).tools.length).toBeGreaterThanOrEqual(4)
  expect(await requests([a, b, c, d])).toBe(before)
  await client.callTool({ name: 'b_echo', arguments: { message: 'x' } })

  await waitFor(async () => (await project.group('slow')).state === 'degraded', 15_000)
  const { servers } = await project.group('slow')
  expect(servers.find(({ name }) => name === 'hung')?.lastError).toBe('not ready within 8000 ms')
})

test('down ends a stubborn server and a call that never ends within the ten seconds that others grant', async () => {
  const port = await freePort()
  await using project = await makeProject({
    'mcpctl.yaml': `
version: 1
servers: { stubborn: ${stdioServer('stubborn')}, echo: ${stdioServer('echo')} }
profiles: { only: { groups: { one: { port: ${port}, servers: [stubborn, echo] } } } }
`,
  })
  await project.ok(['up', '-d', '--wait'])
  await using client = await connect((await project.group('one')).url)
  const call = client.callTool({ name: 'echo_never', arguments: {} }).then(String, String)
  const family = await client.callTool({ name: 'stubborn_family', arguments: {} })
  const [{ text }] = family.content as [{ text: string }]
  const started = performance.now()
  await project.ok(['down'])
  expect(performance.now() - started).toBeLessThan(10_000)
  expect((JSON.parse(text) as number[]).filter(isAlive)).toEqual([])
  await call
})

test.each(['detached', 'foreground'])(
  'a killed supervisor (%s) leaves no process behind, and the next one binds the same port',
  async (mode) => {
    const port = await freePort()
    await using project = await makeProject({
      'mcpctl.yaml': `
version: 1
servers: { echo: ${stdioServer('echo')} }
profiles: { only: { groups: { one: { port: ${port}, servers: [echo] } } } }
`,
    })
    const foreground = mode === 'detached' ? undefined : project.start(['up'])
    if (!foreground) await project.ok(['up', '-d', '--wait'])
    const { supervisor, groups } = await waitFor(async () => {
      const status = await project.status()
      return status.state === 'ready' ? status : null
    })
    process.kill(supervisor.pid, 'SIGKILL')
    await foreground
    const pids = groups.flatMap(({ pid, servers }) => [pid ?? 0, ...servers.map((server) => server.pid ?? 0)])
    await waitFor(() => !pids.some(isAlive), 5_000)
    await project.ok(['up', '-d', '--wait'])
    expect(await project.group('one')).toMatchObject({ port, state: 'ready' })
  },
)

/** How many requests the servers have had. */
async function requests(fixtures: readonly { readonly address: string }[]): Promise<number> {
  const answers = await Promise.all(fixtures.map(({ address }) => fetch(new URL('/stats', address))))
  const stats = await Promise.all(answers.map((answer) => answer.json() as Promise<{ readonly posts: number }>))
  return stats.reduce((sum, { posts }) => sum + posts, 0)
}
