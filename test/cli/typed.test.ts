import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Surroundings } from '../../cli/context.ts'
import { read } from '../../cli/grammar.ts'
import { commands } from '../../cli/table.ts'
import { readPlainly, type Typed } from '../../cli/typed.ts'
import manifest from '../../package.json' with { type: 'json' }

const silent = { write: () => true }
const around: Surroundings = {
  env: {},
  cwd: '/',
  version: manifest.version,
  execPath: '',
  stdout: silent,
  stderr: silent,
  onSignal: () => ({ [Symbol.dispose]() {} }),
}

/** Flags that are on unless told otherwise are there for commander, and absent when read plainly. */
function comparable({ spec, flags, invocation: { args, options } }: Typed) {
  return {
    name: spec.name,
    flags,
    args: [...args],
    options: { color: true, watch: spec.name !== 'status', ...options },
  }
}

const words = commands.flatMap(({ name, alias, flags = [] }) => [
  name,
  alias ?? name,
  ...flags.map((flag) => flag.flags),
])
const tokens = [
  ...words.flatMap((word) => word.replace(/<.*>/, '').split(/[ ,]+/)).filter((word) => word !== ''),
  ...[
    '-p',
    '--profile',
    '-f',
    '--file',
    '--env-file',
    '-o',
    '--output',
    '--json',
    '-q',
    '-v',
    '--no-color',
    '-y',
    '-h',
  ],
  ...[
    '--progress',
    '-qv',
    '-pdev',
    '--output=json',
    '--json=1',
    '-o=json',
    '--',
    '-',
    '-1',
    '--tail=5',
    '-n5',
    '--help',
  ],
  ...[
    'json',
    'yaml',
    'plain',
    'dev',
    '5',
    '5s',
    'x=1',
    'x:=1',
    '{}',
    '{"a":1}',
    '',
    'help',
    '--wat',
    'sarif',
    '\u00fc',
  ],
]

test('whatever is read plainly means what commander would have made of it', () => {
  const first = fc.constantFrom(...commands.map(({ name }) => name), 'ps', '--json', 'nothing')
  const line = fc.tuple(first, fc.array(fc.constantFrom(...tokens), { maxLength: 6 }))
  let plain = 0
  fc.assert(
    fc.property(line, ([name, rest]) => {
      const argv = [name, ...rest]
      const typed = readPlainly(argv)
      if (!typed) return
      plain++
      const other = read(argv, around)
      expect(other && comparable(other)).toEqual(comparable(typed))
    }),
    { numRuns: 3000 },
  )
  expect(plain).toBeGreaterThan(100)
})

test.each([
  [['status']],
  [['ps', '--json', 'a', 'b']],
  [['validate', 'dev', '-o', 'json']],
  [['up', 'dev', '-d', '--wait-timeout', '5s', '--no-watch', '-f', 'a', '-f', 'b']],
  [['call', 'g', 't', 'x=1', '--args', '{}', '--', '-x']],
])('%j is plain', (argv) => {
  expect(readPlainly(argv)).toBeDefined()
})

test.each([
  [[]],
  [['help', 'up']],
  [['--json', 'status']],
  [['status', '--help']],
  [['status', '--wat']],
  [['status', '-o', 'xml']],
  [['status', '-o', 'json', '-o', 'yaml']],
  [['url']],
  [['url', 'a', 'b']],
  [['logs', '-n', 'ten']],
])('%j is not: commander knows what to say', (argv) => {
  expect(readPlainly(argv)).toBeUndefined()
})
