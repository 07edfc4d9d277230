import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { makeFolder } from '../../src/shared/folder.ts'
import { bundled } from '../helpers/bundle.ts'
import { tempFolder } from '../helpers/temp.ts'

test('missing folders are made, for their owner only', async () => {
  await using own = await tempFolder()
  const folder = join(own.path, 'a', 'b', 'c')
  makeFolder(folder)
  makeFolder(folder)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(statSync(join(own.path, 'a')).mode & 0o777).toBe(0o700)
})

test('a file in the way is an error', async () => {
  await using own = await tempFolder()
  writeFileSync(join(own.path, 'a'), '')
  expect(() => makeFolder(join(own.path, 'a'))).toThrow('EEXIST')
  expect(() => makeFolder(join(own.path, 'a', 'b'))).toThrow('ENOTDIR')
})

test.runIf(existsSync('/proc/self'))('where nothing can be made, it says so instead of trying for ever', async () => {
  const program = `
    import { makeFolder } from './folder.ts'
    try { makeFolder('/proc/nowhere/a/b') } catch ({ code }) { console.log(code) }`
  const input = await bundled(program, fileURLToPath(new URL('../../src/shared/', import.meta.url)))
  const deadline = { timeout: 20_000, killSignal: 'SIGKILL' } as const
  const run = execa(process.execPath, ['--input-type=module', '-'], { input, ...deadline })
  await expect(run).resolves.toMatchObject({ stdout: 'ENOENT' })
})
