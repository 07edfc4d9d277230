import { expect, test } from 'vitest'
import { freePort } from '../helpers/ports.ts'
import { connect, exampleSet, freeOffset, makeProject, stdioServer } from '../helpers/project.ts'

const dead = 'http://127.0.0.1:9/mcp'
const offline = { GEOTAB_MCP_URL: dead, CONTEXT7_MCP_URL: dead, NOCODB_MCP_URL: dead, BASEROW_MCP_URL: dead }

test.each([
  ['ENV=production picks prod', { ENV: 'production' }, 'prod'],
  ['ENV=development picks dev', { ENV: 'development' }, 'dev'],
  ['an rc path in ENV is ignored', { ENV: '/etc/profile' }, 'dev'],
  ['NODE_ENV=production picks prod', { NODE_ENV: 'production' }, 'prod'],
  ['MCPCTL_PROFILE beats ENV', { MCPCTL_PROFILE: 'local-fast', ENV: 'production' }, 'local-fast'],
])('%s', async (_title, env, profile) => {
  await using project = await exampleSet()
  await project.ok(['up', '-d', '--wait', '--port-offset', `${await freeOffset()}`], { ...offline, ...env })
  expect((await project.status()).profile).toBe(profile)
})

test('MCP_CONFIG_PATH works with nothing else present', async () => {
  const server = { command: process.execPath, args: JSON.parse(/\[.*\]/.exec(stdioServer('echo'))?.[0] ?? '[]') }
  await using project = await makeProject({ 'mcp_config_dev.json': JSON.stringify({ mcpServers: { echo: server } }) })
  const env = { MCP_CONFIG_PATH: 'mcp_config_dev.json' }
  await project.ok(['up', '-d', '--wait', '--port-offset', `${await freeOffset()}`], env)
  const status = JSON.parse((await project.ok(['status', '--json'], env)).stdout)
  expect(status).toMatchObject({ profile: 'dev', state: 'ready', groups: [{ name: 'default' }] })
  await using client = await connect(status.groups[0].url)
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo_echo')
  await project.ok(['down'], env)
})

test('use remembers a profile for this project, and up beside it switches and says what stops', async () => {
  const [one, two] = [await freePort(), await freePort()]
  await using project = await makeProject({
    'mcpctl.yaml': `
version: 1
servers: { echo: ${stdioServer('echo')} }
profiles:
  a: { groups: { first: { port: ${one}, servers: [echo] } } }
  b: { groups: { second: { port: ${two}, servers: [echo] } } }
`,
  })
  const unsure = await project.run(['up', '-d'])
  expect(unsure.exitCode).toBe(2)
  expect(unsure.stderr).toMatch(/\ba\b[\s\S]*\bb\b/)
  await project.ok(['use', 'a'])
  await project.ok(['up', '-d', '--wait'])
  expect((await project.status()).profile).toBe('a')
  const switched = await project.ok(['up', 'b', '-d', '--wait'])
  expect(switched.stdout + switched.stderr).toMatch(/stop.*first|first.*stop/)
  expect((await project.status()).groups.map(({ name }) => name)).toEqual(['second'])
})
