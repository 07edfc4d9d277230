// The fixture server of an era, as a process of its own.
import { spawn } from 'node:child_process'
import { freePort } from '../../bench/ports.mjs'
import { end, firstOutput } from './child.mjs'
import { fixtureFile } from './paths.mjs'

/** Resolves with `{ url, stop }` once it listens. */
export async function startFixture(era) {
  const child = spawn(process.execPath, [fixtureFile, String(await freePort()), era], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const url = (await firstOutput(child)).trim().replace('listening ', '')
  return { url, stop: () => end(child, 'SIGKILL') }
}
