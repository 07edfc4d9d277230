import { expect, test } from 'vitest'
import { eventLines } from '../../cli/progress/event-lines.ts'
import { elapsed } from '../../cli/progress/step-line.ts'
import { observe, slowest, startTrack, type Track } from '../../cli/progress/track.ts'
import { treeLines } from '../../cli/progress/tree.ts'
import type { ControlEvent, Status } from '../../src/control/protocol.ts'
import { group, server, status } from './samples.ts'

const paint = (_style: unknown, text: string) => text

/** At 10 ms both connect; memory is up at 184 ms, lan fails at 300, then comes back. */
const recording: readonly (readonly [number, Status])[] = [
  [10, statusOf('connecting', 'starting', null)],
  [184, statusOf('ready', 'starting', null)],
  [300, statusOf('ready', 'degraded', 'connect ECONNREFUSED\u001b[2J')],
  [1600, statusOf('ready', 'ready', null)],
]

function statusOf(memory: 'connecting' | 'ready', lan: 'starting' | 'degraded' | 'ready', lastError: string | null) {
  const states = { starting: 'connecting', degraded: 'backoff', ready: 'ready' } as const
  return status([
    group('local', {
      state: memory === 'ready' ? 'ready' : 'starting',
      servers: [server('memory', { state: memory, tools: 9 })],
    }),
    group('lan', { state: lan, servers: [server('geotab', { state: states[lan], tools: 3, lastError })] }),
  ])
}

function replay(): Track {
  return recording.reduce((track, [now, seen]) => observe(track, seen, now), startTrack(0))
}

test('plain progress says each change once, in words', () => {
  let track = startTrack(0)
  const lines = recording.flatMap(([now, seen]) => {
    const shown = eventLines({ type: 'status', status: seen }, { track, now, paint })
    track = shown.next
    return shown.lines.map((line) => `${now} ${line}`)
  })
  expect(lines).toEqual([
    '10 … local  starting',
    '10 … local/memory  connecting',
    '10 … lan  starting',
    '10 … lan/geotab  connecting',
    '184 ✔ local  174 ms',
    '184 ✔ local/memory  9 tools  174 ms',
    '300 ! lan  degraded',
    '300 ✖ lan/geotab  backoff  connect ECONNREFUSED[2J',
    '1600 ✔ lan  290 ms',
    '1600 ✔ lan/geotab  3 tools  1.6 s',
  ])
})

test('the tree has a line for each group and server with how long it took', () => {
  expect(treeLines(replay(), { paint, busy: '⠋' })).toEqual([
    '✔ local  174 ms',
    '  ✔ memory  9 tools  174 ms',
    '✔ lan  290 ms',
    '  ✔ geotab  3 tools  1.6 s',
  ])
})

test('what is under way shows the spinner', () => {
  const [first] = recording
  const track = observe(startTrack(0), first?.[1] ?? status([]), 10)
  expect(treeLines(track, { paint, busy: '⠋' })[1]).toBe('  ⠋ memory  connecting')
})

test('the slowest server is named, not its group', () => {
  expect(slowest(replay())).toMatchObject({ server: 'geotab', upAfter: 1590 })
})

test('what was up from the beginning took no time, and what went down is timed anew', () => {
  const up = statusOf('ready', 'ready', null)
  const first = observe(startTrack(0), up, 5)
  expect(slowest(first)).toBeUndefined()
  const down = observe(first, statusOf('connecting', 'ready', null), 1000)
  expect(slowest(observe(down, up, 1100))).toMatchObject({ server: 'memory', upAfter: 100 })
})

test('the same status twice is no news', () => {
  const track = replay()
  expect(observe(track, recording.at(-1)?.[1] ?? status([]), 2000).changed).toEqual([])
})

test.each<[string, ControlEvent, string[]]>([
  [
    'an applied plan',
    {
      type: 'applied',
      applied: {
        profile: 'dev',
        generation: 2,
        warnings: [],
        plan: {
          actions: [
            { do: 'reload', group: 'lan', cause: { why: 'changed', detail: 'server geotab changed' }, servers: [] },
          ],
          unchanged: ['local'],
        },
      },
    },
    ['~ lan reload: server geotab changed', '= local unchanged'],
  ],
  [
    'a rejected file',
    {
      type: 'rejected',
      problems: [
        {
          severity: 'error',
          code: 'x',
          message: 'unknown key',
          file: 'a.yaml',
          line: 1,
          column: 2,
          hint: '',
          frame: '',
        },
      ],
    },
    ['✖ a.yaml:1:2 unknown key'],
  ],
])('%s is told in words', (_title, event, lines) => {
  expect(eventLines(event, { track: startTrack(0), now: 0, paint }).lines).toEqual(lines)
})

test.each([
  [0.4, '0 ms'],
  [184.4, '184 ms'],
  [1649, '1.6 s'],
  [59_940, '59.9 s'],
  [125_000, '2 m 5 s'],
])('%d ms reads as %s', (ms, text) => expect(elapsed(ms)).toBe(text))
