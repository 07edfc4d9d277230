import type { McpClient } from '../src/client/client.ts'
import { McpctlError } from '../src/shared/errors.ts'
import type { Context, Signal } from './context.ts'
import { findProject } from './project.ts'
import { findGroups, findTarget, type Target } from './target.ts'

/** The group or server of this name, asked of the running supervisor. */
export async function targetOf(context: Context, text: string): Promise<Target> {
  const { control } = await findProject(context)
  const target = findTarget(await control.ask('status'), text)
  const { name, state } = target.group
  if (state !== 'stopped') return target
  throw new McpctlError('unreachable', `the group ${name} is stopped`, { hint: `mcpctl start ${name}` })
}

/** The named one, or every group that runs. */
export async function targetsOf(context: Context, text: string | undefined): Promise<readonly Target[]> {
  if (text !== undefined) return [await targetOf(context, text)]
  const { control } = await findProject(context)
  const groups = findGroups(await control.ask('status'), [])
  return groups
    .filter(({ state }) => state !== 'stopped')
    .map((group) => ({ group, server: undefined, url: group.url }))
}

/** An MCP client of the target, as any other client would connect to it; Ctrl-C cancels what it is asked. */
export async function connectTo(context: Context, { url }: Target): Promise<McpClient> {
  const { connectClient } = await import('../src/client/client.ts')
  const over = new AbortController()
  const listening = context.onSignal((signal) => over.abort(interruption(signal)))
  const { signal } = over
  const client = await connectClient({ url, token: context.env.MCPCTL_TOKEN, version: context.version, signal })
  return {
    ...client,
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]()
      await client[Symbol.asyncDispose]()
    },
  }
}

function interruption(signal: Signal): McpctlError {
  return new McpctlError(signal === 'SIGINT' ? 'interrupted' : 'terminated', 'interrupted')
}

/** `local-fast` or `local-fast/memory`. */
export function targetName({ group, server }: Target): string {
  return server === undefined ? group.name : `${group.name}/${server.name}`
}
