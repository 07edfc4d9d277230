import type { Pins } from '../../src/config/profile.ts'
import { pinsOf } from '../../src/proxy/catalog/pin.ts'
import type { Listing } from '../../src/proxy/upstream/listing.ts'
import { bareFrames } from './listing.ts'

/** What `test/fixtures/servers/drifting.mjs` reads from its file, and any server may list. */
export type Said = Partial<Pick<Listing, 'instructions' | 'tools' | 'prompts' | 'templates'>>

/** The lists of a server that says this. */
export function listingOf(said: Said): Listing {
  return {
    era: 'legacy',
    frames: bareFrames,
    protocolVersion: '2025-11-25',
    serverInfo: { name: 'drifting', version: '1.0.0' },
    capabilities: {},
    instructions: undefined,
    tools: [],
    resources: [],
    templates: [],
    prompts: [],
    ...said,
  }
}

export function pinned(said: Said): Pins {
  return pinsOf(listingOf(said))
}
