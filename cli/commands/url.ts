import type { Run } from '../command.ts'
import { envelope, print } from '../output.ts'
import { findProject } from '../project.ts'
import { findTarget } from '../target.ts'

/** The bare URL, for `$(mcpctl url GROUP)`. */
export const run: Run = async (context, { args: [text = ''] }) => {
  const { control } = await findProject(context)
  const { group, server, url } = findTarget(await control.ask('status'), text)
  await print(context, {
    document: envelope('Url', { group: group.name, server: server?.name ?? null, url }),
    human: () => `${url}\n`,
  })
  return 0
}
