/** Exchanges per cell: a quick share by default; the proof is `npm run fidelity`, which sets FIDELITY_RUNS. */
export const runs = Number(process.env.FIDELITY_RUNS ?? 200)

/** FIDELITY_SEED repeats what a failure printed. */
export const seed = Number(process.env.FIDELITY_SEED ?? Date.now() % 2 ** 31)

/** Milliseconds that so many exchanges may take on a busy machine. */
export function patience(count: number): number {
  return 60_000 + count * 60
}
