import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Touches } from '../../src/config/touches.ts'
import { tempFolder } from '../helpers/temp.ts'
import { waitFor } from '../helpers/wait.ts'

async function watched() {
  const temp = await tempFolder()
  const folder = join(temp.path, 'project')
  await mkdir(folder)
  const file = join(folder, 'mcpctl.yaml')
  await writeFile(file, 'a')
  let count = 0
  const errors: unknown[] = []
  const touches = new Touches({
    paths: [folder, file, join(folder, 'missing', '.env')],
    onTouch: () => count++,
    onError: (error) => errors.push(error),
  })
  return {
    temp,
    folder,
    file,
    errors,
    count: () => count,
    async [Symbol.asyncDispose]() {
      touches[Symbol.dispose]()
      await temp[Symbol.asyncDispose]()
    },
  }
}

test('a file that is written or replaced, and one that could be one more, are told of', async () => {
  await using one = await watched()
  await writeFile(one.file, 'b')
  await waitFor(() => one.count() > 0)
  const written = one.count()
  await writeFile(`${one.file}.new`, 'c')
  await rename(`${one.file}.new`, one.file)
  await waitFor(() => one.count() > written)
  const replaced = one.count()
  await writeFile(join(one.folder, 'more.yaml'), 'd')
  await waitFor(() => one.count() > replaced)
  expect(one.errors).toEqual([])
})

test("other files of the folder and those beside it are nobody's concern", async () => {
  await using one = await watched()
  for (let at = 0; at < 20; at++) {
    await writeFile(join(one.temp.path, `other${at}`), 'x')
    await writeFile(join(one.folder, `other${at}.log`), 'x')
  }
  // The system tells of one after the other.
  expect(one.count()).toBe(0)
  await writeFile(one.file, 'b')
  await waitFor(() => one.count() > 0)
  expect(one.count()).toBeLessThan(10)
})
