import { execFileSync } from 'node:child_process'
import { EventEmitter } from 'node:events'
import fs from 'node:fs'
import { link, mkdir, open, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { freePort } from '../helpers/ports.ts'
import { waitFor } from '../helpers/wait.ts'
import { ask, type Project, project } from './project.ts'

/** All that is saved, however, is in force by then. */
const SEEN_MS = 6_000

type Save = (file: string, text: string) => unknown

const ways: readonly (readonly [how: string, save: Save])[] = [
  ['vim, which moves the old one aside and writes another', vim],
  ['vim, which writes a copy and then in place', vimInPlace],
  ['sed -i', (file) => execFileSync('sed', ['-i', 's/\\[calm\\]/[calm, other]/', file])],
  ['a new file renamed over it', renameOver],
  ['a hard link to another file in its place', linkAnew],
  ['a link to another file in its place', (file, text) => symlinkAnew(file, text)],
  ['writing in place', (file, text) => writeFile(file, text)],
  ['emptying it and writing later', emptyFirst],
  ['deleting and creating it', (file, text) => unlink(file).then(() => writeFile(file, text))],
  ['deleting its folder and making it anew', refolder],
  ['moving its folder away and another one in', swapFolder],
]

test.each(ways)('R-07: a save by %s is in force within 6 s', async (_how, save) => {
  await using p = await watchedIn('inner/mcpctl.yaml')
  await p.saveBy(save)
})

test('R-07: a mounted volume whose ..data is swapped is in force within 6 s', async () => {
  await using p = await watchedIn('mount/mcpctl.yaml', async (file) => {
    const mount = dirname(file)
    await mkdir(join(mount, '..1'))
    await rename(file, join(mount, '..1', 'mcpctl.yaml'))
    await symlink('..1', join(mount, '..data'))
    await symlink('..data/mcpctl.yaml', file)
  })
  await p.saveBy(async (file, text) => {
    const mount = dirname(file)
    await mkdir(join(mount, '..2'))
    await writeFile(join(mount, '..2', 'mcpctl.yaml'), text)
    await symlink('..2', join(mount, '..data_tmp'))
    await rename(join(mount, '..data_tmp'), join(mount, '..data'))
    await rm(join(mount, '..1'), { recursive: true })
  })
})

test('R-07: where the system tells of nothing, as over NFS, a save is in force within 6 s', async () => {
  using _ = withoutEvents()
  await using p = await watchedIn('inner/mcpctl.yaml')
  await p.saveBy((file, text) => writeFile(file, text))
})

/** A project that watches this one file. */
async function watchedIn(name: string, arrange: (file: string) => unknown = () => {}) {
  const port = await freePort()
  const p = await project({ fast: { port }, slow: { port: await freePort(), servers: ['other'] } })
  const file = join(p.folder.path, name)
  await mkdir(dirname(file))
  await rename(join(p.folder.path, 'mcpctl.yaml'), file)
  await arrange(file)
  await p.up({ files: [file], watch: true })
  return Object.assign(p, { saveBy: (save: Save) => saveBy({ p, file, port }, save) })
}

interface Watched {
  readonly p: Project
  readonly file: string
  readonly port: number
}

async function saveBy({ p, file, port }: Watched, save: Save): Promise<void> {
  const { pid } = await ask(port)
  await save(file, (await readFile(file, 'utf8')).replace('[calm]', '[calm, other]'))
  const answer = await waitFor(async () => {
    const now = await ask(port)
    return now.servers.includes('other') && now
  }, SEEN_MS)
  expect(answer).toMatchObject({ pid, servers: ['calm', 'other'] })
  expect((await p.status()).config).toMatchObject({ generation: 2, state: 'current' })
}

async function vim(file: string, text: string): Promise<void> {
  await writeFile(join(dirname(file), '4913'), '')
  await unlink(join(dirname(file), '4913'))
  await rename(file, `${file}~`)
  await writeSynced(file, text)
  await unlink(`${file}~`)
}

/** As with `backupcopy=yes`. */
async function vimInPlace(file: string, text: string): Promise<void> {
  await writeFile(`${file}~`, await readFile(file))
  await writeSynced(file, text)
  await unlink(`${file}~`)
}

async function writeSynced(file: string, text: string): Promise<void> {
  await using handle = await open(file, 'w')
  await handle.writeFile(text)
  await handle.sync()
}

async function renameOver(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

async function linkAnew(file: string, text: string): Promise<void> {
  await writeFile(`${file}.other`, text)
  await unlink(file)
  await link(`${file}.other`, file)
}

async function symlinkAnew(file: string, text: string): Promise<void> {
  await writeFile(`${file}.other`, text)
  await symlink('mcpctl.yaml.other', `${file}.link`)
  await rename(`${file}.link`, file)
}

async function emptyFirst(file: string, text: string): Promise<void> {
  await writeFile(file, '')
  await delay(300)
  await writeFile(file, text)
}

async function refolder(file: string, text: string): Promise<void> {
  await rm(dirname(file), { recursive: true })
  await mkdir(dirname(file))
  await writeFile(file, text)
}

async function swapFolder(file: string, text: string): Promise<void> {
  const folder = dirname(file)
  await mkdir(`${folder}.new`)
  await writeFile(join(`${folder}.new`, 'mcpctl.yaml'), text)
  await rename(folder, `${folder}.old`)
  await rename(`${folder}.new`, folder)
}

/** Whoever watches from here on waits for ever. */
function withoutEvents(): Disposable {
  const { watch } = fs
  let asked = 0
  const silent = () => {
    asked++
    return Object.assign(new EventEmitter(), { close() {} })
  }
  Object.assign(fs, { watch: silent })
  syncBuiltinESMExports()
  return {
    [Symbol.dispose]() {
      Object.assign(fs, { watch })
      syncBuiltinESMExports()
      expect(asked).toBeGreaterThan(0)
    },
  }
}
