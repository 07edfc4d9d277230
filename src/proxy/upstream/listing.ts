import type { Params } from '../rpc.ts'

/** What one server offers, raw as it said it: names are its own bare ones, unknown fields are all there. */
export interface Listing {
  readonly protocolVersion: string
  readonly serverInfo: Params
  readonly capabilities: Params
  readonly instructions: string | undefined
  readonly tools: readonly Item[]
  readonly resources: readonly Item[]
  readonly templates: readonly Item[]
  readonly prompts: readonly Item[]
}

/** A tool, resource, resource template or prompt as listed. */
export type Item = Params

export const kinds = ['tools', 'resources', 'templates', 'prompts'] as const
export type Kind = (typeof kinds)[number]
