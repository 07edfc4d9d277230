import { execFileSync } from 'node:child_process'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from '../../src/config/parse.ts'
import { sourceOf } from '../../src/config/source.ts'
import { bundled } from '../helpers/bundle.ts'
import { type TempFolder, tempFolder } from '../helpers/temp.ts'
import { diagnosticsIn, problemsIn } from './problems.ts'

const lone = 'servers: { a: { command: a } }\ngroups:\n  g: { servers: [a] }\n'

async function problemsOf(folder: TempFolder, content: string | Uint8Array): Promise<string[]> {
  await writeFile(join(folder.path, 'x.yaml'), content)
  return problemsIn(folder.path, 'x.yaml')
}

test('C-02: 20,000 brackets on a warm parser leave the process alive', async () => {
  const entry = fileURLToPath(new URL('../../src/config/parse.ts', import.meta.url))
  const program = `
    import { parse } from ${JSON.stringify(entry)}
    import { sourceOf } from ${JSON.stringify(entry.replace('parse.ts', 'source.ts'))}
    const read = (text) => parse(sourceOf('/x.yaml', text, '/')).diagnostics.map(({ message }) => message)
    for (let n = 0; n < 300; n++) read('a: { b: [1, "two", { c: d }] }')
    for (const open of ['[', '{a: ', '- ', '? ', 'x: [']) {
      console.log(read('a: ' + open.repeat(20_000)).join(), read(open.repeat(20_000)).join())
    }
  `
  const options = { input: await bundled(program, import.meta.dirname), reject: false, timeout: 20_000 } as const
  const { exitCode, stdout } = await execa('node', ['--input-type=module', '-'], options)
  expect(exitCode).toBe(0)
  expect(stdout.split('\n')[0]).toBe('nesting deeper than 64 nesting deeper than 64')
  expect(stdout.split('\n')).toHaveLength(5)
})

test.each([
  ['brackets', (depth: number) => `a: ${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`],
  ['indentation', (depth: number) => Array.from({ length: depth }, (_, n) => `${' '.repeat(n)}a:`).join('\n')],
])('64 levels of %s are read, 66 are not', (_what, nested) => {
  const codes = (depth: number) => parse(sourceOf('/x.yaml', nested(depth), '/')).diagnostics.map(({ code }) => code)
  expect(codes(64)).toEqual([])
  expect(codes(66)).toEqual(['too_deep'])
})

test('brackets in texts and comments are not nesting', () => {
  const brackets = '['.repeat(200)
  const text = `a: "${brackets}" # ${brackets}\nb: '${brackets}'\nc: |\n  ${brackets}\n`
  expect(parse(sourceOf('/x.yaml', text, '/')).diagnostics).toEqual([])
})

test('a quote that hides nothing from YAML hides no brackets from us', () => {
  const text = `a: |\n  "\nb: ${'['.repeat(20_000)}`
  expect(parse(sourceOf('/x.yaml', text, '/')).diagnostics.map(({ code }) => code)).toEqual(['too_deep'])
})

test.each([
  ['C-03: block indentation of 4.5 MB', () => Array.from({ length: 3000 }, (_, n) => `${' '.repeat(n)}a:\n`).join('')],
  [
    'C-21: 300,000 keys',
    () => Array.from({ length: 300_000 }, (_, n) => `key_number_${n}: the value of the key\n`).join(''),
  ],
])('%s is too large to be read', async (_what, make) => {
  await using folder = await tempFolder()
  expect(await problemsOf(folder, make())).toEqual(['x.yaml:1:1 file_too_large: x.yaml is larger than 1 MiB'])
})

test('a file of holes is not read either', async () => {
  await using folder = await tempFolder()
  await writeFile(join(folder.path, 'x.yaml'), '')
  await truncate(join(folder.path, 'x.yaml'), 2 ** 40)
  expect(await problemsIn(folder.path, 'x.yaml')).toEqual(['x.yaml:1:1 file_too_large: x.yaml is larger than 1 MiB'])
})

test('C-19: a byte order mark, CRLF and a mixture of ends say the same as LF', async () => {
  await using folder = await tempFolder()
  const variants = [lone, `\ufeff${lone}`, lone.replaceAll('\n', '\r\n'), lone.replace('\n', '\r\n')]
  for (const text of variants) expect(await problemsOf(folder, text)).toEqual([])
  expect(await problemsOf(folder, `\ufeff${lone.replaceAll('\n', '\r\n')}x: 1\r\n`)).toEqual([
    expect.stringMatching(/^x\.yaml:4:1 unknown_key/),
  ])
})

