/** The middle of some numbers; of an even count the mean of the middle two. */
export function median(numbers) {
  return quantile(numbers, 0.5)
}

/** The value below which `share` (0 to 1) of the numbers lie, interpolated between neighbours. */
export function quantile(numbers, share) {
  if (numbers.length === 0) throw new Error('no numbers to take a quantile of')
  const sorted = Float64Array.from(numbers).sort()
  const at = (sorted.length - 1) * share
  const below = Math.floor(at)
  const above = Math.ceil(at)
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below)
}

/** Rounds to `digits` significant digits, as a table wants it. */
export function significant(number, digits = 3) {
  return Number(number.toPrecision(digits))
}
