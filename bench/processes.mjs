// What the benchmark runs as processes of its own. None outlives it: each of its own programs ends with the channel to its
// parent, and each foreign one is ended by pid.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { cpuOf, rssOf } from './usage.mjs'

const START_TIMEOUT = 30_000
const STOP_TIMEOUT = 5_000

/**
 * Starts one of the benchmark's own programs (`file` relative to bench/) with a configuration and resolves once it says
 * that it is ready, as `{ pid, ready, ask, cpu, rss, stop }`: `ready` is what it said, `ask(question, options)` resolves with its
 * answer, `cpu()` is its CPU time so far in microseconds, `rss()` its memory in bytes.
 */
export async function startChild(file, config = {}, { flags = [], env = {} } = {}) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(config)], {
    execArgv: flags,
    env: { ...process.env, ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ready = await firstMessage(child, file)
  return { ready, ask: createAsk(child, file), ...handleOf(child) }
}

/**
 * Starts a foreign program and resolves once `isReady` is true of it, as `{ pid, cpu, rss, stop }`. It leads a process group
 * of its own, so that what it starts ends with it.
 */
export async function startProgram(command, args, { env = {}, isReady }) {
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  })
  const said = tailOf(child.stderr)
  const deadline = performance.now() + START_TIMEOUT
  while (!(await isReady())) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await end(child, -child.pid)
      throw new Error(`${command} ${args.join(' ')} did not start: ${said()}`)
    }
    await delay(20)
  }
  return handleOf(child, -child.pid)
}

/** Runs a program to its end and resolves with `{ code, stdout, stderr, ms }`; one that takes too long is killed. */
export async function run(command, args, { cwd, env, timeout = 60_000 } = {}) {
  const started = performance.now()
  const child = spawn(command, args, { cwd, env, timeout, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'])
    child[name].setEncoding('utf8').on('data', (chunk) => {
      output[name] += chunk
    })
  const [code] = await once(child, 'close')
  return { code, ...output, ms: performance.now() - started }
}

async function firstMessage(child, file) {
  const signal = AbortSignal.timeout(START_TIMEOUT)
  const message = once(child, 'message', { signal }).then(([{ ready }]) => ready)
  const exit = once(child, 'exit', { signal }).then(() => undefined)
  const ready = await Promise.race([message, exit]).catch(() => undefined)
  if (ready !== undefined) return ready
  await end(child)
  throw new Error(`${file} did not start`)
}

function createAsk(child, file) {
  let last = 0
  const waiting = new Map()
  child.on('message', ({ id, answer, error }) => {
    const { resolve, reject } = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) resolve(answer)
    else reject(new Error(error))
  })
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended`))
  })
  return (question, options = {}) =>
    new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, { resolve, reject })
      child.send({ id, question, options }, (error) => error && reject(error))
    })
}

const handleOf = (child, target = child.pid) => ({
  pid: child.pid,
  cpu: () => cpuOf(child.pid),
  rss: () => rssOf(child.pid),
  stop: () => end(child, target),
})

/** Asks a process (or its group, a negative `target`) to end, and makes it end when it does not. */
async function end(child, target = child.pid) {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit')
    kill(target, 'SIGTERM')
    const isGone = await Promise.race([exit, delay(STOP_TIMEOUT, false, { ref: false })])
    if (!isGone) kill(target, 'SIGKILL')
    await exit
  }
  if (target < 0) kill(target, 'SIGKILL')
}

function kill(target, signal) {
  try {
    process.kill(target, signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

function tailOf(stream) {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk) => {
    text = (text + chunk).slice(-2000)
  })
  return () => text
}
