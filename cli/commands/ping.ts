import { type PingSummary, pingTimes, summarisePings } from '../../src/client/ping.ts'
import type { Run } from '../command.ts'
import type { Context } from '../context.ts'
import { connectTo, targetName, targetsOf } from '../mcp.ts'
import { envelope, note, print } from '../output.ts'
import type { Target } from '../target.ts'

/** Round trips to one target or every group. */
export const run: Run = async (context, { args: [text], options }) => {
  const results: Result[] = []
  for (const target of await targetsOf(context, text)) results.push(await ping(context, target, options.count ?? 5))
  await print(context, {
    document: envelope('Ping', { targets: results }),
    human: () =>
      results
        .map(({ target, min, avg, p95, max }) => `${target}  min ${min}  avg ${avg}  p95 ${p95}  max ${max} ms\n`)
        .join(''),
  })
  return 0
}

interface Result extends PingSummary {
  readonly target: string
  readonly url: string
}

async function ping(context: Context, target: Target, count: number): Promise<Result> {
  await using client = await connectTo(context, target)
  const name = targetName(target)
  const times = await pingTimes(client, count, (ms) => note(context, `${name}  ${ms.toFixed(2)} ms`))
  return { target: name, url: target.url, ...summarisePings(times) }
}
