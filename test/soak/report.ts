import { appendFile } from 'node:fs/promises'

/** Notes the figures of one case for the table that `npm run soak` prints at its end. */
export async function report(name: string, figures: Readonly<Record<string, unknown>>): Promise<void> {
  const file = process.env.SOAK_FIGURES
  if (file) await appendFile(file, `${JSON.stringify({ name, ...figures })}\n`)
}
