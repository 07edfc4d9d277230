import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import type { LogRecord } from '../../src/control/protocol.ts'
import { entryFile } from '../../src/shared/paths.ts'
import { canMount, mounted, readOnly } from '../helpers/mounted.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive } from '../helpers/processes.ts'
import { tempFolder } from '../helpers/temp.ts'
import { waitFor } from '../helpers/wait.ts'
import { built } from './detached.ts'
import { type Project, project } from './project.ts'

beforeAll(built)

// Skipped where this process may not mount file systems.
const mountable = test.skipIf(!canMount())
const real = { proxyFile: entryFile('proxy') }

mountable('P-15: on a full disk all goes on, what was written stays whole, and one line says so', async () => {
  await using folder = await tempFolder()
  const state = join(folder.path, 'state')
  await mkdir(state)
  using _small = mounted(state, '1m')
  const groups = { fast: { port: await freePort() }, slow: { port: await freePort() } }
  await using p = await project(groups, { state })
  await p.up()
  const ports = readIf(p.paths.ports)
  fill(join(state, 'filler'))
  await goesOn(p)
  // Two lines, each more than what is left of the last page.
  const { port } = await p.group('fast')
  for (let lines = 0; lines < 2; lines++) await fetch(`http://127.0.0.1:${port}/say`)
  // They come by another way than the answers.
  const records = await waitFor(async () => {
    const all = await recordsOf(p)
    return all.filter(({ msg }) => msg.startsWith('xxx')).length === 2 ? all : undefined
  })
  expect(records.filter(({ msg }) => msg === 'log file cannot be written')).toHaveLength(1)
  expect(readIf(p.paths.ports)).toBe(ports)
  expect(await p.client.ask('down')).toMatchObject({ killed: [] })
})

mountable('P-16: in a state folder that has become read-only all goes on, to the end', async () => {
  await using folder = await tempFolder()
  const state = join(folder.path, 'state')
  await mkdir(state)
  await using p = await project({ fast: { port: await freePort(), servers: ['echo'] } }, { ...real, state })
  await p.up()
  using _read = readOnly(state)
  expect(() => writeFileSync(join(p.paths.folder, 'x'), '')).toThrow('EROFS')
  await goesOn(p)
  expect(await p.client.ask('down')).toMatchObject({ stopped: ['fast', 'slow'] })
  await p.running.ended
})

/** A reload, a crash, a restart and a question. */
async function goesOn(p: Project): Promise<void> {
  const before = await p.group('fast')
  await p.save({ fast: { port: before.port, servers: ['echo'] }, slow: { port: await freePort() } })
  await p.client.ask('reload', { dryRun: false })
  process.kill(before.pid ?? 0, 'SIGKILL')
  await waitFor(() => !isAlive(before.pid ?? 0))
  await waitFor(async () => (await p.group('fast')).state === 'ready')
  await p.client.ask('restart', { groups: ['fast'] })
  expect((await p.until('fast', 'ready')).pid).not.toBe(before.pid)
  expect((await fetch(`http://127.0.0.1:${before.port}/livez`)).status).toBe(200)
}

async function recordsOf(p: Project): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = []
  for await (const record of p.client.logs({ tail: 2_000, follow: false }, AbortSignal.timeout(5_000)))
    records.push(record)
  return records
}

function fill(file: string): void {
  for (let bytes = 64 * 1024; bytes >= 1; ) {
    try {
      appendFileSync(file, Buffer.alloc(bytes))
    } catch {
      // Full for so much: less may still fit.
      bytes = Math.floor(bytes / 2)
    }
  }
}

function readIf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Not written, since every group has a port of its own.
    return undefined
  }
}
