import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fickleServer } from '../helpers/fickle.ts'
import { freePort } from '../helpers/ports.ts'
import { connect, makeProject, type Project } from '../helpers/project.ts'
import { waitFor } from '../helpers/wait.ts'

const setFile = (port: number, url: string, token: string) => `
version: 1
servers:
  far: { url: "${url}", headers: { Authorization: "${token}" } }
groups:
  remote: { port: ${port}, servers: [far] }
`

async function toolNames(project: Project): Promise<string[]> {
  await using client = await connect((await project.group('remote')).url)
  return (await client.listTools()).tools.map(({ name }) => name)
}

async function stateFiles(project: Project): Promise<readonly { readonly path: string; readonly mode: number }[]> {
  const home = join(project.folder, '.state')
  const names = await readdir(home, { recursive: true })
  const found = names.filter((name) => name.includes('/catalog')).map((name) => join(home, name))
  return Promise.all(found.map(async (path) => ({ path, mode: (await stat(path)).mode & 0o777 })))
}

test('down and up again: the tools are there though the server says nothing, and calls come when it does', async () => {
  await using fickle = await fickleServer()
  const port = await freePort()
  await using project = await makeProject({ 'mcpctl.yaml': setFile(port, fickle.url, 'a secret of old') })
  await project.ok(['up', '-d', '--wait'])
  const before = await project.group('remote')
  await project.ok(['down'])
  expect((await stateFiles(project)).map(({ mode }) => mode)).toEqual([0o700, 0o600])
  fickle.mood = 'hangs'
  await project.ok(['up', '-d'])
  expect(await toolNames(project)).toEqual(['far_one', 'far_two'])
  const after = await project.group('remote')
  expect(after.catalog).toEqual(before.catalog)
  expect(after.servers).toMatchObject([{ state: 'connecting', tools: 2, protocol: '2025-11-25' }])
  await project.ok(['down'])
  fickle.mood = 'answers'
  await project.ok(['up', '-d'])
  const { stdout } = await project.ok(['call', 'remote', 'far_one'])
  expect(stdout.trim()).toBe('one')
})

test('with other credentials nothing is known of before', async () => {
  await using fickle = await fickleServer()
  const port = await freePort()
  await using project = await makeProject({ 'mcpctl.yaml': setFile(port, fickle.url, 'a secret of old') })
  await project.ok(['up', '-d', '--wait'])
  fickle.mood = 'hangs'
  await project.edit('mcpctl.yaml', 'a secret of old', 'a new secret')
  await project.ok(['down'])
  await project.ok(['up', '-d'])
  await waitFor(async () => (await project.group('remote')).servers[0]?.state === 'connecting')
  expect((await project.group('remote')).servers[0]?.tools).toBe(0)
})