test.each([
  ['a Latin-1 byte', Buffer.concat([Buffer.from('a: caf'), Buffer.from([0xe9]), Buffer.from(' x\n')]), 6],
  ['UTF-16', Buffer.from('\ufeffa: 1\n', 'utf16le'), 0],
  ['a cut character', Buffer.concat([Buffer.from('# ä \ufffd\na: '), Buffer.from([0xf0, 0x9f])]), 12],
])('C-20: %s is named by its offset', async (_what, bytes, offset) => {
  await using folder = await tempFolder()
  expect(await problemsOf(folder, bytes)).toEqual([
    `x.yaml:1:1 not_utf8: x.yaml is not UTF-8: first bad byte at offset ${offset}`,
  ])
})

test.each([
  ['a FIFO', (path: string) => execFileSync('mkfifo', [path]), 'is not a regular file'],
  ['a device', (path: string) => execFileSync('ln', ['-s', '/dev/zero', path]), 'is not a regular file'],
])('%s in place of a file is an error, and nothing blocks', async (_what, make, message) => {
  await using folder = await tempFolder()
  make(join(folder.path, 'x.yaml'))
  expect(await problemsIn(folder.path, 'x.yaml')).toEqual([`x.yaml:1:1 not_a_file: x.yaml ${message}`])
})

test('C-23: nothing in a file reaches the prototype of objects', async () => {
  await using folder = await tempFolder()
  await problemsOf(folder, `${lone}__proto__: { polluted: true }\n`)
  await problemsOf(folder, `{"groups": {"__proto__": {"polluted": 1}}, "constructor": {"prototype": {"polluted": 1}}}`)
  expect(({} as Readonly<Record<string, unknown>>)['polluted']).toBeUndefined()
})

test('a line of a megabyte gets a frame one can read', async () => {
  await using folder = await tempFolder()
  await writeFile(join(folder.path, 'x.yaml'), `{"x-pad": "${'x'.repeat(900_000)}", "servres": {}, "groups": {}}`)
  const text = `{"x-pad": "${'x'.repeat(90_000)}", "servres": 1}`
  const { root, diagnostics } = parse(sourceOf('/x.yaml', text, '/'))
  expect(diagnostics).toEqual([])
  expect(root?.entries.has('servres')).toBe(true)
  expect((await problemsIn(folder.path, 'x.yaml')).join('\n').length).toBeLessThan(1000)
})

test('no text makes the reader throw', () => {
  const piece = fc.constantFrom(
    'a',
    ': ',
    '- ',
    '\n',
    '  ',
    '[',
    ']',
    '{',
    '}',
    '&a ',
    '*a',
    '<<',
    '!',
    '|',
    '"',
    "'",
    '#',
    '\t',
    '---',
    '? ',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      expect(Array.isArray(parse(sourceOf('/x.yaml', pieces.join(''), '/')).diagnostics)).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

test('the name of a file has to be one for a profile, unless the file says another', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'my profile.yaml': lone, 'my other.yaml': `profile: other\n${lone}` })
  expect(await problemsIn(folder.path, 'my profile.yaml')).toEqual([
    'my profile.yaml:1:1 bad_name: the file\'s name "my profile" is not a name for a profile (write profile: NAME in it)',
  ])
  expect(await problemsIn(folder.path, 'my other.yaml')).toEqual([])
})

test('a frame covers what is a secret by its form, and its caret stays where it was', async () => {
  await using folder = await tempFolder()
  const canary = 'ghp_0123456789abcdef0123456789abcdef0123'
  await folder.write({
    'x.yaml': `servers: { a: { command: a, env: { K: "${canary}" }, cmd: b } }\ngroups: { g: { servers: [a] } }\n`,
  })
  const found = await diagnosticsIn(folder.path, 'x.yaml')
  expect(found.map(({ code }) => code)).toEqual(['unknown_key', 'literal_secret'])
  expect(JSON.stringify(found)).not.toContain(canary)
  expect(found[0]?.frame.split('\n')[1]?.indexOf('^')).toBe(found[0]?.frame.split('\n')[0]?.indexOf('cmd:'))
})
