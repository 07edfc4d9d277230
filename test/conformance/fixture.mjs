// The fixture server of an era, as a process of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fixtureFile } from './paths.mjs'
import { freePort } from './ports.mjs'

/** Resolves with `{ url, stop }` once it listens. */
export async function startFixture(era) {
  const child = spawn(process.execPath, [fixtureFile, String(await freePort()), era], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return {
    url: line.replace('listening ', ''),
    async stop() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
