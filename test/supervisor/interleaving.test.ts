import fc from 'fast-check'
import { test } from 'vitest'
import { freePort } from '../helpers/ports.ts'
import { markedProcesses } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { type Project, project } from './project.ts'

const groups = ['fast', 'slow'] as const
const step = fc.record({
  do: fc.constantFrom('start', 'stop', 'restart', 'kill', 'save', 'apply'),
  group: fc.constantFrom(...groups),
  servers: fc.constantFrom('calm', 'other'),
})

test('P-26 R-22: ends up as a fresh start would, whatever happened in between and however fast', async () => {
  const ports = { fast: await freePort(), slow: await freePort() }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
      const sketches = { fast: { port: ports.fast }, slow: { port: ports.slow } }
      await using p = await project(sketches)
      await p.up()
      const asked: Promise<unknown>[] = []
      for (const one of steps) asked.push(take(p, one, ports))
      await Promise.allSettled(asked)
      // Saves at the same time may have left half of each.
      await p.save(sketches)
      await p.up()
      // Asked anew each time: the supervisor may hear of a kill only after it has answered.
      await waitFor(async () => {
        const pids = (await p.status()).groups.map(({ pid }) => pid)
        const proxies = markedProcesses(p.paths.folder).filter(({ command }) => !command.endsWith('mcpctl-guardian'))
        const marked = proxies.map(({ pid }) => pid)
        return pids.length === 2 && sameMembers(pids, marked)
      })
    }),
    { numRuns: 8, endOnFailure: true },
  )
}, 60_000)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function take(p: Project, { do: verb, group, servers }: Step, ports: Readonly<Record<string, number>>) {
  if (verb === 'kill') return kill((await p.group(group)).pid)
  if (verb === 'apply') return p.apply()
  if (verb !== 'save') return p.client.ask(verb, { groups: [group] })
  const sketch = (name: string) => ({ port: ports[name] ?? 0, servers: name === group ? [servers] : ['calm'] })
  await p.save({ fast: sketch('fast'), slow: sketch('slow') })
  return p.client.ask('reload', { dryRun: false })
}

/** A group that does not run has nothing to kill; pid 0 would mean ourselves. */
function kill(pid: number | null): boolean {
  return pid !== null && process.kill(pid, 'SIGKILL')
}

function sameMembers(one: readonly (number | null)[], other: readonly (number | null)[]): boolean {
  return one.length === other.length && one.every((member) => other.includes(member))
}
