import { LOCK_FILE } from '../../src/config/lock-data.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import { prepareStateFolder } from '../../src/supervisor/state-folder.ts'
import type { Run } from '../command.ts'
import { readTexts } from '../lock/accepted.ts'
import { ask } from '../lock/ask.ts'
import { acceptedIn } from '../lock/merge.ts'
import { projectOf } from '../lock/project.ts'
import { reportOf } from '../lock/report.ts'
import { assertAsked, assertSame } from '../lock/verdict.ts'
import { write } from '../lock/write.ts'
import { print } from '../output.ts'
import { painter } from '../paint.ts'
import { wishOf } from '../wish.ts'

/** Asks the servers themselves what they say, and writes that down or compares it with what was written before. */
export const run: Run = async (context, invocation) => {
  const { check = false, accept } = invocation.options
  if (check && accept) throw new McpctlError('usage', '--check takes nothing over: leave out --accept')
  const project = await projectOf(context, wishOf(context, invocation))
  if (check && !project.set.lock) throw missing()
  const accepted = accept?.map((text) => acceptedIn(text, [...project.servers.keys()]))
  const wanted = [...project.servers.values()].filter(
    ({ name }) => accepted?.some(({ server }) => server === name) ?? true,
  )
  prepareStateFolder(project.paths)
  const texts = await readTexts(project.paths.accepted)
  const asked = await ask(context, { ...project, wanted, texts })
  const isWritten = !check && (await write(context, { ...project, asked, accepted, texts }))
  const outcome = { profile: project.profile.name, asked, isWritten, isCheck: check }
  await print(context, reportOf(outcome, painter(context, context.stdout)))
  if (check) assertSame(asked)
  assertAsked(asked)
  return 0
}

function missing(): McpctlError {
  return new McpctlError('config_invalid', `there is no ${LOCK_FILE} to compare with`, {
    hint: 'mcpctl lock writes it',
  })
}
