import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { makeProject, stdioServer } from '../helpers/project.ts'
import { project } from './project.ts'

/** The TCP ports on which a process listens itself. */
function listening(pid: number): readonly number[] {
  const inodes = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))
  const rows = ['tcp', 'tcp6'].flatMap((name) => readFileSync(`/proc/net/${name}`, 'utf8').trim().split('\n').slice(1))
  return rows.flatMap((row) => {
    const [, local = '', , state, , , , , , inode] = row.trim().split(/\s+/)
    return state === '0A' && inodes.includes(`socket:[${inode}]`)
      ? [Number.parseInt(local.split(':')[1] ?? '', 16)]
      : []
  })
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

test('D-20: the control API is on no port: what groups listen on answers none of it, with any Host', async () => {
  await using p = await makeProject({
    'mcpctl.yaml': `version: 1\nservers: { echo: ${stdioServer('echo')} }\nprofiles: { dev: { groups: { g: { servers: [echo] } } } }\n`,
  })
  await p.ok(['up', '-d', '--wait'])
  const { supervisor, groups } = await p.status()
  const port = groups[0]?.port ?? 0
  expect(listening(supervisor.pid).filter((one) => one !== port)).toEqual([])
  for (const path of ['/v1/status', '/v1/down', '/v1/apply'])
    for (const method of ['GET', 'POST'])
      expect((await fetch(`http://127.0.0.1:${port}${path}`, { method })).status).toBe(404)
  expect((await p.status()).state).toBe('ready')
})

test('D-22: nobody but the owner reaches the control socket, nor the folder it is in', async () => {
  await using p = await project({ fast: { port: 'auto' } })
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
  expect([mode(dirname(p.paths.socket)), mode(p.paths.socket)]).toEqual(['700', '600'])
  const own = connect(p.paths.socket)
  await once(own, 'connect')
  own.destroy()
})

// To be somebody else takes the right to.
test.runIf(process.getuid?.() === 0)('D-22: another user is refused by folder and by socket, each alone', async () => {
  await using p = await project({ fast: { port: 'auto' } })
  expect(await asNobody(p.paths.socket)).toBe('EACCES')
  for (let folder = dirname(p.paths.socket); folder !== '/tmp' && folder !== '/'; folder = dirname(folder))
    chmodSync(folder, 0o755)
  expect(await asNobody(p.paths.socket)).toBe('EACCES')
  chmodSync(p.paths.socket, 0o666)
  expect(await asNobody(p.paths.socket)).toBe('connected')
})

async function asNobody(path: string): Promise<string> {
  const script = `const s = require('node:net').connect(${JSON.stringify(path)})
    s.on('connect', () => { console.log('connected'); s.destroy() }).on('error', (e) => console.log(e.code))`
  const child = spawn(process.execPath, ['-e', script], {
    uid: 65534,
    gid: 65534,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return (await text(child.stdout)).trim()
}
