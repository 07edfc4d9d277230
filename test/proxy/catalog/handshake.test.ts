import { expect, test } from 'vitest'
import { discoverResult, initializeResult } from '../../../src/proxy/catalog/handshake.ts'
import { offerOf } from '../../../src/proxy/catalog/offer.ts'
import { bareView, mergedView } from '../../../src/proxy/catalog/view.ts'
import { bareFrame, type Listing } from '../../../src/proxy/upstream/listing.ts'
import { serverOf } from '../../helpers/group.ts'
import { bareFrames } from '../../helpers/listing.ts'

function offer(name: string, fields: Partial<Listing>) {
  const empty = { tools: [], resources: [], templates: [], prompts: [] }
  return offerOf(serverOf(name), {
    era: 'legacy',
    protocolVersion: '2025-11-25',
    serverInfo: { name, version: '1' },
    capabilities: {},
    instructions: undefined,
    frames: bareFrames,
    ...empty,
    ...fields,
  })
}

const TASKS = 'io.modelcontextprotocol/tasks'
const identity = { name: 'mcpctl', version: '9', project: 'p', group: 'g' }
const old = offer('old', { capabilities: { tools: {}, tasks: { list: {} }, extensions: { 'x/ui': { a: 1 } } } })
const extensions = { [TASKS]: {}, 'x/ui': { b: 2 } }
const young = offer('young', { era: 'modern', capabilities: { resources: { subscribe: true }, extensions } })
const fresh = { ttlMs: 7, cacheScope: 'public' } as const
const both = mergedView([old, young])

test('each era is offered what it can do with the servers of the other', () => {
  const lists = { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true } }
  expect(initializeResult(bareView(young), '2025-11-25', identity).capabilities).toEqual({
    resources: lists.resources,
    extensions: { 'x/ui': { b: 2 } },
  })
  expect(discoverResult(bareView(old), fresh, identity).capabilities).toEqual({
    tools: lists.tools,
    extensions: { 'x/ui': { a: 1 } },
  })
  expect(discoverResult(both, fresh, identity).capabilities).toEqual({
    ...lists,
    extensions: { [TASKS]: {}, 'x/ui': { a: 1, b: 2 } },
  })
  expect(initializeResult(both, '2025-11-25', identity).capabilities).toMatchObject({
    ...lists,
    extensions: { 'x/ui': { a: 1, b: 2 } },
  })
})

test('what else a server greets with is told on its own address, and nowhere else', () => {
  const greeting = { ...bareFrame, extra: { 'x-more': [1], _meta: { 'v/a': 1 } } }
  const chatty = offer('chatty', { frames: { ...bareFrames, greeting } })
  const alone = bareView(chatty)
  expect(initializeResult(alone, '2025-11-25', identity)).toMatchObject({ 'x-more': [1], _meta: { 'v/a': 1 } })
  expect(discoverResult(alone, fresh, identity)).toEqual({
    'x-more': [1],
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: {},
    ...fresh,
    _meta: { 'v/a': 1, 'io.modelcontextprotocol/serverInfo': { name: 'chatty', version: '1' } },
  })
  expect(initializeResult(mergedView([chatty]), '2025-11-25', identity)).not.toHaveProperty('x-more')
  expect(discoverResult(mergedView([chatty]), fresh, identity)).not.toHaveProperty('x-more')
})
