import type { Server } from '../../src/config/profile.ts'

export type Era = Exclude<Server['protocol'], 'auto'>

/** Which era the client speaks and which one the server. */
export interface Cell {
  readonly client: Era
  readonly server: Era
}

/** All there are. */
export const cells = [
  { client: 'legacy', server: 'legacy' },
  { client: 'modern', server: 'modern' },
  { client: 'legacy', server: 'modern' },
  { client: 'modern', server: 'legacy' },
] as const satisfies readonly Cell[]

/** The eras that the proxy speaks to clients and to servers so far: a cell is tested when it speaks both of its eras. */
const spoken: { readonly client: readonly Era[]; readonly server: readonly Era[] } = {
  client: ['legacy'],
  server: ['legacy'],
}

/** What else servers and clients may say, carried or not: only what is carried is generated and compared. */
export const carries: Readonly<Record<'listFrames' | 'greetingFrame' | 'roots', boolean>> = {
  /** Members of list results beside the items. */
  listFrames: false,
  /** Members of the first result beside those that are known. */
  greetingFrame: false,
  /** A server's question for the client's roots. */
  roots: false,
}

export const openCells: readonly Cell[] = cells.filter(
  ({ client, server }) => spoken.client.includes(client) && spoken.server.includes(server),
)

export function isCrossed({ client, server }: Cell): boolean {
  return client !== server
}

export function titleOf({ client, server }: Cell): string {
  return `${client} client, ${server} server`
}
