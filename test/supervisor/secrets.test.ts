import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort } from '../helpers/ports.ts'
import { isAlive } from '../helpers/processes.ts'
import { makeProject, stdioServer } from '../helpers/project.ts'
import { waitFor } from '../helpers/wait.ts'

const secrets = ['canary-in-a-header-4711', 'canary-in-an-environment-4712', 'canary-of-the-shell-4713']

test('P-20: no secret is in an argument, in a foreign environment or in a file, also after a crash', async () => {
  const [header = '', environment = '', shell = ''] = secrets
  await using project = await makeProject({
    'mcpctl.yaml': `
version: 1
secrets: { far: { env: FAR_TOKEN }, near: { env: NEAR_TOKEN } }
servers:
  far: { url: "http://127.0.0.1:${await freePort()}/mcp", headers: { authorization: "Bearer \${secret:far}" } }
  near: ${stdioServer('echo').replace(' }', ', env: { TOKEN: "${secret:near}" } }')}
groups:
  one: { port: ${await freePort()}, servers: [near, far] }
`,
  })
  const env = { FAR_TOKEN: header, NEAR_TOKEN: environment, UNRELATED: shell, NODE_OPTIONS: '--report-on-fatalerror' }
  await project.ok(['up', '-d', '--wait'], env)
  const { servers, pid } = await project.group('one')
  const near = servers.find(({ name }) => name === 'near')?.pid
  expect(leaks(project.temp.path, near)).toEqual([])
  // The way a crash of Node's own ends.
  process.kill(pid ?? 0, 'SIGABRT')
  await waitFor(() => !isAlive(pid ?? 0))
  const again = await waitFor(async () => {
    const group = await project.group('one')
    return group.state === 'degraded' && group.pid !== pid ? group : undefined
  })
  expect(leaks(project.temp.path, again.servers.find(({ name }) => name === 'near')?.pid)).toEqual([])
  expect(readdirSync(project.folder).filter((name) => /^(core|report)/.test(name))).toEqual([])
})

/** Where a secret can be read; the server that one was given to has it in its environment by right. */
function leaks(folder: string, owner: number | null | undefined): readonly string[] {
  const processes = readdirSync('/proc').filter((name) => Number(name) > 0 && Number(name) !== owner)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
  const places = [...processes.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]), ...files]
  return places.filter((place) => secrets.some((secret) => textOf(place).includes(secret)))
}

function textOf(place: string): string {
  try {
    return readFileSync(place, 'utf8')
  } catch {
    // A folder, a socket, or a process that has ended.
    return ''
  }
}
