import { expect, test } from 'vitest'
import { processesWith } from '../helpers/processes.ts'
import { makeProject, type Project, stdioServer } from '../helpers/project.ts'
import { waitFor } from '../helpers/wait.ts'

const setFile = `
version: 1
servers: { it: ${stdioServer('echo')} }
groups: { one: { port: auto, servers: [it] } }
`

const supervisors = (project: Project) =>
  processesWith(`MCPCTL_HOME=${project.temp.path}`).filter(({ command }) => command.includes('supervisor.js'))

test('P-19: of fifty `mcpctl up -d` at the same time each exits 0, and there is one supervisor', async () => {
  await using project = await makeProject({ 'mcpctl.yaml': setFile })
  const racers = Array.from({ length: 50 }, () => project.run(['up', '-d']))
  const ends = await Promise.all(racers)
  expect(ends.filter(({ exitCode }) => exitCode !== 0).map(({ stderr }) => stderr)).toEqual([])
  expect(new Set(ends.map(({ stdout }) => stdout)).size).toBeLessThanOrEqual(2)
  await waitFor(async () => (await project.status()).state === 'ready')
  expect(supervisors(project)).toHaveLength(1)
}, 60_000)

test('`mcpctl down` ends also the supervisor that an `up` is just starting', async () => {
  await using project = await makeProject({ 'mcpctl.yaml': setFile })
  const up = project.run(['up', '-d'])
  // From here on there is a supervisor that nobody can ask for anything yet.
  await waitFor(() => supervisors(project).length === 1)
  await project.ok(['down'])
  await up
  expect(supervisors(project)).toEqual([])
})
