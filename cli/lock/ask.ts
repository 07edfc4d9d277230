import type { Surveyed } from '../../src/config/lock-survey.ts'
import type { Server } from '../../src/config/profile.ts'
import { redactDrift } from '../../src/shared/drift.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import { redact } from '../../src/shared/secret.ts'
import { survey } from '../../src/supervisor/survey.ts'
import type { Context } from '../context.ts'
import { note } from '../output.ts'
import type { Texts } from './accepted.ts'
import type { Project } from './project.ts'
import type { Asked } from './report.ts'

export interface Asking extends Project {
  readonly wanted: readonly Server[]
  readonly texts: Texts
}

/** Asks the wanted servers. Throws McpctlError `interrupted` or `terminated` for a signal. */
export async function ask(
  context: Context,
  { profile, wanted, texts, lock, paths }: Asking,
): Promise<readonly Asked[]> {
  const over = new AbortController()
  using _listening = context.onSignal((signal) =>
    over.abort(new McpctlError(signal === 'SIGINT' ? 'interrupted' : 'terminated', 'interrupted')),
  )
  note(context, `asking ${wanted.length} server${wanted.length === 1 ? '' : 's'}`)
  const question = { servers: wanted, locked: lock.servers, texts, owner: paths.folder }
  const found = await survey({ ...question, env: context.env, signal: over.signal })
  const byName = new Map(found.map((one) => [one.name, one]))
  return wanted.flatMap((server) => {
    const answer = byName.get(server.name)
    return answer
      ? [{ server, survey: withoutSecrets(answer, profile.secrets), isNew: !Object.hasOwn(lock.servers, server.name) }]
      : []
  })
}

/** Of what people are shown: the rest is digests. */
function withoutSecrets(survey: Surveyed, secrets: readonly string[]): Surveyed {
  if (survey.state !== 'known') return { ...survey, reason: redact(survey.reason, secrets) }
  return { ...survey, drifts: survey.drifts.map((drift) => redactDrift(drift, secrets)) }
}
