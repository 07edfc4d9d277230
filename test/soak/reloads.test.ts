import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { entryFile } from '../../src/shared/paths.ts'
import { collectAll } from '../helpers/heap.ts'
import { freePort } from '../helpers/ports.ts'
import { type Groups, project } from '../supervisor/project.ts'

const ROUNDS = 1_000
/** What is made once: code that gets compiled, buffers that grow to their size. */
const WARM = 200
const MIB = 1024 * 1024

test(
  'R-23: 1,000 reloads leave no descriptor, listener, timer or memory behind',
  async () => {
    const ports = [await freePort(), await freePort()] as const
    const sketch = (servers: readonly string[]): Groups => ({
      one: { port: ports[0], servers },
      two: { port: ports[1], servers: ['echo'] },
    })
    await using p = await project(sketch(['echo']), { proxyFile: entryFile('proxy') })
    await p.up()
    const [one, two] = [await p.pid('one'), await p.pid('two')]
    const reload = async (rounds: number) => {
      for (let at = 0; at < rounds; at++) {
        await p.save(sketch(at % 2 === 0 ? ['echo', 'replies'] : ['echo']))
        await p.client.ask('reload', { dryRun: false })
      }
      collectAll()
      return { own: { ...held(), listeners: listeners() }, one: usage(one), two: usage(two), self: usage(process.pid) }
    }
    const before = await reload(WARM)
    const after = await reload(ROUNDS)
    expect([await p.pid('one'), await p.pid('two')]).toEqual([one, two])
    expect(after.own.timers).toBeLessThanOrEqual(before.own.timers + 2)
    expect(after.own.listeners).toBe(before.own.listeners)
    for (const who of ['one', 'two', 'self'] as const) {
      expect(after[who].descriptors).toBeLessThanOrEqual(before[who].descriptors + 2)
      expect(after[who].rss).toBeLessThanOrEqual(before[who].rss * 1.05 + 16 * MIB)
    }
  },
  20 * 60_000,
)

function held() {
  const resources = process.getActiveResourcesInfo()
  return { timers: resources.filter((name) => name === 'Timeout').length, others: resources.length }
}

function listeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
}

function usage(pid: number) {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, rss: pages * 4096 }
}
