import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isAlive } from './processes.ts'

export interface FixtureProcess extends AsyncDisposable {
  readonly pid: number
  /** What it printed after `listening ` on its first line: usually a URL. */
  readonly address: string
}

/**
 * Starts `test/fixtures/servers/NAME.mjs` as a process of its own and resolves once it printed `listening <address>`.
 * Network fixtures listen on loopback, on the port they are given as their first argument.
 */
export async function startFixture(
  name: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
) {
  const child = spawn(process.execPath, [fixturePath(name), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const address = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`fixture ${name} exited with ${code} before it listened`)))
    child.stdout.on('data', (chunk) => {
      text += chunk
      const found = /^listening (.+)$/m.exec(text)
      if (found?.[1]) resolve(found[1])
    })
  })
  const fixture: FixtureProcess = {
    pid: child.pid ?? -1,
    address,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null || !isAlive(fixture.pid)) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
  return fixture
}

export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/servers/${name}.mjs`, import.meta.url))
}
