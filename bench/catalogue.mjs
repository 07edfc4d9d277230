import { readdir } from 'node:fs/promises'

/** As a person wants to read them; others follow. */
const order = ['origin', 'calls', 'lists', 'peers', 'silence', 'neighbours', 'snapshot', 'commands', 'start', 'groups']

/**
 * The measures in the order of reading: `{ name, title, run(context) }`, one for each file of measures/, which exports it under its file's name.
 * `run` resolves with rows `{ id, what, value, unit, must, aim, foreign, details }`: `id` is a lasting slug, `value` a number (or null where it
 * could not be measured), `must` and `aim` are `{ op: '<=' | '>=', value }` and optional, as are `foreign`, the share of the CPU that others
 * took, and `details`, anything JSON can hold.
 */
export async function loadMeasures() {
  const folder = new URL('measures/', import.meta.url)
  const names = (await readdir(folder)).map((file) => file.replace(/\.mjs$/, '')).sort(byOrder)
  const modules = await Promise.all(names.map((name) => import(new URL(`${name}.mjs`, folder))))
  return modules.map((module, index) => module[names[index]])
}

const byOrder = (one, other) => placeOf(one) - placeOf(other) || one.localeCompare(other)
const placeOf = (name) => (order.includes(name) ? order.indexOf(name) : order.length)
