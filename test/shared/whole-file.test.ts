import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeWhole } from '../../src/shared/whole-file.ts'
import { tempFolder } from '../helpers/temp.ts'

test('puts a text in the place of another, with the wanted mode, and leaves nothing beside it', async () => {
  await using folder = await tempFolder()
  const file = await folder.write({ 'a.json': 'before' })
  await writeWhole(file, 'after', 0o600)
  expect(await readFile(file, 'utf8')).toBe('after')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await readdir(folder.path)).toEqual(['a.json'])
})

test('leaves no draft behind when the file cannot be replaced', async () => {
  await using folder = await tempFolder()
  const file = join(folder.path, 'a.json')
  await mkdir(join(file, 'in the way'), { recursive: true })
  await expect(writeWhole(file, 'after')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/)
  expect(await readdir(folder.path)).toEqual(['a.json'])
})
