import { expect, test } from 'vitest'
import { Alarm } from '../../../src/proxy/catalog/alarm.ts'
import { inspect, passedOn, refusalOf } from '../../../src/proxy/catalog/integrity.ts'
import { offerOf } from '../../../src/proxy/catalog/offer.ts'
import { mergedView } from '../../../src/proxy/catalog/view.ts'
import type { Drift } from '../../../src/shared/drift.ts'
import { createLog } from '../../../src/shared/log.ts'
import { serverOf } from '../../helpers/group.ts'
import { listingOf, pinned, type Said } from '../../helpers/lock.ts'
import { waitFor } from '../../helpers/wait.ts'

const tool = (name: string, description = `The ${name}`) => ({ name, description, inputSchema: { type: 'object' } })
const locked: Said = {
  instructions: 'Be kind.',
  tools: [tool('a'), tool('b')],
  prompts: [{ name: 'greet', description: 'Greets' }],
  templates: [{ uriTemplate: 'x://{id}', description: 'An x' }],
}
const enforce = serverOf('s', { integrity: 'enforce', onNew: 'block', pins: pinned(locked) })
const called = (name: string) => ({ method: 'tools/call', params: { name } })

test('without pins nothing is looked at', () => {
  const listing = listingOf({ tools: [tool('x')] })
  expect(inspect({ ...enforce, pins: null }, listing)).toMatchObject({ findings: [] })
  expect(refusalOf({ ...enforce, pins: null }, listing, called('x'))).toBeUndefined()
})

test('what is as locked is neither told of nor blocked', () => {
  const listing = listingOf(locked)
  expect(inspect(enforce, listing).findings).toEqual([])
  expect(refusalOf(enforce, listing, called('a'))).toBeUndefined()
})

test('what is gone is not told of: a list may come later', () => {
  expect(inspect(enforce, listingOf({})).findings).toEqual([])
})

test.each([
  ['tools', { ...locked, tools: [tool('a', 'other'), tool('b')] }, 'a'],
  ['prompts', { ...locked, prompts: [{ name: 'greet', description: 'other' }] }, 'greet'],
  ['templates', { ...locked, templates: [{ uriTemplate: 'x://{id}', description: 'other' }] }, 'x://{id}'],
  ['instructions', { ...locked, instructions: 'Be evil.' }, ''],
] as const)('of %s that changed each is blocked alone', (kind, said, name) => {
  const { findings, isBlocked } = inspect(enforce, listingOf(said))
  expect(findings).toMatchObject([{ kind, name, change: 'changed' }])
  expect(isBlocked(kind, name)).toBe(true)
  expect(isBlocked('tools', 'b')).toBe(false)
})

test('blocked instructions are not passed on', () => {
  const listing = listingOf({ ...locked, instructions: 'Be evil.' })
  expect(passedOn(listing, inspect(enforce, listing))?.instructions).toBeUndefined()
  const warned = { ...enforce, integrity: 'warn' } as const
  expect(passedOn(listing, inspect(warned, listing))?.instructions).toBe('Be evil.')
})

test('a second item of a locked name is another one, and neither is served', () => {
  const listing = listingOf({ ...locked, tools: [tool('a'), tool('a', 'other')] })
  expect(refusalOf(enforce, listing, called('a'))).toMatchObject({ code: -31005 })
})

test('a name no list contains is let through only where new ones are', () => {
  const listing = listingOf(locked)
  expect(refusalOf(enforce, listing, called('hidden'))).toMatchObject({ code: -31005 })
  expect(refusalOf({ ...enforce, onNew: 'warn' }, listing, called('hidden'))).toBeUndefined()
})

test('a blocked tool keeps its name, so that no other server gets it', () => {
  const first = offerOf({ ...enforce, prefix: '' }, listingOf({ ...locked, tools: [tool('a', 'other')] }))
  const second = offerOf(serverOf('t', { prefix: '' }), listingOf({ tools: [tool('a'), tool('c')] }))
  const view = mergedView([first, second])
  expect(view.lists.legacy.tools.toString()).toBe(`{"tools":[${JSON.stringify(tool('c'))}]}`)
  expect(view.targets.tools.get('a')).toMatchObject({ server: 's' })
})

test('a server of which everything is blocked leaves no comma behind', () => {
  const first = offerOf(enforce, listingOf({ tools: [tool('a', 'other')] }))
  const second = offerOf(serverOf('t'), listingOf({ tools: [tool('c')] }))
  expect(JSON.parse(mergedView([first, second]).lists.modern.tools.toString().concat('}')).tools).toHaveLength(1)
})

function alarm() {
  const told: Drift[] = []
  const lines: string[] = []
  let now = 0
  const made = new Alarm({
    log: createLog({ level: 'debug', write: (line) => void lines.push(line) }),
    drifted: (drift) => void told.push(drift),
    now: () => now,
  })
  const look = (said: Said) => {
    const listing = listingOf(said)
    made.look(enforce, listing, inspect(enforce, listing).findings)
  }
  return { told, lines, look, wait: (ms: number) => (now += ms) }
}

test('U-36: of lists that alternate each content is told of once', async () => {
  const { told, lines, look } = alarm()
  for (let i = 0; i < 50; i++) look(i % 2 === 0 ? locked : { ...locked, tools: [tool('a', 'B'), tool('b')] })
  look({ ...locked, tools: [tool('a', 'C'), tool('b')] })
  await waitFor(() => told.length >= 2)
  expect(told.map(({ diff }) => diff)).toEqual([
    ['- description: "The a"', '+ description: "B"'],
    ['- description: "The a"', '+ description: "C"'],
  ])
  expect(lines.filter((line) => line.includes('not as locked'))).toHaveLength(2)
})

test('U-36: a server that is another one each time is not told of for ever, and again once it has rested', async () => {
  const { told, lines, look, wait } = alarm()
  for (let i = 0; i < 200; i++) look({ ...locked, tools: [tool('a', `B ${i}`), tool('b')] })
  await waitFor(() => told.length >= 20)
  wait(25_000)
  for (let i = 0; i < 200; i++) look({ ...locked, tools: [tool('a', `C ${i}`), tool('b')] })
  await waitFor(() => told.length >= 22)
  expect(told).toHaveLength(22)
  expect(lines.filter((line) => line.includes('not told of one by one'))).toHaveLength(2)
})
