import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { freePort } from '../helpers/ports.ts'
import { connect, makeProject, type Project, stdioServer } from '../helpers/project.ts'
import { waitFor } from '../helpers/wait.ts'

async function twoGroups(): Promise<Project & { readonly ports: readonly [number, number] }> {
  const ports = [await freePort(), await freePort()] as const
  const project = await makeProject({ 'mcpctl.yaml': setFile(ports) })
  await project.ok(['up', '-d', '--wait'])
  return Object.assign(project, { ports })
}

function setFile([one, two]: readonly [number, number]): string {
  return `
version: 1
servers:
  alpha: ${stdioServer('echo')}
  beta: ${stdioServer('echo')}
profiles:
  only:
    groups:
      one: { port: ${one}, servers: [alpha] }
      two: { port: ${two}, servers: [beta] }
`
}

async function toolNames(project: Project, group: string): Promise<string[]> {
  await using client = await connect((await project.group(group)).url)
  return (await client.listTools()).tools.map(({ name }) => name)
}

test('adding a server to a group shows its tools and keeps both processes', async () => {
  await using project = await twoGroups()
  const before = await project.status()
  await project.edit('mcpctl.yaml', 'servers: [alpha]', 'servers: [alpha, beta]')
  await waitFor(async () => (await toolNames(project, 'one')).some((name) => name.startsWith('beta_')))
  const after = await project.status()
  expect(after.groups.map(({ pid }) => pid)).toEqual(before.groups.map(({ pid }) => pid))
  expect(after.groups[0]?.servers[0]?.pid).toBe(before.groups[0]?.servers[0]?.pid)
  expect(after.config.generation).toBe(before.config.generation + 1)
})

test('R-03: removing a server ends its process and keeps its neighbour', async () => {
  await using project = await twoGroups()
  await project.edit('mcpctl.yaml', 'servers: [alpha]', 'servers: [alpha, beta]')
  const both = await waitFor(async () => {
    const { servers } = await project.group('one')
    return servers.length === 2 && servers.every(({ state }) => state === 'ready') ? servers : null
  })
  await project.edit('mcpctl.yaml', 'servers: [alpha, beta]', 'servers: [alpha]')
  const left = await waitFor(async () => {
    const { servers } = await project.group('one')
    return servers.length === 1 ? servers : null
  })
  expect(left[0]?.pid).toBe(both[0]?.pid)
})

test('a changed filter hides a tool without reconnecting the server', async () => {
  await using project = await twoGroups()
  const before = await project.group('one')
  expect(await toolNames(project, 'one')).toContain('alpha_echo')
  await project.edit('mcpctl.yaml', 'servers: [alpha]', 'servers: [{ ref: alpha, tools: { deny: [echo] } }]')
  await waitFor(async () => !(await toolNames(project, 'one')).includes('alpha_echo'))
  expect((await project.group('one')).servers[0]?.pid).toBe(before.servers[0]?.pid)
})

test('a group is added, moved to another port and removed while its neighbour keeps its process', async () => {
  await using project = await twoGroups()
  const { pid } = await project.group('two')
  const [third, fourth] = [await freePort(), await freePort()]
  await project.edit('mcpctl.yaml', /( +)two:/, `$1three: { port: ${third}, servers: [beta] }\n$1two:`)
  await waitFor(async () => (await project.group('three')).state === 'ready')
  expect(await toolNames(project, 'three')).toContain('beta_echo')

  await project.edit('mcpctl.yaml', `port: ${third}`, `port: ${fourth}`)
  await waitFor(async () => (await project.group('three')).port === fourth)
  expect(await toolNames(project, 'three')).toContain('beta_echo')

  await project.edit('mcpctl.yaml', /.*three:.*\n/, '')
  await waitFor(async () => (await project.status()).groups.length === 2)
  await waitFor(() =>
    fetch(`http://127.0.0.1:${fourth}/livez`).then(
      () => false,
      () => true,
    ),
  )
  expect((await project.group('two')).pid).toBe(pid)
})

/** Which of the tools are listed to somebody who comes anew. */
async function newcomer(port: number): Promise<string> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'newcomer', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: {
      connection: 'close',
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/list',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta } }),
  })
  return /(?:alpha|beta)_echo/.exec(await response.text())?.[0] ?? `HTTP ${response.status}`
}

