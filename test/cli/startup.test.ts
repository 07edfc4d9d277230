import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { entryFile } from '../../src/shared/paths.ts'

const entry = entryFile('cli')
const chunks = join(dirname(entry), 'chunks')

/** The file and everything it imports at once, not what it may import later. */
function loaded(file: string, seen = new Map<string, number>()): ReadonlyMap<string, number> {
  if (seen.has(file)) return seen
  const code = readFileSync(file, 'utf8')
  seen.set(file, code.length)
  for (const [, path = ''] of code.matchAll(/(?:from|import)\s*"(\.[^"]+)"/g)) loaded(join(dirname(file), path), seen)
  return seen
}

function chunk(name: string): string {
  const found = readdirSync(chunks).find((file) => file.startsWith(`${name}-`) && file.endsWith('.js'))
  if (!found) throw new Error(`no chunk ${name} in ${chunks}`)
  return join(chunks, found)
}

function bytes(files: ReadonlyMap<string, number>): number {
  return [...files.values()].reduce((sum, size) => sum + size, 0)
}

test('--version is answered before anything of weight is loaded', () => {
  expect(bytes(loaded(entry))).toBeLessThan(10_000)
})

test('status starts with commander and little else: no YAML, no schema library, no HTTP client, no SDK', () => {
  expect(bytes(new Map([...loaded(chunk('program')), ...loaded(chunk('status'))]))).toBeLessThan(120_000)
})
