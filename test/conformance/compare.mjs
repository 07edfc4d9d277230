// What a run lacks, measured by another. What the specification wants of a server it also wants of a proxy, so a check
// that passes without the proxy must pass through it.
const isBad = ({ status }) => status === 'FAILURE' || status === 'WARNING'
const isPassed = ({ status }) => status === 'SUCCESS'

export function count(checks) {
  const of = (status) => checks.filter((check) => check.status === status).length
  return { passed: of('SUCCESS'), failed: of('FAILURE'), warned: of('WARNING') }
}

/** The checks `found` lacks of `wanted`, and those that go wrong only in it: `{ scenario, check, lacking, message }`. */
export function shortfalls(wanted, found) {
  const before = group(wanted)
  const after = group(found)
  return [...new Set([...before.keys(), ...after.keys()])]
    .toSorted()
    .flatMap((key) => shortfall(before.get(key) ?? [], after.get(key) ?? []))
}

function shortfall(before, after) {
  const lost = before.filter(isPassed).length - after.filter(isPassed).length
  const lacking = before.length === 0 ? after.filter(isBad).length : Math.max(lost, 0)
  if (lacking === 0) return []
  const [{ scenario, id }] = [...before, ...after]
  return [{ scenario, check: id, lacking, message: messageOf(after) }]
}

function messageOf(after) {
  const worst = after.find(isBad) ?? after.find((check) => !isPassed(check))
  return worst ? `${worst.status}: ${worst.message}` : 'not reached'
}

/** Ids repeat within a scenario, names within an id do not mean the same thing. */
function group(checks) {
  const groups = new Map()
  for (const check of checks) {
    const key = `${check.scenario} ${check.id} ${check.name}`
    groups.set(key, [...(groups.get(key) ?? []), check])
  }
  return groups
}
