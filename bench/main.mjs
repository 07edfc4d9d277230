// Measures mcpctl beside what else could be done, in one run: npm run bench. Exit codes: 0 measured, 1 something failed, 2 usage.
import { writeFile } from 'node:fs/promises'
import { loadMeasures } from './catalogue.mjs'
import { FOREIGN_LIMIT } from './context.mjs'
import { writeDocument } from './document.mjs'
import { MARK } from './foreign.mjs'
import { gate, isFarBehind } from './gate.mjs'
import { describeMachine } from './machine.mjs'
import { root } from './mcpctl.mjs'
import { parseOptions, usage } from './options.mjs'
import { findPeers } from './peers.mjs'
import { runMeasures } from './suite.mjs'
import { formatTable } from './table.mjs'

process.env[MARK] = `${process.pid}`
process.exitCode = await main(parseOptions(process.argv.slice(2)))

async function main(options) {
  if (options.help) return print(usage, 0)
  const measures = await loadMeasures()
  const error = options.error ?? unknownIn(options.only, measures)
  if (error) return say(`${error}\n\n${usage}`, 2)
  const chosen = options.gate ? [gate] : measures.filter(({ name }) => options.only?.includes(name) ?? true)
  const report = await measure(chosen, options)
  await write(report, options)
  if (options.charts) await writeDocument(report, root)
  warn(report)
  return isGood(report, options) ? 0 : 1
}

function isGood({ measures }, { gate: isGate }) {
  if (measures.some(({ error }) => error)) return false
  if (!isGate || !isFarBehind(measures[0].rows)) return true
  say('mcpctl has fallen far behind a bare JSON proxy')
  return false
}

function unknownIn(only = [], measures) {
  const unknown = only.filter((name) => !measures.some((measure) => measure.name === name))
  const names = measures.map(({ name }) => name).join(', ')
  return unknown.length > 0 ? `no measure is named ${unknown.join(', ')}; there are ${names}` : undefined
}

async function measure(measures, { quick, rounds, ...options }) {
  const started = performance.now()
  const peers = options.peers ? await findPeers() : []
  const results = await runMeasures(measures, { quick, rounds, peers, say, signal: interruption() })
  const ms = performance.now() - started
  return { version: 1, at: new Date().toISOString(), ms, quick, rounds, machine: describeMachine(), measures: results }
}

/** Ctrl-C stops what runs and still prints what was measured. */
function interruption() {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => controller.abort())
  return controller.signal
}

async function write(report, { json }) {
  if (json !== '-') print(formatTable(report))
  if (json === undefined) return
  const text = JSON.stringify(report, null, 2)
  if (json === '-') print(text)
  else await writeFile(json, `${text}\n`)
}

function warn({ measures }) {
  const noisy = measures.filter(({ foreign }) => foreign > FOREIGN_LIMIT).map(({ name }) => name)
  if (noisy.length > 0)
    say(`the machine was busy with other things during ${noisy.join(', ')}; rows marked ~ mean little`)
}

function say(text, code) {
  process.stderr.write(`${text}\n`)
  return code
}

function print(text, code) {
  process.stdout.write(`${text}\n`)
  return code
}
