import { expect, test } from 'vitest'
import type { Server } from '../../../src/config/profile.ts'
import type { Caller } from '../../../src/proxy/mcp/exchange.ts'
import { isPrivate, ownerOf, wayOf } from '../../../src/proxy/servers/sharing.ts'
import type { Listing } from '../../../src/proxy/upstream/listing.ts'
import { serverOf, stdioServer } from '../../helpers/group.ts'
import { bareFrames } from '../../helpers/listing.ts'

const remote = serverOf('s')
const local = stdioServer('s', 'echo')
const roots = { roots: {} }

const legacy = (capabilities: Caller['capabilities'] = {}): Caller => ({
  ...{ era: 'legacy', principal: '', capabilities, clientInfo: {}, level: undefined, session: 'sid' },
})
const modern = (capabilities: Caller['capabilities'], principal = ''): Caller => ({
  ...{ era: 'modern', principal, capabilities, clientInfo: {}, level: undefined, session: undefined },
})

function listing(era: Listing['era']): Listing {
  const empty = { tools: [], resources: [], templates: [], prompts: [], instructions: undefined }
  return { ...empty, era, frames: bareFrames, protocolVersion: 'x', serverInfo: {}, capabilities: {} }
}

test.each<[string, Server, Caller, Listing | undefined, string | undefined]>([
  ['auto shares', remote, legacy(), undefined, undefined],
  ['auto parts a client with roots over HTTP', remote, legacy(roots), undefined, 'sid'],
  ['auto does not over stdio', local, legacy(roots), undefined, undefined],
  ['auto does not part modern callers without roots', remote, modern({}), undefined, undefined],
  ['auto does not part modern callers of a modern server', remote, modern(roots), listing('modern'), undefined],
  ['auto parts every client of a stateful server', { ...local, stateful: true }, legacy(), undefined, 'sid'],
  ['shared shares even then', { ...remote, stateful: true, session: 'shared' }, legacy(roots), undefined, undefined],
  ['per-client parts', { ...remote, session: 'per-client' }, legacy(), listing('legacy'), 'sid'],
  ['a modern remote server is shared', { ...remote, session: 'per-client' }, legacy(), listing('modern'), undefined],
  ['a modern process is not', { ...local, session: 'per-client' }, legacy(), listing('modern'), 'sid'],
])('%s', (_title, server, caller, shared, key) => {
  expect(ownerOf(server, caller, shared)?.key).toBe(key)
})

test('auto parts modern callers with roots from a legacy server over HTTP', () => {
  expect(ownerOf(remote, modern(roots), listing('legacy'))?.capabilities).toEqual(roots)
})

test('modern callers share by what they declare, within one authorization context', () => {
  const server = { ...local, session: 'per-client' } as const
  const key = (caller: Caller) => ownerOf(server, caller, undefined)?.key
  expect(key(modern({ sampling: {}, elicitation: {} }))).toBe(key(modern({ elicitation: {}, sampling: {} })))
  expect(key(modern({}))).not.toBe(key(modern(roots)))
  expect(key(modern({}))).not.toBe(key(modern({}, 'other')))
})

test('a private way has a name no server can have', () => {
  const owner = ownerOf({ ...remote, session: 'per-client' }, legacy(), undefined)
  expect([wayOf('s', owner), isPrivate(wayOf('s', owner)), isPrivate(wayOf('s', undefined))]).toEqual([
    's/sid',
    true,
    false,
  ])
})
