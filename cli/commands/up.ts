import type { Run } from '../command.ts'
import { isCi } from '../context.ts'
import { findProject } from '../project.ts'
import { WAIT_TIMEOUT } from '../settle.ts'
import { upInBackground } from '../up/background.ts'
import { upInForeground } from '../up/foreground.ts'
import { wishOf } from '../wish.ts'

/** Brings the project to the wished profile; `--wait` means in the background, as it does for docker compose. */
export const run: Run = async (context, invocation) => {
  const { detach, wait, waitTimeout } = invocation.options
  const project = await findProject(context)
  const options = { project, wish: wishOf(context, invocation), timeout: waitTimeout ?? WAIT_TIMEOUT }
  if (!detach && !wait) return upInForeground(context, options)
  return upInBackground(context, { ...options, wait: wait ?? isCi(context.env) })
}
