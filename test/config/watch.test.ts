import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { fingerprintsOf } from '../../src/config/fingerprint.ts'
import { loadProfileSet } from '../../src/config/load.ts'
import { watchFiles } from '../../src/config/watch.ts'
import { type TempFolder, tempFolder } from '../helpers/temp.ts'
import { waitFor } from '../helpers/wait.ts'

interface Watched extends AsyncDisposable {
  readonly folder: TempFolder
  readonly path: (name: string) => string
  changes(): number
  update(names: readonly string[]): Promise<void>
}

/** A folder with one file `a.yaml` and a watch that has proved to be awake. */
async function watched(
  files: Readonly<Record<string, string>> = {},
  names: readonly string[] = ['a.yaml'],
): Promise<Watched> {
  const folder = await tempFolder()
  await folder.write({ 'a.yaml': 'a: 0\n', ...files })
  let count = 0
  const errors: unknown[] = []
  const path = (name: string) => join(folder.path, name)
  const watch = watchFiles(await fingerprintsOf(names.map(path)), {
    onChange: () => count++,
    onError: (error) => errors.push(error),
  })
  await delay(100) // Events of before the watch are none of ours; the poll would find what this misses.
  return {
    folder,
    path,
    changes: () => count,
    update: async (next) => watch.update(await fingerprintsOf(next.map(path))),
    async [Symbol.asyncDispose]() {
      await watch[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
      expect(errors).toEqual([])
    },
  }
}

const ways: readonly (readonly [what: string, change: (path: string) => unknown])[] = [
  ['written in place', (path) => writeFile(path, 'a: 1\n')],
  ['renamed over', (path) => writeFile(`${path}.new`, 'a: 1\n').then(() => rename(`${path}.new`, path))],
  ['edited by sed -i', (path) => execFileSync('sed', ['-i', 's/0/1/', path])],
  ['deleted and written anew', (path) => unlink(path).then(() => writeFile(path, 'a: 1\n'))],
  [
    'emptied and written slowly',
    (path) =>
      writeFile(path, '')
        .then(() => delay(300))
        .then(() => writeFile(path, 'a: 1\n')),
  ],
]

test.each(ways)('a file that is %s is one change', async (_what, change) => {
  await using it = await watched()
  await change(it.path('a.yaml'))
  await waitFor(() => it.changes() === 1)
  await writeFile(it.path('a.yaml'), 'a: 2\n')
  await waitFor(() => it.changes() === 2)
})

test('a hundred writes in a row are few changes, and the last of them is seen', async () => {
  await using it = await watched()
  for (let n = 0; n < 100; n++) await writeFile(it.path('a.yaml'), `a: ${n + 1}\n`)
  await waitFor(() => it.changes() > 0)
  await delay(200)
  const before = it.changes()
  expect(before).toBeLessThan(20)
  await writeFile(it.path('a.yaml'), 'a: 100\n')
  await delay(200)
  expect(it.changes()).toBe(before)
})

test('the same content again is no change', async () => {
  await using it = await watched()
  await writeFile(it.path('a.yaml'), 'a: 0\n')
  execFileSync('touch', [it.path('a.yaml')])
  await writeFile(it.path('a.yaml'), 'a: 1\n')
  await waitFor(() => it.changes() === 1)
})

test('what was cut off to a tenth is waited for, though it can be parsed; it is believed after a while', async () => {
  const whole = Array.from({ length: 100 }, (_, n) => `key${n}: value\n`).join('')
  await using it = await watched({ 'a.yaml': whole })
  await writeFile(it.path('a.yaml'), whole.slice(0, 12))
  await delay(300)
  expect(it.changes()).toBe(0)
  await writeFile(it.path('a.yaml'), `${whole}more: 1\n`)
  await waitFor(() => it.changes() === 1)
  await it.update(['a.yaml'])
  await writeFile(it.path('a.yaml'), whole.slice(0, 12))
  await waitFor(() => it.changes() === 2)
})

test('who may change a file is part of what is in it: mending its mode is a change', async () => {
  await using it = await watched()
  await chmod(it.path('a.yaml'), 0o600)
  await waitFor(() => it.changes() === 1)
})

test('content that cannot be parsed is believed after a while', async () => {
  await using it = await watched()
  await writeFile(it.path('a.yaml'), 'a: [1,\n')
  await waitFor(() => it.changes() === 1)
})

test('a deleted file is a change', async () => {
  await using it = await watched()
  await unlink(it.path('a.yaml'))
  await waitFor(() => it.changes() === 1)
})

test.each<[string, (inner: string) => Promise<unknown>]>([
  ['deleted and made anew', (inner) => rm(inner, { recursive: true }).then(() => mkdir(inner))],
  ['moved away and made anew', (inner) => rename(inner, `${inner}.old`).then(() => mkdir(inner))],
])('the saves in a folder that is %s are seen as they come', async (_how, replace) => {
  await using it = await watched({ 'inner/b.yaml': 'b: 0\n' }, ['inner/b.yaml'])
  await replace(it.path('inner'))
  await writeFile(it.path('inner/b.yaml'), 'b: 1\n')
  await waitFor(() => it.changes() >= 1, 15_000)
  // More of them than the poll could find.
  const began = performance.now()
  for (let n = 2; n < 6; n++) {
    await delay(200)
    const before = it.changes()
    await writeFile(it.path('inner/b.yaml'), `b: ${n}\n`)
    await waitFor(() => it.changes() > before, 15_000)
  }
  expect(performance.now() - began).toBeLessThan(10_000)
})

test('the swap of a mounted volume is a change', async () => {
  await using it = await watched({ 'volume/..1/b.yaml': 'b: 0\n' }, [])
  await symlink('..1', it.path('volume/..data'))
  await symlink('..data/b.yaml', it.path('volume/b.yaml'))
  await it.update(['volume/b.yaml'])
  await delay(200)
  await it.folder.write({ 'volume/..2/b.yaml': 'b: 1\n' })
  await symlink('..2', it.path('volume/..data_tmp'))
  await rename(it.path('volume/..data_tmp'), it.path('volume/..data'))
  await rm(it.path('volume/..1'), { recursive: true })
  await waitFor(() => it.changes() === 1)
})

test('a new file that matches an include is a change, another is not', async () => {
  await using it = await watched({ 'mcpctl.yaml': 'servers: {}\n', 'profiles/dev.yaml': 'groups: {}\n' }, [])
  const set = await loadProfileSet({ cwd: it.folder.path, files: [], env: {} })
  await it.update([...set.sources.keys()].map((source) => source.slice(it.folder.path.length + 1)))
  await delay(200)
  await writeFile(it.path('profiles/notes.txt'), 'x')
  await writeFile(it.path('profiles/prod.yaml'), 'groups: {}\n')
  await waitFor(() => it.changes() === 1)
  await unlink(it.path('profiles/prod.yaml'))
  await waitFor(() => it.changes() === 2)
  expect(await readdir(it.path('profiles'))).toContain('notes.txt')
})

test('an optional file that appears is a change', async () => {
  await using it = await watched({}, ['a.yaml', '.env'])
  await writeFile(it.path('.env'), 'A=1\n')
  await waitFor(() => it.changes() === 1)
})

test('after an update the new files are watched and the old ones are not', async () => {
  await using it = await watched({ 'b.yaml': 'b: 0\n' })
  await it.update(['b.yaml'])
  await delay(200)
  await writeFile(it.path('a.yaml'), 'a: 1\n')
  await writeFile(it.path('b.yaml'), 'b: 1\n')
  await waitFor(() => it.changes() === 1)
  await delay(200)
  expect(it.changes()).toBe(1)
})

test('a save between the reading and the watching is a change', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'a.yaml': 'a: 0\n', 'b.yaml': 'b: 0\n' })
  const [a, b] = [join(folder.path, 'a.yaml'), join(folder.path, 'b.yaml')]
  const [one, both] = [await fingerprintsOf([a]), await fingerprintsOf([a, b])]
  await writeFile(a, 'a: 1\n')
  let count = 0
  await using watch = watchFiles(one, { onChange: () => count++, onError: () => {} })
  await waitFor(() => count === 1, 2_000)
  await writeFile(b, 'b: 1\n')
  watch.update(new Map([...(await fingerprintsOf([a])), [b, both.get(b) ?? '']]))
  await waitFor(() => count === 2, 2_000)
})

test('nothing is reported after disposal', async () => {
  const it = await watched()
  const path = it.path('a.yaml')
  await writeFile(path, 'a: 1\n')
  await it[Symbol.asyncDispose]()
  const seen = it.changes()
  await delay(100)
  expect(it.changes()).toBe(seen)
})
