import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SnapshotFolder } from '../../../src/proxy/upstream/snapshot-folder.ts'
import type { Memory } from '../../../src/proxy/upstream/snapshot-text.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { waitFor } from '../../helpers/wait.ts'

const legacy: Memory = { verdict: { era: 'legacy', at: Date.parse('2026-01-01') }, listing: undefined }
const modern: Memory = { verdict: { era: 'modern', at: Date.parse('2026-01-01') }, listing: undefined }
const day = 24 * 60 * 60 * 1000

async function folderIn(path: string, secrets: readonly string[] = []) {
  const catalog = join(path, 'catalog')
  return { path: catalog, folder: new SnapshotFolder({ path: catalog, secrets: () => secrets }) }
}

async function age(file: string, ms: number): Promise<void> {
  const then = new Date(Date.now() - ms)
  await utimes(file, then, then)
}

test('keeps one file per key, for nobody else to read', async () => {
  await using temp = await tempFolder()
  const { path, folder } = await folderIn(temp.path)
  await folder.write('a', async () => legacy)
  await folder.write('b', async () => modern)
  expect([await folder.read('a'), await folder.read('b'), await folder.read('c')]).toEqual([legacy, modern, undefined])
  const modes = await Promise.all([path, join(path, 'a.json')].map(async (one) => (await stat(one)).mode & 0o777))
  expect(modes).toEqual([0o700, 0o600])
})

test('what is to be written is looked at when its turn comes, so that the last word counts', async () => {
  await using temp = await tempFolder()
  const { folder } = await folderIn(temp.path)
  let memory = legacy
  const written = folder.write('a', async () => memory)
  memory = modern
  await written
  expect(await folder.read('a')).toEqual(modern)
})

test('nothing to remember leaves no file', async () => {
  await using temp = await tempFolder()
  const { path, folder } = await folderIn(temp.path)
  await folder.write('a', async () => legacy)
  await folder.write('a', async () => undefined)
  expect(await readdir(path)).toEqual([])
})

test('two who write the same leave one whole file and nothing else', async () => {
  await using temp = await tempFolder()
  const { path, folder } = await folderIn(temp.path)
  const { folder: other } = await folderIn(temp.path)
  const writes = Array.from({ length: 40 }, (_, i) => (i % 2 ? folder : other).write('a', async () => legacy))
  await Promise.all(writes)
  expect(await readdir(path)).toEqual(['a.json'])
  expect(await folder.read('a')).toEqual(legacy)
})

test('does not write what holds a secret, and drops what was there', async () => {
  await using temp = await tempFolder()
  const { path, folder } = await folderIn(temp.path, ['2026-01-01'])
  await mkdir(path)
  await writeFile(join(path, 'a.json'), 'of an earlier start')
  await expect(folder.write('a', async () => legacy)).rejects.toThrow('the server repeats a secret')
  expect(await readdir(path)).toEqual([])
})

test('reads nothing that is too large', async () => {
  await using temp = await tempFolder()
  const { path, folder } = await folderIn(temp.path)
  await mkdir(path)
  await writeFile(join(path, 'a.json'), Buffer.alloc(32 * 1024 * 1024 + 1, ' '))
  await expect(folder.read('a')).rejects.toThrow('it is larger than 33554432 bytes')
})

test('a folder that cannot be is the trouble of whoever wants to write, each time', async () => {
  await using temp = await tempFolder()
  const { path, folder } = await folderIn(temp.path)
  await writeFile(path, 'a file')
  await expect(folder.write('a', async () => legacy)).rejects.toThrow('ENOTDIR')
  await expect(folder.write('a', async () => legacy)).rejects.toThrow('ENOTDIR')
  expect(await readFile(path, 'utf8')).toBe('a file')
})

test('removes what nobody has used for a month, and drafts of writers that were killed', async () => {
  await using temp = await tempFolder()
  const { path, folder } = await folderIn(temp.path)
  await mkdir(path)
  for (const name of ['gone.json', 'used.json', 'dead.json.1.draft', 'busy.json.1.draft', 'foreign'])
    await writeFile(join(path, name), '')
  for (const name of ['gone.json', 'used.json', 'dead.json.1.draft', 'foreign']) await age(join(path, name), 31 * day)
  await expect(folder.read('used')).rejects.toThrow()
  await folder.write('a', async () => legacy)
  await waitFor(async () => (await readdir(path)).length === 4)
  expect((await readdir(path)).sort()).toEqual(['a.json', 'busy.json.1.draft', 'foreign', 'used.json'])
})
