import { expect, test } from 'vitest'
import type { Server } from '../../../src/config/profile.ts'
import { epochOf } from '../../../src/proxy/catalog/epoch.ts'
import { offerOf } from '../../../src/proxy/catalog/offer.ts'
import type { Item, Listing } from '../../../src/proxy/upstream/listing.ts'
import { serverOf } from '../../helpers/group.ts'
import { bareFrames } from '../../helpers/listing.ts'

function offer(
  name: string,
  tools: readonly Item[],
  fields: Partial<Server> = {},
  frames: Partial<Listing['frames']> = {},
) {
  return offerOf(serverOf(name, fields), {
    era: 'legacy',
    protocolVersion: '2025-11-25',
    serverInfo: {},
    capabilities: { tools: {} },
    instructions: undefined,
    tools,
    resources: [],
    templates: [],
    prompts: [],
    frames: { ...bareFrames, ...frames },
  })
}

const [one, two] = [{ name: 'one' }, { name: 'two', zz: 1 }]
const epoch = epochOf([offer('a', [one, two]), offer('b', [one])])

test('the same lists have the same epoch, however long they are good for', () => {
  const frames = { tools: { extra: {}, ttlMs: 60_000, scope: 'public' } } as const
  expect(epochOf([offer('a', [one, two], {}, frames), offer('b', [one])])).toBe(epoch)
})

test.each([
  ['order of servers', [offer('b', [one]), offer('a', [one, two])]],
  ['order of tools', [offer('a', [two, one]), offer('b', [one])]],
  ['field of a tool', [offer('a', [one, { ...two, zz: 2 }]), offer('b', [one])]],
  ['prefix', [offer('a', [one, two], { prefix: 'x_' }), offer('b', [one])]],
  [
    'filter',
    [offer('a', [one, two]), offer('b', [one], { tools: { allow: [], deny: ['one'], rename: {}, override: {} } })],
  ],
  ['server more', [offer('a', [one, two]), offer('b', [one]), offer('c', [])]],
])('another %s is another epoch', (_what, offers) => {
  expect(epochOf(offers)).not.toBe(epoch)
})
