import { nestsTooDeep } from '../mcp/depth.ts'
import type { Era } from '../mcp/era.ts'
import { isRecord, type Params } from '../mcp/rpc.ts'
import type { Frame, Item, Listing } from './listing.ts'

/** What is remembered of one server from one start to the next. */
export interface Memory {
  readonly verdict: Verdict | undefined
  /** All it said of itself and listed, raw: filters and names are applied to it anew each time. */
  readonly listing: Listing | undefined
}

/** Which era the server was found to speak, and when, in milliseconds of the wall clock. */
interface Verdict {
  readonly era: Era
  readonly at: number
}

export const nothing: Memory = { verdict: undefined, listing: undefined }

/** Another shape of what is below is another format: a file of it is of no use here. */
const FORMAT = 1

/** One JSON object without a newline behind it, so that no part of it is a whole one. */
export function textOf({ verdict, listing }: Memory): string {
  const dated = verdict && { era: verdict.era, at: new Date(verdict.at).toISOString() }
  return JSON.stringify({ format: FORMAT, verdict: dated, listing })
}

/** The opposite of `textOf`. Throws an Error that says what is wrong with the text. */
export function memoryIn(text: string): Memory {
  const { format, verdict, listing } = record(JSON.parse(text), 'the whole')
  if (format !== FORMAT) throw new Error(`it is of format ${JSON.stringify(format)}, not ${FORMAT}`)
  return {
    verdict: verdict === undefined ? undefined : verdictIn(record(verdict, 'verdict')),
    listing: listing === undefined ? undefined : listingIn(record(listing, 'listing')),
  }
}

function verdictIn({ era, at }: Params): Verdict {
  const ms = Date.parse(text(at, 'at'))
  if (Number.isNaN(ms)) throw wrong('at')
  return { era: eraIn(era), at: ms }
}

function listingIn(listing: Params): Listing {
  if (nestsTooDeep(listing)) throw wrong('listing')
  const { instructions } = listing
  const frames = record(listing.frames, 'frames')
  return {
    protocolVersion: text(listing.protocolVersion, 'protocolVersion'),
    serverInfo: record(listing.serverInfo, 'serverInfo'),
    capabilities: record(listing.capabilities, 'capabilities'),
    instructions: instructions === undefined ? undefined : text(instructions, 'instructions'),
    era: eraIn(listing.era),
    tools: items(listing.tools, 'tools'),
    resources: items(listing.resources, 'resources'),
    templates: items(listing.templates, 'templates'),
    prompts: items(listing.prompts, 'prompts'),
    frames: {
      tools: frameIn(record(frames.tools, 'frames.tools')),
      resources: frameIn(record(frames.resources, 'frames.resources')),
      templates: frameIn(record(frames.templates, 'frames.templates')),
      prompts: frameIn(record(frames.prompts, 'frames.prompts')),
      greeting: frameIn(record(frames.greeting, 'frames.greeting')),
    },
  }
}

function frameIn({ extra, ttlMs, scope }: Params): Frame {
  if (typeof ttlMs !== 'number' || ttlMs < 0) throw wrong('ttlMs')
  if (scope !== 'public' && scope !== 'private') throw wrong('scope')
  return { extra: record(extra, 'extra'), ttlMs, scope }
}

function eraIn(value: unknown): Era {
  if (value !== 'legacy' && value !== 'modern') throw wrong('era')
  return value
}

function items(value: unknown, what: string): readonly Item[] {
  if (!Array.isArray(value) || !value.every(isRecord)) throw wrong(what)
  return value
}

function record(value: unknown, what: string): Params {
  if (!isRecord(value)) throw wrong(what)
  return value
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw wrong(what)
  return value
}

function wrong(what: string): Error {
  return new Error(`${what} is not what it should be`)
}
