/** The parts of what a server says that `mcpctl.lock` pins. */
export const pinnedKinds = ['tools', 'prompts', 'templates'] as const
export type PinnedKind = (typeof pinnedKinds)[number]

/** Something a server says otherwise than `mcpctl.lock` does, as `mcpctl events` and the logs tell it. */
export interface Drift {
  readonly server: string
  readonly kind: PinnedKind | 'instructions'
  /** The server's own name of it; empty for instructions. */
  readonly name: string
  readonly change: DriftChange
  /** It is neither shown to clients nor carried out. */
  readonly blocked: boolean
  /** Which fields are others than before. */
  readonly fields: readonly string[]
  /** What is suspicious about the new text, in words. */
  readonly flags: readonly string[]
  /** A line for each difference, what nobody would see spelt out. */
  readonly diff: readonly string[]
}

/** `widened`: a tool takes more parameters, and nothing else about it is other than before. */
export type DriftChange = 'changed' | 'widened' | 'new' | 'removed'

const nouns = { tools: 'tool', prompts: 'prompt', templates: 'resource template' } as const

/** `tool "echo" of server "files"`. */
export function driftSubject({ server, kind, name }: Pick<Drift, 'server' | 'kind' | 'name'>): string {
  const what = kind === 'instructions' ? 'the instructions' : `${nouns[kind]} ${JSON.stringify(name)}`
  return `${what} of server ${JSON.stringify(server)}`
}