test('groups that swap their ports each have theirs for themselves', async () => {
  await using project = await twoGroups()
  const [one, two] = project.ports
  await writeFile(join(project.folder, 'mcpctl.yaml'), setFile([two, one]))
  await project.ok(['reload'])
  const asked = (port: number) => Promise.all(Array.from({ length: 24 }, () => newcomer(port)))
  await waitFor(async () => (await asked(one)).every((tool) => tool === 'beta_echo'))
  expect(new Set(await asked(one))).toEqual(new Set(['beta_echo']))
  expect(new Set(await asked(two))).toEqual(new Set(['alpha_echo']))
})

test('R-05: an invalid save changes nothing, is shown with its place, and the next good save clears it', async () => {
  await using project = await twoGroups()
  const before = await project.status()
  await project.edit('mcpctl.yaml', 'servers: [alpha]', 'servers: [alfa]')
  const stale = await waitFor(async () => {
    const status = await project.status()
    return status.config.state === 'stale' ? status : null
  })
  expect(stale.groups).toEqual(before.groups)
  expect(stale.config.generation).toBe(before.config.generation)
  const [problem] = stale.config.problems
  expect(problem).toMatchObject({ severity: 'error', line: 9, column: 37, hint: expect.stringContaining('alpha') })
  expect(problem?.file).toMatch(/mcpctl\.yaml$/)
  expect(problem?.frame).toMatch(/> +9 \|/)

  await project.edit('mcpctl.yaml', 'servers: [alfa]', 'servers: [alpha]')
  await waitFor(async () => (await project.status()).config.state === 'current')
  expect((await project.status()).config.problems).toEqual([])
})

test.each([
  [
    'rename-over',
    async (folder: string, text: string) => {
      await writeFile(join(folder, '.mcpctl.yaml.swp'), text)
      await rename(join(folder, '.mcpctl.yaml.swp'), join(folder, 'mcpctl.yaml'))
    },
  ],
  [
    'sed -i',
    async (folder: string) => {
      await execa('sed', ['-i', 's/servers: \\[alpha\\]/servers: [alpha, beta]/', join(folder, 'mcpctl.yaml')])
    },
  ],
  [
    'delete and recreate',
    async (folder: string, text: string) => {
      await rm(join(folder, 'mcpctl.yaml'))
      await writeFile(join(folder, 'mcpctl.yaml'), text)
    },
  ],
])('R-07: a save by %s is noticed', async (_name, save) => {
  await using project = await twoGroups()
  const text = setFile(project.ports).replace('servers: [alpha]', 'servers: [alpha, beta]')
  await save(project.folder, text)
  await waitFor(async () => (await project.group('one')).servers.length === 2)
})

test('R-07: a ..data symlink swap is noticed', async () => {
  const ports = [await freePort(), await freePort()] as const
  await using project = await makeProject({})
  const mount = join(project.folder, 'mount')
  await mkdir(join(mount, '..1'), { recursive: true })
  await writeFile(join(mount, '..1', 'mcpctl.yaml'), setFile(ports))
  await symlink('..1', join(mount, '..data'))
  await symlink('..data/mcpctl.yaml', join(mount, 'mcpctl.yaml'))
  const flags = ['-f', join(mount, 'mcpctl.yaml')]
  await project.ok(['up', '-d', '--wait', ...flags])
  await mkdir(join(mount, '..2'))
  await writeFile(join(mount, '..2', 'mcpctl.yaml'), setFile(ports).replace('[alpha]', '[alpha, beta]'))
  await symlink('..2', join(mount, '..data_tmp'))
  await rename(join(mount, '..data_tmp'), join(mount, '..data'))
  await waitFor(async () => {
    const status = JSON.parse((await project.ok(['status', '--json', ...flags])).stdout)
    return status.groups[0].servers.length === 2
  })
  await project.ok(['down', ...flags])
})

test('R-12: a deleted file stops nothing', async () => {
  await using project = await twoGroups()
  const before = await project.status()
  await rm(join(project.folder, 'mcpctl.yaml'))
  const stale = await waitFor(async () => {
    const status = await project.status()
    return status.config.state === 'stale' ? status : null
  })
  expect(stale.groups).toEqual(before.groups)
})
