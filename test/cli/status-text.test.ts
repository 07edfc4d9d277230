import { expect, test } from 'vitest'
import { statusText, urlLines } from '../../cli/status-text.ts'
import { group, server, status } from './samples.ts'

const paint = (_style: unknown, text: string) => text

test('a status reads as one line on the whole and a table', () => {
  const servers = [
    server('thinking'),
    server('lan', { state: 'backoff', pid: null, tools: 0, lastError: 'connect\nrefused' }),
  ]
  expect(statusText(status([group('fast', { servers }), group('off', { state: 'stopped', pid: null })]), paint)).toBe(
    `seed/dev  ready  generation 1  supervisor 1

GROUP  SERVER    STATE    PID  TOOLS  RESTARTS  URL / LAST ERROR
fast             ready    12   1      0         http://127.0.0.1:7611/mcp
       thinking  ready    34   1      0
       lan       backoff  -    0      0         connect refused
off              stopped  -    0      0         http://127.0.0.1:7611/mcp
`,
  )
})

test('a stale configuration says so with its problems', () => {
  const problem = {
    severity: 'error',
    code: 'c',
    message: 'unknown key "x"',
    file: 'a.yaml',
    line: 3,
    column: 5,
    hint: 'did you mean "y"?',
    frame: '> 3 | x',
  } as const
  const config = { generation: 2, hash: 'h', state: 'stale', problems: [problem] } as const
  expect(statusText(status([], { config }), paint)).toBe(
    `seed/dev  ready  generation 2  supervisor 1

The files on disk are invalid; generation 2 keeps running.
a.yaml:3:5 error unknown key "x"
  hint: did you mean "y"?
> 3 | x
`,
  )
})

test('up answers with the address of every group', () => {
  expect(urlLines([group('a'), group('long', { state: 'degraded' })], paint)).toBe(
    'a     http://127.0.0.1:7611/mcp  ready\nlong  http://127.0.0.1:7611/mcp  degraded\n',
  )
})
