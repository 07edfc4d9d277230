import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { entryFile } from '../../src/shared/paths.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive, markedProcesses } from '../helpers/processes.ts'
import { connect, makeProject, type Project, stdioServer } from '../helpers/project.ts'
import { waitFor } from '../helpers/wait.ts'

const profile = (groups: string, servers = '') =>
  `servers: { echo: ${stdioServer('echo')} }\nprofiles:\n  dev:\n${servers}    groups:\n${groups}`

test('C-12 C-13 C-23: a port that a foreign process has stays its own; we listen nowhere else, and have it when it is free', async () => {
  const [taken, free] = [await freePort(), await freePort()]
  await using foreign = await listener(taken)
  await using project = await makeProject({
    'mcpctl.yaml': profile(
      `      held: { port: ${taken}, servers: [echo] }\n      toString: { port: ${free}, servers: [echo] }\n`,
    ),
  })
  expect(await project.run(['up', '-d', '--wait'])).toMatchObject({
    exitCode: 8,
    stderr: expect.stringContaining(`port ${taken} is taken by node (pid ${foreign.pid})`),
  })
  expect(await project.group('held')).toMatchObject({
    state: 'backoff',
    pid: null,
    restarts: 0,
    lastError: `port ${taken} is taken by node (pid ${foreign.pid})`,
  })
  await usable(await project.group('toString'))
  expect(await ourListeners(project)).toEqual([`127.0.0.1:${free}`])
  expect(isAlive(foreign.pid)).toBe(true)
  expect(await (await fetch(`http://127.0.0.1:${taken}`)).text()).toBe('foreign')

  await foreign[Symbol.asyncDispose]()
  // Within two seconds it is tried again; the rest is the start of a process on a busy machine.
  const held = await waitFor(async () => {
    const group = await project.group('held')
    return group.state === 'ready' ? group : undefined
  }, 6_000)
  await usable(held)
  expect(held).toMatchObject({ restarts: 0, lastError: null })
  // However often it was tried again.
  expect(await started(project, 'held')).toEqual(['group start', 'proxy listening'])
  expect(await ourListeners(project)).toEqual([`127.0.0.1:${taken}`, `127.0.0.1:${free}`].toSorted())
})

/** What the log says of a group's starts. */
async function started(project: Project, group: string): Promise<readonly string[]> {
  const { stdout } = await project.ok(['logs', group, '-n', '1000', '--json'])
  const messages: string[] = stdout.split('\n').map((line) => JSON.parse(line).msg)
  return messages.filter((message) => message === 'group start' || message === 'proxy listening')
}

/** A process of somebody else's that serves the port. */
async function listener(port: number) {
  const program = `require('node:http').createServer((q, r) => r.end('foreign')).listen(${port}, '127.0.0.1', () => console.log('up'))`
  const running = execa(process.execPath, ['-e', program], { reject: false })
  const { pid } = running
  if (pid === undefined) throw new Error('node did not start')
  await new Promise((resolve) => running.stdout.once('data', resolve))
  const end = async () => {
    running.kill('SIGKILL')
    await running
  }
  return { pid, [Symbol.asyncDispose]: end }
}

async function usable({ url }: { readonly url: string }): Promise<void> {
  await using client = await connect(url)
  expect((await client.listTools()).tools.length).toBeGreaterThan(0)
}

/** `address:port` of every TCP socket on which the supervisor, its proxies or their servers listen. */
async function ourListeners(project: Project): Promise<readonly string[]> {
  const { supervisor } = await project.status()
  const pids = [supervisor.pid, ...markedProcesses(join(project.folder, '.state')).map(({ pid }) => pid)]
  const sockets = new Set(pids.flatMap(socketsOf))
  const rows = ['tcp', 'tcp6'].flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1))
  const listening = rows.map((row) => row.trim().split(/\s+/)).filter(([, , , state]) => state === '0A')
  const ours = listening.filter((row) => sockets.has(`socket:[${row[9]}]`))
  return [...new Set(ours.map(([, local = '']) => readable(local)))].sort()
}

function socketsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`)
    } catch {
      // Closed in between: then it listens on nothing.
      return ''
    }
  })
}

/** `0100007F:1F90` of the kernel's tables as `127.0.0.1:8080`; IPv6 stays as it is, and is never expected. */
function readable(local: string): string {
  const [address = '', port = ''] = local.split(':')
  const bytes = address.length === 8 ? address.match(/../g)?.toReversed() : undefined
  return `${bytes?.map((byte) => Number.parseInt(byte, 16)).join('.') ?? address}:${Number.parseInt(port, 16)}`
}

const isRoot = process.getuid?.() === 0
const low = 80
const canTryLow = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) > low

test.skipIf(!canTryLow)(
  'C-14: a low port without the privilege fails with a hint and starts no process again and again',
  async () => {
    const port = await freePort()
    const groups = (at: number) => `      low: { port: ${at}, servers: [echo] }\n      other: { servers: [echo] }\n`
    await using project = await makeProject({ 'mcpctl.yaml': profile(groups(low)) })
    const up = [process.execPath, entryFile('cli'), 'up', '-d', '--wait']
    // Root without the capability is as anybody else.
    const [file = '', ...args] = isRoot ? ['setpriv', '--bounding-set', '-net_bind_service', ...up] : up
    const env = { PATH: process.env.PATH, HOME: project.folder, MCPCTL_HOME: join(project.folder, '.state') }
    const { exitCode, stderr } = await execa(file, args, { cwd: project.folder, extendEnv: false, env, reject: false })
    const message = `cannot listen on 127.0.0.1:${low}: EACCES, low ports are for root: take one from 1024 up`
    expect(stderr).toContain(message)
    expect(exitCode).toBe(8)
    expect(await project.group('low')).toMatchObject({ state: 'backoff', pid: null, restarts: 0, lastError: message })
    await usable(await project.group('other'))
    expect(await started(project, 'low')).toEqual(['group start'])
    await project.edit('mcpctl.yaml', groups(low), groups(port))
    await waitFor(async () => (await project.group('low')).state === 'ready')
    expect(await started(project, 'low')).toEqual(['group start', 'proxy listening'])
  },
)

test('C-26: a running supervisor keeps the last good when others may change the file, and says so', async () => {
  await using project = await makeProject({ 'mcpctl.yaml': profile('      g: { servers: [echo] }\n') })
  await project.ok(['up', '-d', '--wait'])
  const before = await project.group('g')
  const file = join(project.folder, 'mcpctl.yaml')
  await chmod(file, 0o666)
  const stale = await waitFor(async () => {
    const { config } = await project.status()
    return config.state === 'stale' ? config : undefined
  })
  expect(stale.problems).toMatchObject([{ severity: 'error', code: 'insecure_file', file: expect.any(String) }])
  await project.edit('mcpctl.yaml', 'g: {', 'evil: { servers: [echo] }\n      g: {')
  expect(await project.run(['reload'])).toMatchObject({ exitCode: 6 })
  expect(await project.group('g')).toEqual(before)
  expect((await project.status()).groups).toHaveLength(1)
  // Whoever applies anew may allow it; and once it is mended it is taken by itself.
  await chmod(file, 0o644)
  await waitFor(async () => (await project.status()).groups.length === 2)
  expect(await project.group('g')).toMatchObject({ pid: before.pid })
  await chmod(file, 0o666)
  await waitFor(async () => (await project.status()).config.state === 'stale')
  await project.ok(['up', '-d', '--allow-insecure-config'])
  expect((await project.status()).config).toMatchObject({ state: 'current', problems: [] })
  await project.edit('mcpctl.yaml', 'evil: {', 'good: {')
  await waitFor(async () => (await project.status()).groups.some(({ name }) => name === 'good'))
})

test('C-29 C-30: a command that cannot be started is failed at once with the reason, and nothing else is run', async () => {
  const servers = `    servers:
      line: { command: "touch pwned && rm -rf kept" }
      quoted: { command: "sh -c 'touch pwned'" }
      missing: { command: no-such-program-anywhere }
      path: { command: ./nowhere/tool }
      plain: { command: ./plain.txt }
      folder: { command: ./kept }
      cwd: { command: node, cwd: ./nowhere }
      script: { command: ./tool.cmd, args: ["& touch pwned", "%PATH%"] }
`
  const names = ['line', 'quoted', 'missing', 'path', 'plain', 'folder', 'cwd', 'script']
  await using project = await makeProject({
    'mcpctl.yaml': profile(`      g: { servers: [echo, ${names.join(', ')}] }\n`, servers),
    'kept/file': '',
    'plain.txt': 'touch pwned\n',
    'tool.cmd': 'touch pwned\n',
  })
  await project.ok(['up', '-d', '--wait'])
  const { servers: found, state } = await project.group('g')
  expect(state).toBe('degraded')
  const said = Object.fromEntries(
    found.map(({ name, state, restarts, lastError }) => [name, { state, restarts, lastError }]),
  )
  const failed = (reason: RegExp) => ({ state: 'failed', restarts: 0, lastError: expect.stringMatching(reason) })
  expect(said).toEqual({
    echo: { state: 'ready', restarts: 0, lastError: null },
    line: failed(/cannot start "touch pwned && rm -rf kept": ENOENT/),
    quoted: failed(/cannot start "sh -c 'touch pwned'": ENOENT/),
    missing: failed(/cannot start "no-such-program-anywhere": ENOENT.*install it, or write its full path/),
    path: failed(/cannot start ".\/nowhere\/tool": ENOENT/),
    plain: failed(/cannot start ".\/plain\.txt": EACCES.*make the file executable/),
    folder: failed(/cannot start ".\/kept": EACCES/),
    cwd: failed(/cannot start "node": no folder .*\/nowhere.*correct "cwd"/),
    script: failed(/cannot start ".\/tool\.cmd": EACCES/),
  })
  expect(existsSync(join(project.folder, 'pwned'))).toBe(false)
  expect(existsSync(join(project.folder, 'kept/file'))).toBe(true)
})

test('C-30: where Windows runs a .cmd, every character that cmd.exe obeys is escaped', async () => {
  await using project = await makeProject({ 'tool.cmd': '@echo off\n' })
  const file = join(project.folder, 'tool.cmd')
  const args = ['a&calc', '%PATH%', '"quoted"', 'x|y>z', '^', '(b)', '!c!', ';,']
  const program = `
    Object.defineProperty(process, 'platform', { value: 'win32' })
    const { _parse } = require(${JSON.stringify(createRequire(import.meta.url).resolve('cross-spawn'))})
    console.log(JSON.stringify(_parse(${JSON.stringify(file)}, ${JSON.stringify(args)}, { env: { PATH: '', PATHEXT: '.CMD' } })))
  `
  const { stdout } = await execa(process.execPath, ['-e', program], { env: { comspec: 'cmd.exe', PATHEXT: '.CMD' } })
  const { command, args: given, options } = JSON.parse(stdout)
  expect({ command, begin: given.slice(0, 3), verbatim: options.windowsVerbatimArguments }).toEqual({
    command: 'cmd.exe',
    begin: ['/d', '/s', '/c'],
    verbatim: true,
  })
  // Within the outer quotes each of these has the caret that makes it a character like any other.
  const line: string = given[3].slice(1, -1)
  expect(line.replaceAll(/\^[()[\]%!^"`<>&|;, *?]/g, '')).not.toMatch(/[()[\]%!^"`<>&|;,*?]/)
})
