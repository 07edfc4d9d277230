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

export function isCrossed({ client, server }: Cell): boolean {
  return client !== server
}

export function titleOf({ client, server }: Cell): string {
  return `${client} client, ${server} server`
}
