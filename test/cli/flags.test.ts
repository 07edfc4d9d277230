import { expect, test } from 'vitest'
import { mergeFlags } from '../../cli/flags.ts'

test('lists from before and after the command add up in order', () => {
  expect(mergeFlags({ file: ['a'], envFile: ['x'] }, { file: ['b'] })).toMatchObject({
    files: ['a', 'b'],
    envFiles: ['x'],
  })
})

test.each([
  ['--json', { json: true }, {}, 'json'],
  ['--json after -o yaml', { output: 'yaml' }, { json: true }, 'json'],
  ['-o yaml after --json', { json: true }, { output: 'yaml' }, 'yaml'],
  ['-o ndjson', {}, { output: 'ndjson' }, 'ndjson'],
  ['nothing', {}, {}, 'human'],
] as const)('%s chooses the output', (_title, before, after, output) => {
  expect(mergeFlags(before, after).output).toBe(output)
})

test('--no-color counts wherever it stands', () => {
  expect(mergeFlags({ color: false }, { color: true }).color).toBe(false)
  expect(mergeFlags({ color: true }, { color: false }).color).toBe(false)
})
