import { once } from 'node:events'

const START_TIMEOUT = 60_000

/** The first output of a child, or an error with what it said on stderr when it ends or stays silent instead. */
export async function firstOutput(child) {
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    said += chunk
  })
  const signal = AbortSignal.timeout(START_TIMEOUT)
  const output = once(child.stdout.setEncoding('utf8'), 'data', { signal }).then(([chunk]) => chunk)
  const first = await Promise.race([output, once(child, 'exit', { signal }).then(() => undefined)]).catch(
    () => undefined,
  )
  if (first !== undefined) return first
  await end(child, 'SIGKILL')
  throw new Error(`${child.spawnargs.slice(1).join(' ')} did not start: ${said}`)
}

/** Asks a child to end and waits until it has; one that is gone already is fine. */
export async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}
