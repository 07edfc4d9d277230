import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Logs } from '../../src/supervisor/logs.ts'
import { tempFolder } from '../helpers/temp.ts'

async function texts(logs: Logs): Promise<string[]> {
  const found: string[] = []
  for await (const { msg } of logs.read({ tail: 10, follow: false }, new AbortController().signal)) found.push(msg)
  return found
}

test('hides a secret also after it was replaced by another one', async () => {
  await using folder = await tempFolder()
  using logs = new Logs(folder.path)
  logs.hide(['old-secret-value'])
  logs.hide(['new-secret-value'])
  logs.line('one', 'from old-secret-value to new-secret-value')
  const [text] = await texts(logs)
  expect(text).toContain('from')
  expect(text).not.toContain('secret-value')
})

test('takes a flood in bounded files that only the owner can read', async () => {
  await using folder = await tempFolder()
  using logs = new Logs(folder.path)
  const line = 'x'.repeat(60_000)
  for (let count = 0; count < 1_000; count++) logs.line('one', line)
  const files = readdirSync(folder.path).map((name) => statSync(join(folder.path, name)))
  expect(files).toHaveLength(4)
  for (const { size, mode } of files) {
    expect(size).toBeLessThan(11 * 1024 * 1024)
    expect(mode & 0o777).toBe(0o600)
  }
})
